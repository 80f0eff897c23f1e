"""A stage directory is complete or it is absent.

Outputs are written into a hidden directory beside the final one, flushed to disk, and renamed when all is there. A link
to a stage directory stays: the hidden directory is then beside the link's target.

`.done` holds three lines: a signature of the options and inputs, the name of the command, and a second signature in
which archives that stages have written count by content (a copy of an experiment may have new times). With the same
options and inputs a rerun is a no-op that says so, with others the stage is redone. A directory that another command
has finished is never replaced.

    with StageDir(options.out, options, inputs=[options.data], force=options.force) as stage:
        if stage.done:
            return
        (stage.dir / "table").write_text(...)
"""

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from utils.command import logger
from utils.durable import rename, sync_tree
from utils.errors import InputError
from utils.json_files import read_json
from utils.locking import LOCK, lock_file, remove_lock
from utils.option_values import as_dict, raw_values
from utils.run_info import RUN_INFO, write_run_info

log = logger(__name__)
BEGUN, DONE, CONFIG = ".signature", ".done", "config.yaml"
AUDIO = (
    *(".aac", ".aif", ".aifc", ".aiff", ".amr", ".au", ".caf", ".flac", ".m4a", ".mp2", ".mp3", ".mp4", ".nist"),
    *(".oga", ".ogg", ".opus", ".rf64", ".snd", ".sph", ".voc", ".w64", ".wav", ".webm", ".wma", ".wv"),
)
BY_SIZE_AND_TIME = {".ark", ".arrow", ".parquet", *AUDIO}
HOW_NOT_WHAT = ("force", "nj", "job", "shards", "distinct_ids")  # options that do not change an output
NOT_HASHED = ("out", *HOW_NOT_WHAT)
NO_INPUT = (DONE, CONFIG, RUN_INFO, LOCK, f"{LOCK}.turn")  # files of an input directory that are not its content
ROOMS = ("local", "steps")  # the packages whose modules are commands that finish directories


class StageDir:
    """Context manager around one output directory.

    Args:
        out: the directory, or a link to it.
        options: the dataclass of a command, with the command's fixed name in COMMAND, or a mapping of plain values.
        command: the command's fixed name, where `options` is a mapping.
        resume: keep what an interrupted run with the same signature left in `dir`, for the caller to go on from.

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
    ):
        self.final = Path(out).absolute()
        self.target = _behind_links(self.final)
        self.dir, self.old, self.lock_path = (_beside(self.target, name) for name in ("tmp", "old", "lock"))
        self.options, self.inputs, self.force, self.resume = options, [Path(path) for path in inputs], force, resume
        self.command = command or options.COMMAND
        self.done = False
        self.n_shards: int | None = None

    def __enter__(self) -> Self:
        self.signature = signature(self.options, self.inputs)
        self.done = self._is_up_to_date()
        if self.done:
            return self
        self._lock()
        try:
            self._prepare()
        except BaseException:
            self._discard()
            self._unlock()
            raise
        return self

    def _is_up_to_date(self) -> bool:
        if self.force or not self._agrees(self.final / DONE):
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

    def _agrees(self, record: Path) -> bool:
        return _is_signed(record, self.signature, self.options, self.inputs)

    def _prepare(self) -> None:
        """Holding the lock: restore or remove what an interrupted run has left, and empty the working directory."""
        for path in (self.dir, self.old):
            if path.is_symlink():
                raise InputError(
                    f"{path}: a link, but this name is used while {self.final} is written: remove the link; to keep "
                    f"the outputs on another disk, make {self.final} itself a link"
                )
        self._restore()
        self._check_maker()
        self.dir.mkdir(exist_ok=True)
        if not (self.resume and not self.force and self._agrees(self.dir / BEGUN)):
            empty(self.dir)
        by_content = signature(self.options, self.inputs, by_content=True)
        (self.dir / BEGUN).write_text(f"{self.signature}\n{self.command}\n{by_content}\n")

    def _check_maker(self) -> None:
        """Refuse to replace files that no stage has written, or another command."""
        if self.final.exists() and not self.final.is_dir():
            raise InputError(f"{self.final}: not a directory; name another one or remove this file")
        if not self.final.exists() or not any(self.final.iterdir()):
            return
        known, maker, _ = _read_done(self.final / DONE)
        if known is None or (maker is None and not (self.final / RUN_INFO).is_file()):
            raise InputError(
                f"{self.final}: has files that no stage has written; name another directory or empty this one"
            )
        maker = maker or _maker_by_run_info(self.final)
        if maker not in (None, self.command, _program()):
            raise InputError(
                f"{self.final}: made by {maker}, and not to be replaced by {self.command}; name another directory or "
                "remove this one"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.done:
            return
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

    def _commit(self) -> None:
        plain = as_dict(self.options)
        config = {name: value for name, value in plain.items() if name not in HOW_NOT_WHAT}
        (self.dir / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        write_run_info(self.dir / RUN_INFO, plain, self.final, self.n_shards)
        sync_tree(self.dir)
        rename(self.dir / BEGUN, self.dir / DONE)
        if self.target.exists():
            self.target.rename(self.old)
        rename(self.dir, self.target)
        shutil.rmtree(self.old, ignore_errors=True)


def empty(directory: Path, keep: str = "") -> None:
    """Remove all that is in a directory, but for the file `keep`; links are removed, what they lead to stays."""
    for item in directory.iterdir():
        if item.name != keep:
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()


def is_done(out: Path, options: Any, inputs: Iterable[Path] = ()) -> bool:
    """Is this directory complete, with these options and inputs?"""
    inputs = list(inputs)
    return _is_signed(Path(out) / DONE, signature(options, inputs), options, inputs)


def parts_root(out: Path) -> Path:
    """The directory of the parts that jobs make, until a command merges them into `out`."""
    root = _beside(_behind_links(out.absolute()), "parts")
    if root.is_symlink():
        raise InputError(f"{root}: a link, but the parts of {out} go there: remove the link")
    return root


def _beside(directory: Path, name: str) -> Path:
    return directory.with_name(f".{directory.name}.{name}")


def _behind_links(path: Path) -> Path:
    """The directory that a path leads to through links; it need not exist, but the parent of a link's target must."""
    for link in (path, *path.parents):
        if link.is_symlink() and not link.exists():
            goal = Path(os.path.realpath(link))
            if goal.is_symlink():
                raise InputError(f"{link}: a link that leads to itself; remove it")
            if not goal.parent.is_dir():
                raise InputError(
                    f"{link}: a link to {goal}, and there is no directory {goal.parent}; is its disk mounted? Make the "
                    "directory, or remove the link"
                )
    return Path(os.path.realpath(path))


