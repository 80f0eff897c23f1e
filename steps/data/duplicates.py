"""Find identical vectors, within a set and between sets: copies that a corpus holds under two ids.

Output: `report.txt` beside the sets, a line for each group of identical vectors.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from steps.data.index import Index
from steps.data.statistics import group_alike
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
    where = [(name, row) for name, prints in fingerprints.items() for row in range(len(prints))]
    candidates = group_alike(np.concatenate(list(fingerprints.values())))
    indices = {name: Index.open(folder / name) for name in fingerprints} if candidates else {}
    groups = []
    for rows in candidates:
        alike: dict[bytes, list[tuple[str, str]]] = {}
        for name, row in (where[at] for at in rows):
            alike.setdefault(indices[name].vector(row).tobytes(), []).append((name, indices[name].keys[row]))
        groups += [group for group in alike.values() if len(group) > 1]
    return groups
