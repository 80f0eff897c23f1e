"""Work that several jobs share: a table of shards, and a part for each shard, which holds its results.

    .<out>.parts/current                        which work jobs follow, and its settings
    .<out>.parts/<identity>/shards.jsonl        facts for all jobs, then a line for each item: [shard, id, content]
    .<out>.parts/<identity>/part-000000.npz     the part of shard 0: arrays, written whole or not at all
    .<out>.parts/<identity>/part-000000.jsonl   or a journal (`utils.journal`), where single items are worth keeping

A planning command makes the table once, jobs write parts (`utils.shards` says which), one command merges them into
<out> and commits it. What a part holds follows from the table alone: any job of any run may write it.
"""

import contextlib
import io
import json
import shlex
import shutil
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils.durable import write_whole
from utils.errors import InputError, brief
from utils.journal import is_sealed
from utils.json_files import json_text, read_json
from utils.mounts import raise_if_lost
from utils.pickles import numpy_fault
from utils.run_info import RUN_INFO
from utils.shards import chosen_shards, format_numbers
from utils.stage_dir import parts_root

CURRENT, TABLE = "current", "shards.jsonl"
ARRAYS, JOURNAL = ".npz", ".jsonl"  # the two kinds of parts
ROWS = "rows"  # the array of a part that holds JSON


class Item(NamedTuple):
    """A line of the table.

    Attributes:
        id: names the item, such as an utterance. shard: that it belongs to, from 0.
        content: what else its job must know, as JSON has it.
    """

    id: str
    shard: int
    content: Any = None


@dataclass(frozen=True)
class Work:
    """A table of shards on disk, with the directory in which its parts lie.

    Attributes:
        directory: of the table and the parts.
        n_shards: how many shards there are.
        about: what the planning command has noted for the others, as JSON has it.
        n_items: how many items there are; None: a table of an earlier version, which has not noted it.
    """

    directory: Path
    n_shards: int
    about: dict[str, Any]
    n_items: int | None = None

    @property
    def identity(self) -> str:
        """The hash that stands for all that decides the work."""
        return self.directory.name

    @classmethod
    def write(cls, out: Path, identity: str, items: Sequence[Item], about: Mapping[str, Any] | None = None) -> "Work":
        """Write the table of the work on `out`, items sorted by shard, whole or not at all."""
        directory = parts_root(out) / identity
        directory.mkdir(parents=True, exist_ok=True)
        head = {"n_shards": items[-1].shard + 1 if items else 0, "about": dict(about or {}), "n_items": len(items)}
        rows = chain([head], ([shard, key, content] for key, shard, content in items))
        write_whole(directory / TABLE, (f"{json_text(row, TABLE)}\n".encode() for row in rows), shared=True)
        return cls(directory, **head)

    @classmethod
    def find(cls, out: Path, identity: str) -> "Work | None":
        """The work with this identity, if its table is there."""
        directory = parts_root(out) / identity
        if not (directory / TABLE).is_file():
            return None
        with (directory / TABLE).open(encoding="utf-8") as file, _whole(directory / TABLE):
            return cls(directory, **json.loads(file.readline()))

    @classmethod
    def load(cls, out: Path, identity: str, planner: str) -> "Work":
        """The work with this identity. Raises InputError where `planner`, the command that makes it, has made none."""
        work = cls.find(out, identity)
        if work is None:
            raise InputError(
                f"{parts_root(out)}: no table of shards for these options and inputs; run {planner} with the same"
                " options first"
            )
        return work

    def shards(self, numbers: Collection[int]) -> Iterator[tuple[int, list[Item]]]:
        """Number and items of the given shards, in order, one at a time."""
        for number, lines in self._lines(numbers):
            with _whole(self.directory / TABLE):
                rows = json.loads(f"[{','.join(lines)}]")
                items = [Item(key, shard, content) for shard, key, content in rows]
            yield number, items

    def ids(self, numbers: Collection[int]) -> Iterator[tuple[int, list[str]]]:
        """Number of the given shards and the ids of their items, in order, one at a time: the contents are not read."""
        for number, lines in self._lines(numbers):
            with _whole(self.directory / TABLE):
                begin = f'[{number}, "'
                if not all(line.startswith(begin) and line.endswith("]\n") for line in lines):
                    raise ValueError(f"a line of shard {number} is cut off")
                ids = [line.split('"', 2)[1] for line in lines]
                if "\\" in "".join(ids):
                    ids = [json.loads(line)[1] for line in lines]
            yield number, ids

    def _lines(self, numbers: Collection[int]) -> Iterator[tuple[int, list[str]]]:
        """Number and lines of the given shards, in order, one at a time."""
        wanted = set(numbers)
        self._count_items()
        with (self.directory / TABLE).open(encoding="utf-8") as file, _whole(self.directory / TABLE):
            next(file)
            for begin, lines in groupby(file, key=lambda line: line[: line.index(",")]):
                number = int(begin[1:])
                if number in wanted:
                    yield number, list(lines)
                    wanted.remove(number)
            if wanted:
                raise ValueError(f"it ends before shard {min(wanted)}")

    def _count_items(self) -> None:
        """Raise InputError where the table has lost items, before any shard is worked on."""
        with (self.directory / TABLE).open("rb") as file, _whole(self.directory / TABLE):
            n_items = sum(1 for _ in file) - 1
            if self.n_items not in (None, n_items):
                raise ValueError(f"it has {n_items} of {self.n_items} items")

    def part(self, shard: int, suffix: str = ARRAYS) -> Path:
        """The file of a shard's part."""
        return self.directory / f"part-{shard:06d}{suffix}"

    def has_part(self, shard: int, suffix: str = ARRAYS, checked: bool = False) -> bool:
        """Is the part of a shard there, and not cut off? That of a journal is when it is sealed.

        Args:
            checked: all of it is read, and compared with its checksums, as a journal always is. Who would make the part
                asks so; who reads it next has them compared anyway.
        """
        path = self.part(shard, suffix)
        if suffix == JOURNAL:
            return is_sealed(path)
        return path.is_file() and zipfile.is_zipfile(path) and not (checked and _is_damaged(path))

    def missing(self, shards: Iterable[int] | None = None, suffix: str = ARRAYS, checked: bool = False) -> list[int]:
        """Those of the shards (of all) that have no part, see `has_part`."""
        every = range(self.n_shards) if shards is None else shards
        return [shard for shard in every if not self.has_part(shard, suffix, checked)]

    def require(self, missing: Sequence[int], call: Sequence[str]) -> None:
        """Raise InputError where shards are missing, with the command line that makes their parts.

        Args:
            missing: their numbers. call: the command with its options, without `--shards`.
        """
        if missing:
            numbers = format_numbers(missing)
            words = shlex.join([*call, "--shards", numbers])
            raise InputError(
                f"{self.directory}: {len(missing)} of {self.n_shards} parts are missing (as an array of SLURM:"
                f" --array={numbers}); this makes them: {words}"
            )


