"""Recordings of one content under several names, as a corpus has where an upload was repeated.

A copy of a recording that enrols is no independent test. Copies are listed in copies.tsv, and those that enrol and test
in one list are counted; nothing is left out for them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from local.reddots.parts import PartList
from utils.command import logger

log = logger(__name__)
COPIES = "copies.tsv"


def find_copies(paths: Mapping[str, Path]) -> list[tuple[str, ...]]:
    """Groups of names whose files (name -> path) have the same bytes, sorted."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for name, path in paths.items():
        by_size[path.stat().st_size].append(name)
    groups: dict[bytes, list[str]] = defaultdict(list)
    for names in by_size.values():
        if len(names) > 1:
            for name in names:
                groups[hashlib.sha256(paths[name].read_bytes()).digest()].append(name)
    return sorted(tuple(sorted(names)) for names in groups.values() if len(names) > 1)


def write_copies(path: Path, groups: Iterable[tuple[str, ...]], parts: Iterable[PartList]) -> None:
    """Write a line a group: the lists in which it enrols and tests (or -), and the names."""
    parts = [(part.name, part.enrolling(), set(part.trials.tests)) for part in parts]
    rows = []
    for names in groups:
        lists = [name for name, enrolling, tests in parts if enrolling & {*names} and tests & {*names}]
        rows.append((",".join(lists) or "-", ",".join(names)))
    path.write_text("".join("\t".join(row) + "\n" for row in (("lists", "recordings"), *rows)), encoding="utf-8")
    if rows:
        leaking = sum(row[0] != "-" for row in rows)
        log.warning(
            "%d recordings have copies under other names; %d of them enrol and test in one list", len(rows), leaking
        )
