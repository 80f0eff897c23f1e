"""Identical vectors within a set and between sets, found by fingerprints: copies that a corpus holds under two ids.

Output: `report.txt` beside the sets, a line for each group of identical vectors.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from steps.data.index import Index
from utils.command import logger

log = logger(__name__)
REPORT = "report.txt"


def report_duplicates(folder: Path, fingerprints: Mapping[str, np.ndarray]) -> None:
    """Write the report of the indices in `folder`, and warn of identical vectors.

    Args:
        fingerprints: set -> (N,) of the rows of its index.
    """
    groups = find_duplicates(folder, fingerprints)
    across = [group for group in groups if len({name for name, _ in group}) > 1]
    lines = [
        f"{len(across)} groups of identical vectors in two or more sets",
        f"{len(groups) - len(across)} groups of identical vectors inside a set",
    ]
    for title, some in (("between sets", across), ("inside a set", [group for group in groups if group not in across])):
        lines += [f"{title}: " + " = ".join(f"{name}/{key}" for name, key in group) for group in some]
    (folder / REPORT).write_text("\n".join(lines) + "\n", encoding="utf-8")
    if across:
        log.warning("%s (see %s)", lines[0], REPORT)
    if len(groups) > len(across):
        log.warning("%s (see %s)", lines[1], REPORT)


def find_duplicates(folder: Path, fingerprints: Mapping[str, np.ndarray]) -> list[list[tuple[str, str]]]:
    """Groups of (set, key) whose vectors are identical, byte by byte."""
    names = list(fingerprints)
    begins = np.cumsum([0, *map(len, fingerprints.values())])
    candidates = group_alike(np.concatenate(list(fingerprints.values())))
    indices = {name: Index.open(folder / name) for name in fingerprints} if candidates else {}
    groups = []
    for places in candidates:
        alike: dict[bytes, list[tuple[str, str]]] = {}
        for place in places:
            at = int(np.searchsorted(begins, place, side="right")) - 1
            name, row = names[at], place - int(begins[at])
            alike.setdefault(indices[name].vector(row).tobytes(), []).append((name, indices[name].key(row)))
        groups += [group for group in alike.values() if len(group) > 1]
    return groups


class Fingerprints:
    """A 64-bit fingerprint of each vector: equal vectors have equal ones, others hardly ever."""

    def __init__(self, dim: int):
        self.factors = np.random.default_rng(0).integers(0, 2**64, (dim + 1) // 2, dtype=np.uint64) | np.uint64(1)
        self.chunks: list[np.ndarray] = []

    def add(self, chunk: np.ndarray) -> None:
        """Take in the rows of `chunk` (n, D) float32."""
        padded = np.pad(chunk, ((0, 0), (0, 1))) if chunk.shape[1] % 2 else np.ascontiguousarray(chunk)
        self.chunks.append(np.einsum("nd,d->n", padded.view(np.uint64), self.factors))

    def all(self) -> np.ndarray:
        """(N,) uint64, in the order of the rows."""
        return np.concatenate(self.chunks)


def group_alike(fingerprints: np.ndarray) -> list[list[int]]:
    """The rows that share their fingerprint with another, in groups, by first row."""
    order = np.argsort(fingerprints, kind="stable")
    bounds = np.flatnonzero(np.diff(fingerprints[order])) + 1
    starts, ends = np.append(0, bounds), np.append(bounds, len(order))
    return sorted(order[starts[run] : ends[run]].tolist() for run in np.flatnonzero(ends - starts > 1))