def _is_damaged(path: Path) -> bool:
    """Does a part of arrays differ from its checksums?"""
    try:
        with zipfile.ZipFile(path) as part:
            return part.testzip() is not None
    except (zipfile.BadZipFile, RuntimeError, ValueError):  # of what says how it is packed
        return True


@contextlib.contextmanager
def _whole(table: Path) -> Iterator[None]:
    """Raise InputError where lines of the table that are read within are not those that `Work.write` has written."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{table}: not a whole table of shards ({error}); remove {table.parent} and plan again"
        ) from error


def merged_shards(out: Path) -> int | None:
    """The number of shards of the work that was merged into `out`; earlier versions have not noted it."""
    n_shards = read_json(out / RUN_INFO).get("n_shards") if (out / RUN_INFO).is_file() else None
    if not isinstance(n_shards, int | None) or isinstance(n_shards, bool):
        raise InputError(f"{out / RUN_INFO}: n_shards: expected a number, found {brief(n_shards)}; restore this file")
    return n_shards


def check_merged(out: Path, shards: str | None, job: int, nj: int) -> None:
    """Raise InputError where a job asks for shards that the work which was merged into `out` did not have."""
    n_shards = merged_shards(out)
    if n_shards is not None:
        chosen_shards(n_shards, shards, job, nj)


def make_current(out: Path, identity: str, settings: Mapping[str, Any]) -> None:
    """Let the jobs follow the work with this identity."""
    root = parts_root(out)
    root.mkdir(parents=True, exist_ok=True)
    current = json_text({"identity": identity, "settings": dict(settings)}, root / CURRENT)
    write_whole(root / CURRENT, current.encode(), shared=True)


def is_planned(out: Path) -> bool:
    """Is there work on `out` that jobs follow?"""
    return (parts_root(out) / CURRENT).is_file()


def current_identity(out: Path, settings: Mapping[str, Any], planner: str) -> str:
    """The identity of the work that jobs follow. Raises InputError where there is none, or one of other settings.

    Args:
        settings: what all commands of the work must agree on. planner: the command that makes the table.
    """
    root = parts_root(out)
    if not (root / CURRENT).is_file():
        raise InputError(f"{root}: nothing is planned; run {planner} with the same options first")
    current = read_json(root / CURRENT, ("identity", "settings"))
    identity = current["identity"]
    if not isinstance(identity, str) or not identity or Path(identity).name != identity:
        raise InputError(f"{root / CURRENT}: identity: found {brief(identity)}; run {planner} again")
    if current["settings"] != json.loads(json.dumps(dict(settings))):
        raise InputError(
            f"{root}: planned with {current['settings']}, not with these options; run {planner} with them first"
        )
    return current["identity"]


def remove_parts(out: Path, identity: str = "") -> None:
    """Remove the parts and the table of the work on `out` with this identity; by default of all work on it."""
    shutil.rmtree(parts_root(out) / identity, ignore_errors=True)


def write_part(path: Path, rows: Sequence[Any], **arrays: np.ndarray) -> None:
    """Write the part of a shard, whole or not at all: JSON values, and arrays by name."""
    buffer = io.BytesIO()
    np.savez(buffer, **{ROWS: np.array(json.dumps(list(rows)))}, **arrays)
    write_whole(path, buffer.getbuffer(), shared=True)


def read_part(path: Path) -> tuple[list[Any], dict[str, np.ndarray]]:
    """Rows and arrays of a part. Raises InputError where it is missing or not whole."""
    try:
        with np.load(path, allow_pickle=False) as part:
            arrays = {name: part[name] for name in part.files}
            return json.loads(str(arrays.pop(ROWS))), arrays
    except FileNotFoundError as error:
        raise InputError(f"{path}: this part is missing; run its job again, it makes only what is missing") from error
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError) as error:
        raise_if_lost(path, error)
        raise InputError(f"{path}: not a whole part ({numpy_fault(error)}); remove it and run its job again") from error
