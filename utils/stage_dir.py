"""A stage directory is complete or it is absent.

Outputs are written into a hidden directory beside the final one, flushed to disk, and renamed when all is there. A link
to a stage directory stays: the hidden directory is then beside the link's target.

`.done` (`utils.stage_record`) has a signature of the options and inputs, and a second one in which archives that stages
have written count by content (a copy of an experiment may have new times). With the same options and inputs a rerun is
a no-op that says so, with others the stage is redone, and the log says why. What must not be replaced is refused
(`utils.out_dir`).

    with StageDir(options.out, options, inputs=[options.data], force=options.force) as stage:
        if stage.done:
            return
        (stage.dir / "table").write_text(...)
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from utils.command import logger
from utils.durable import rename, sync_tree
from utils.errors import InputError, absence, brief
from utils.finished import refuse_unfinished
from utils.locking import LOCK, lock_file, remove_lock
from utils.mounts import files_below
from utils.option_values import as_dict, check_ranges, raw_values
from utils.out_dir import behind_links, check_out
from utils.own_paths import own_directory, refuse_of_others
from utils.run_info import RUN_INFO, write_run_info
from utils.script_files import RECIPE, naming
from utils.secrets import hide
from utils.stage_record import DONE, Record, read_record

log = logger(__name__)
BEGUN, CONFIG = ".signature", "config.yaml"
AUDIO = (
    *(".aac", ".aif", ".aifc", ".aiff", ".amr", ".au", ".caf", ".flac", ".m4a", ".mp2", ".mp3", ".mp4", ".nist"),
    *(".oga", ".ogg", ".opus", ".pcm", ".rf64", ".snd", ".sph", ".voc", ".w64", ".wav", ".webm", ".wma", ".wv"),
)
BY_SIZE_AND_TIME = {".ark", ".arrow", ".parquet", *AUDIO}
HOW_NOT_WHAT = ("force", "nj", "job", "shards", "distinct_ids")  # options that do not change an output
# options that came later, with what was done before: outputs of that time stay finished
LATER = {
    **{"ark_paths": RECIPE, "strict": False, "with_chapters": False, "speaker_folder": 2, "utts_per_speaker": 1},
    **{"embeddings": None, "as_norm": None, "cohort_top": 300, "missing": "error"},
    **{"mix_text": None, "mix": None, "mix_by": "transport", "oldest_child": None},
}
NOT_HASHED = ("out", *HOW_NOT_WHAT)
NO_INPUT = (DONE, CONFIG, RUN_INFO, LOCK, f"{LOCK}.turn")  # files of an input directory that are not its content


class StageDir:
    """Context manager around one output directory.

    Args:
        out: the directory, or a link to it.
        options: the dataclass of a command, with the command's fixed name in COMMAND, or a mapping of plain values.
        command: the command's fixed name, where `options` is a mapping.
        resume: keep what an interrupted run with the same signature left in `dir`, for the caller to go on from.
        remade: names of stages in the directory that are made of it, and go with it when it is redone.
        within: the directory of another stage that it may lie in.

    Attributes:
        final: the directory as the user named it.
        dir: where to write now; renamed to `final` on a clean exit, removed on an exception.
        done: the final directory is complete and has this signature: write nothing.
        n_shards: to be set where parts of jobs are merged, so that later jobs can tell shards that there never were.
    """

    def __init__(
        self,
        out: Path,
        options: Any,
        inputs: Iterable[Path] = (),
        force: bool = False,
        resume: bool = False,
        command: str | None = None,
        remade: Collection[str] = (),
        within: Path | None = None,
    ):
        check_ranges(options)
        self.final = Path(out).absolute()
        self.target = behind_links(self.final)
        self.dir, self.old, self.lock_path = (_beside(self.target, name) for name in ("tmp", "old", "lock"))
        self.options, self.inputs, self.force, self.resume = options, [Path(path) for path in inputs], force, resume
        self.command, self.remade, self.within = command or options.COMMAND, remade, within
        self.done = False
        self.n_shards: int | None = None

    def __enter__(self) -> Self:
        refuse_unfinished(self.final, not self.force and (self.final / DONE).exists())
        self.signature = signature(self.options, self.inputs)
        self.done = self._is_up_to_date()
        if self.done:
            return self
        refuse_unfinished(self.final, finished=False)
        self._lock()
        try:
            self._check()
            if (self.final / DONE).is_file():
                log.info("%s is redone: %s", self.final, self._why_redone())
            self._prepare()
        except BaseException:
            self._unlock()
            raise
        self._naming = naming(raw_values(self.options).get("ark_paths", RECIPE), self.final)
        self._naming.__enter__()
        return self

    def _is_up_to_date(self) -> bool:
        if self.force or not self._agrees(read_record(self.final / DONE)):
            return False
        if self.old.exists() or self.lock_path.exists():
            with contextlib.suppress(
                InputError, OSError
            ):  # removed later by the process that writes, or by a user with the permission
                self._lock()
                shutil.rmtree(self.old, ignore_errors=True)
                self._unlock()
        log.info("%s is up to date", self.final)
        return True

    def _why_redone(self) -> str:
        """What has changed since the directory was finished, as far as its `config.yaml` tells."""
        if self.force:
            return "--force"
        path = self.final / CONFIG
        try:
            before = dict(yaml.safe_load(path.read_text(encoding="utf-8") if path.is_file() else ""))
        except (OSError, ValueError, TypeError, yaml.YAMLError):  # of another version, or edited
            return "other options or inputs"
        now, counted = yaml.safe_load(self._config()), _counted(self.options)
        changed = [
            f"{name} was {brief(before[name])}, is {brief(now[name])}" if name in before else f"{name} is new"
            for name in counted
            if name not in before or before[name] != now[name]
        ]
        return "; ".join(changed) or "other inputs"

    def _agrees(self, record: Record | None) -> bool:
        return _is_signed(record, self.signature, self.options, self.inputs)

    def _check(self) -> None:
        """Holding the lock: undo what a kill has left half done, and refuse to replace what is not ours."""
        for path in (self.dir, self.old):
            if path.is_symlink():
                raise InputError(
                    f"{path}: a link, but this name is used while {self.final} is written: remove the link; to keep "
                    f"the outputs on another disk, make {self.final} itself a link"
                )
            refuse_of_others(path)
        self._restore()
        check_out(self.final, self.command, self.inputs, self.remade, self.within)
        begun = self._begun()
        if begun is not None and begun.command not in (None, self.command):
            raise InputError(
                f"{self.dir}: unfinished work of {begun.command}, and not to be replaced by {self.command}; name "
                f"another directory than {self.final}, or remove this one"
            )

    def _prepare(self) -> None:
        """Make or empty the working directory, but for what can be resumed."""
        own_directory(self.dir)
        try:
            if not (self.resume and not self.force and self._agrees(self._begun())):
                empty(self.dir)
            by_content = signature(self.options, self.inputs, by_content=True)
            (self.dir / BEGUN).write_text(Record(self.signature, self.command, by_content).text())
        except BaseException:
            self._discard()
            raise

    def _begun(self) -> Record | None:
        """The record of the run that has left the working directory; None also where a kill has torn it."""
        with contextlib.suppress(InputError):
            return read_record(self.dir / BEGUN)
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.done:
            return
        self._naming.__exit__(kind, error, trace)
        try:
            if kind is None:
                self._commit()
            else:
                self._discard()
        except BaseException:
            self._restore()
            self._discard()
            raise
        finally:
            self._unlock()

    def _discard(self) -> None:
        if not self.resume:
            shutil.rmtree(self.dir, ignore_errors=True)

    def _restore(self) -> None:
        """Undo a commit that was killed between its two renames."""
        if self.old.exists():
            if self.target.exists():
                shutil.rmtree(self.old)
            else:
                self.old.rename(self.target)

    def _lock(self) -> None:
        """Be the only writer, or refuse: two would mix their files."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._check_parent()
        try:
            self.lock = lock_file(self.lock_path)
        except BlockingIOError as error:
            raise InputError(f"{self.final}: another process is writing it; wait for it or stop it") from error

    def _check_parent(self) -> None:
        """Refuse, before any work, a directory that could not be renamed at its end."""
        parent = self.target.parent
        reason = f"{parent} cannot be written to" if not os.access(parent, os.W_OK | os.X_OK) else ""
        reason = f"{self.target} is a mount point" if self.target.is_mount() else reason
        if reason:
            raise InputError(
                f"{self.final}: outputs are written beside {self.target} and then renamed, but {reason}; use a "
                f"directory below it, or make {self.final} a link to one, such as {self.target / self.final.name}"
            )

    def _unlock(self) -> None:
        remove_lock(self.lock_path, self.lock)

    def _config(self) -> str:
        """The options as `config.yaml` has them."""
        config = {name: value for name, value in as_dict(self.options).items() if name not in HOW_NOT_WHAT}
        return hide(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def _commit(self) -> None:
        (self.dir / CONFIG).write_text(self._config(), encoding="utf-8")
        write_run_info(self.dir / RUN_INFO, as_dict(self.options), self.final, self.n_shards)
        sync_tree(self.dir)
        rename(self.dir / BEGUN, self.dir / DONE)
        if self.target.exists():
            self.target.rename(self.old)
        rename(self.dir, self.target)
        shutil.rmtree(self.old, ignore_errors=True)


def _counted(options: Any) -> dict[str, Any]:
    """The options that decide an output by their value, not by what a file holds."""
    return {
        name: as_dict({name: value})[name]
        for name, value in raw_values(options).items()
        if name not in NOT_HASHED and not isinstance(value, Path) and (name, value) not in LATER.items()
    }


def empty(directory: Path, keep: Collection[str] = ()) -> None:
    """Remove all that is in a directory, but for the files `keep`; links are removed, what they lead to stays."""
    for item in directory.iterdir():
        if item.name not in keep:
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()


def is_done(out: Path, options: Any, inputs: Iterable[Path] = ()) -> bool:
    """Is this directory complete, with these options and inputs?"""
    inputs = list(inputs)
    return _is_signed(read_record(Path(out) / DONE), signature(options, inputs), options, inputs)


def parts_root(out: Path) -> Path:
    """The directory of the parts that jobs make, until a command merges them into `out`."""
    root = _beside(behind_links(out.absolute()), "parts")
    if root.is_symlink():
        raise InputError(f"{root}: a link, but the parts of {out} go there: remove the link")
    refuse_of_others(root)
    return root


def _beside(directory: Path, name: str) -> Path:
    if not directory.name:
        raise InputError(f"{directory}: the root of all directories; name a directory for this output alone")
    return directory.with_name(f".{directory.name}.{name}")


def _is_signed(record: Record | None, wanted: str, options: Any, inputs: Iterable[Path]) -> bool:
    """Does the record have this signature, or that of the same options and inputs by content?"""
    if record is None or record.signature == wanted:
        return record is not None
    return record.by_content is not None and record.by_content == signature(options, inputs, by_content=True)


def signature(options: Any, inputs: Iterable[Path], by_content: bool = False) -> str:
    """A hash of what decides an output: options by value, input files by content (archives and audio by size and time).

    The name of an input does not count, what it holds does: an experiment that is moved stays finished. With
    `by_content`, the archives and audio that a stage has written count by content too, as copies may have new times;
    those of others may be too large to be read for this.
    """
    digest = hashlib.sha256(json.dumps([_owner(options), _counted(options)], sort_keys=True).encode())
    for number, root in enumerate(inputs):
        if not root.exists():
            advice = "restore it, or remove the link" if root.is_symlink() else "run the stage that makes it first"
            raise InputError(f"{root}: {absence(root, 'file or directory')}; {advice}")
        for path in sorted(_files(root)):
            digest.update(f"\n{number} {path.relative_to(root)} {_fingerprint(path, by_content)}".encode())
    return digest.hexdigest()


def _owner(options: Any) -> str:
    """The fixed name of the command that declares the options: modules move, what they have finished stays finished."""
    return "builtins" if isinstance(options, Mapping) else options.COMMAND


def _files(root: Path) -> Iterable[Path]:
    if root.is_file():
        return [root]
    return (path for path in files_below(root) if path.name not in NO_INPUT)


def _fingerprint(path: Path, by_content: bool) -> str:
    of_a_stage = by_content and any((folder / RUN_INFO).is_file() for folder in (path.parent, path.parent.parent))
    if path.suffix.lower() in BY_SIZE_AND_TIME and not of_a_stage:
        status = path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"
    status = path.stat()
    return _hash(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@lru_cache(maxsize=4096)
def _hash(path: Path, *unchanged: int) -> str:
    """The hash of a file's content, which one process may ask for again while `unchanged` is what it was."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