def _read_done(path: Path) -> tuple[str | None, str | None, str | None]:
    """Signature, command and signature by content, None where there is none; earlier versions wrote the first alone."""
    lines = path.read_text().splitlines() if path.is_file() else []
    known, command, by_content, *_ = [*lines, None, None, None]
    return known, command, by_content


def _is_signed(record: Path, wanted: str, options: Any, inputs: Iterable[Path]) -> bool:
    """Does `.done` have this signature, or that of the same options and inputs by content?"""
    known, _, by_content = _read_done(record)
    return known == wanted or (by_content is not None and by_content == signature(options, inputs, by_content=True))


def _maker_by_run_info(directory: Path) -> str | None:
    """The module that wrote a directory whose `.done` names no command; None where it was run in another way."""
    words = shlex.split(read_json(directory / RUN_INFO, ["command"])["command"])
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    return module if module.partition(".")[0] in ROOMS else None


def _program() -> str | None:
    """The module that this process was started with, if any."""
    spec = sys.modules["__main__"].__spec__
    return spec.name.removesuffix(".__main__") if spec else None


def signature(options: Any, inputs: Iterable[Path], by_content: bool = False) -> str:
    """A hash of what decides an output: options by value, input files by content (archives and audio by size and time).

    The name of an input does not count, what it holds does: an experiment that is moved stays finished. With
    `by_content`, the archives and audio that a stage has written count by content too, as copies may have new times;
    those of others may be too large to be read for this.
    """
    kept = {
        name: as_dict({name: value})[name]
        for name, value in raw_values(options).items()
        if name not in NOT_HASHED and not isinstance(value, Path)
    }
    digest = hashlib.sha256(json.dumps([_owner(options), kept], sort_keys=True).encode())
    for number, root in enumerate(inputs):
        if not root.exists():
            raise InputError(f"{root}: no such file or directory; run the stage that makes it first")
        for path in sorted(_files(root)):
            digest.update(f"\n{number} {path.relative_to(root)} {_fingerprint(path, by_content)}".encode())
    return digest.hexdigest()


def _owner(options: Any) -> str:
    """The fixed name of the command that declares the options: modules move, what they have finished stays finished."""
    return "builtins" if isinstance(options, Mapping) else options.COMMAND


def _files(root: Path) -> Iterable[Path]:
    if root.is_file():
        return [root]
    return (path for path in root.rglob("*") if path.is_file() and path.name not in NO_INPUT)


def _fingerprint(path: Path, by_content: bool) -> str:
    of_a_stage = by_content and any((folder / RUN_INFO).is_file() for folder in (path.parent, path.parent.parent))
    if path.suffix.lower() in BY_SIZE_AND_TIME and not of_a_stage:
        status = path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
