"""Match the audio paths of a corpus with the keys of its embeddings (or of any table), which often differ in form.

A rule turns paths and keys into a form in which they are compared. For each source the rule with most matches is used,
among those that keep all rows and all matched keys distinct. The number of matches of each rule is reported.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from local.corpus_rules import strip_extension
from utils.text_column import Form, TextColumn
from utils.text_lookup import AMBIGUOUS, TextLookup

RESTORED = "_voicefixer"  # the suffix of the names of CapSpeech's restored audio


def _plain(paths: Sequence[str]) -> Sequence[str]:
    """The paths with slashes, as Windows does not write them, and composed letters, as a Mac does not."""
    joined = "\n".join(paths)
    if joined.isascii() and not any(signs in joined for signs in ("\\", "./", "//")):
        return paths
    return list(map(_plain_path, paths))


def _plain_path(path: str) -> str:
    parts = unicodedata.normalize("NFC", path).replace("\\", "/").split("/")
    return "/".join(part for number, part in enumerate(parts) if part not in (".", "") or (number == 0 and not part))


def _bare(paths: Sequence[str]) -> list[str]:
    return list(map(strip_extension, _plain(paths)))


def _stem(paths: Sequence[str]) -> list[str]:
    return [path.rpartition("/")[2] for path in _bare(paths)]


def _tail(parts: int) -> Form:
    return lambda paths: ["-".join(path.split("/")[-parts:]) for path in _bare(paths)]


# name of a rule -> the form in which paths and keys are compared; of two rules with as many matches the first is used
RULES: dict[str, Form | None] = {
    "exact": None,
    "slashes and letters": _plain,
    "without extension": _bare,
    "file name": lambda paths: [path.rpartition("/")[2] for path in _plain(paths)],
    "stem": _stem,
    "restored stem": lambda paths: [name.removesuffix(RESTORED) for name in _stem(paths)],
    "slashes as dashes": lambda paths: [path.replace("/", "-") for path in _bare(paths)],
    "slashes as underscores": lambda paths: [path.replace("/", "_") for path in _bare(paths)],
    "last two parts by dashes": _tail(2),
    "last three parts by dashes": _tail(3),
    "without case": lambda paths: list(map(str.casefold, _bare(paths))),
}


@dataclass(frozen=True)
class Match:
    """The keys of the paths of one source.

    Attributes:
        rule: name of the rule in use.
        names: all keys. rows: (n,) the row in `names` of the key of each path, or -1.
        hits: rule -> number of paths with a key; None if two paths or two keys have the same form.
    """

    rule: str
    names: TextColumn
    rows: np.ndarray
    hits: Mapping[str, int | None]

    @property
    def n_found(self) -> int:
        """Number of paths with a key."""
        return int(np.count_nonzero(self.rows >= 0))

    @property
    def keys(self) -> list[str | None]:
        """The key of each path, or None."""
        return [self.names[row] if row >= 0 else None for row in self.rows.tolist()]


class KeyMatcher:
    """Finds audio paths among a fixed set of keys.

    Args:
        keys: distinct texts, or a column and its rows that are.
    """

    def __init__(self, keys: Iterable[str] | TextColumn, rows: np.ndarray | None = None):
        self.names = keys if isinstance(keys, TextColumn) else TextColumn(keys)
        self.rows = np.arange(len(self.names)) if rows is None else rows

    def match(self, paths: Sequence[str]) -> Match:
        """Find the key of each of the distinct `paths` of one source."""
        column = TextColumn(paths)
        return self.match_sources(column, [np.arange(len(column))])[0]

    def match_sources(self, paths: TextColumn, sources: Sequence[np.ndarray]) -> list[Match]:
        """The same for several sources, each given by the rows (n,) of its distinct paths."""
        matches = [Match("exact", self.names, np.full(len(rows), -1), {}) for rows in sources]
        for rule, form in RULES.items():
            waiting = [number for number, match in enumerate(matches) if match.n_found < len(match.rows)]
            lookup = TextLookup(self.names, self.rows, form) if waiting else None
            for number in waiting:
                found = _distinct(lookup.find(paths, sources[number]))
                best, hits = matches[number], None if found is None else int(np.count_nonzero(found >= 0))
                if hits is not None and hits > best.n_found:
                    best = replace(best, rule=rule, rows=found)
                matches[number] = replace(best, hits={**best.hits, rule: hits})
        return matches


def _distinct(found: np.ndarray) -> np.ndarray | None:
    """The rows of the keys of some paths, unless two paths have one key, or a path has two."""
    known = np.sort(found[found != -1])
    return None if (known == AMBIGUOUS).any() or (np.diff(known) == 0).any() else found
