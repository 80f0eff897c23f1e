"""A stage directory is complete or it is absent.

Outputs are written into a hidden directory beside the final one and renamed when all is there. `.done` holds a
signature of the options and of the inputs: with the same ones a rerun is a no-op that says so, with others the stage is
redone.

    with StageDir(options.out, options, inputs=[options.data], force=options.force) as stage:
        if stage.done:
            return
        (stage.dir / "table").write_text(...)
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from utils.command import logger
from utils.errors import InputError
from utils.options import as_dict, raw_values
from utils.run_info import write_run_info

log = logger(__name__)
DONE, CONFIG, RUN_INFO = ".done", "config.yaml", "run_info.json"
BY_SIZE_AND_TIME = {".ark", ".arrow", ".parquet", ".wav", ".flac"}
HOW_NOT_WHAT = ("force", "nj", "job", "shards")  # options that do not change an output
NOT_HASHED = ("out", *HOW_NOT_WHAT)


class StageDir:
    """Context manager around one output directory.

    `options` is the dataclass of a command, with the command's fixed name in COMMAND, or a mapping of plain values.

    Attributes:
        final: the directory as the user named it.
        dir: where to write now; renamed to `final` on a clean exit, removed on an exception.
        done: the final directory is complete and has this signature: write nothing.

    With `resume`, what an interrupted run with the same signature left in `dir` is kept, for the caller to go on from.
    """

    def __init__(self, out: Path, options: Any, inputs: Iterable[Path] = (), force: bool = False, resume: bool = False):
        self.final = Path(out).absolute()
        self.dir = self.final.with_name(f".{self.final.name}.tmp")
        self.old = self.final.with_name(f".{self.final.name}.old")
        self.options, self.inputs, self.force, self.resume = options, [Path(path) for path in inputs], force, resume
        self.done = False

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
            os.close(self.lock)
            raise
        return self

    def _is_up_to_date(self) -> bool:
        if self.force or self._read(self.final / DONE) != self.signature:
            return False
        shutil.rmtree(self.old, ignore_errors=True)
        log.info("%s is up to date", self.final)
        return True

    def _prepare(self) -> None:
        """Holding the lock: see to what an interrupted run has left, and empty the working directory."""
        self._restore()
        if self.final.exists() and any(self.final.iterdir()) and not (self.final / DONE).exists():
            raise InputError(
                f"{self.final}: has files that no stage has written; name another directory or empty this one"
            )
        if not (self.resume and not self.force and self._read(self.dir / ".signature") == self.signature):
            for item in self.dir.iterdir():
                shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
        (self.dir / ".signature").write_text(self.signature)

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
            os.close(self.lock)

    def _discard(self) -> None:
        if not self.resume:
            shutil.rmtree(self.dir, ignore_errors=True)

    def _restore(self) -> None:
        """Undo a commit that was killed between its two renames."""
        if self.old.exists():
            if self.final.exists():
                shutil.rmtree(self.old)
            else:
                self.old.rename(self.final)

    def _lock(self) -> None:
        """Make the working directory ours, or refuse: two writers would mix their files."""
        while True:
            self.dir.mkdir(parents=True, exist_ok=True)
            self.lock = os.open(self.dir, os.O_RDONLY)
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(self.lock)
                raise InputError(f"{self.final}: another process is writing it; wait for it or stop it") from error
            if self.dir.exists() and os.fstat(self.lock).st_ino == self.dir.stat().st_ino:
                return
            os.close(self.lock)

    def _commit(self) -> None:
        plain = as_dict(self.options)
        config = {name: value for name, value in plain.items() if name not in HOW_NOT_WHAT}
        (self.dir / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        write_run_info(self.dir / RUN_INFO, plain, self.final)
        (self.dir / ".signature").rename(self.dir / DONE)
        if self.final.exists():
            self.final.rename(self.old)
        self.dir.rename(self.final)
        shutil.rmtree(self.old, ignore_errors=True)

    @staticmethod
    def _read(path: Path) -> str | None:
        return path.read_text() if path.is_file() else None


def is_done(out: Path, options: Any, inputs: Iterable[Path] = ()) -> bool:
    """Is this directory complete, with these options and inputs?"""
    return StageDir._read(Path(out) / DONE) == signature(options, inputs)


def parts_root(out: Path) -> Path:
    """Where jobs that share a stage leave their parts until a command merges them into `out`."""
    return out.absolute().with_name(f".{out.name}.parts")


def signature(options: Any, inputs: Iterable[Path]) -> str:
    """A hash of what decides an output: options by value, input files by content (archives and audio by size and time).

    The name of an input does not count, what it holds does: what a directory holds stays finished where it is moved to.
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
            digest.update(f"\n{number} {path.relative_to(root)} {_fingerprint(path)}".encode())
    return digest.hexdigest()


def _owner(options: Any) -> str:
    """The fixed name of the command that declares the options: modules move, what they have finished stays finished."""
    return "builtins" if isinstance(options, Mapping) else options.COMMAND


def _files(root: Path) -> Iterable[Path]:
    if root.is_file():
        return [root]
    return (path for path in root.rglob("*") if path.is_file() and path.name not in (DONE, CONFIG, RUN_INFO, ".lock"))


def _fingerprint(path: Path) -> str:
    if path.suffix in BY_SIZE_AND_TIME:
        status = path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
