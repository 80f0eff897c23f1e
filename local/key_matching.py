"""Match the audio paths of a corpus with the keys of its embeddings (or of any table), which often differ in form.

A rule turns paths and keys into a form in which they are compared. For each source the rule with most matches is used,
among those that keep all rows and all matched keys distinct. The number of matches of each rule is reported.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from local.corpus_rules import strip_extension

RESTORED = "_voicefixer"  # the suffix of the names of CapSpeech's restored audio


def _plain(path: str) -> str:
    """The path with slashes, as Windows does not write it, and composed letters, as a Mac does not."""
    if path.isascii() and "\\" not in path and "./" not in path and "//" not in path:
        return path
    parts = unicodedata.normalize("NFC", path).replace("\\", "/").split("/")
    return "/".join(part for number, part in enumerate(parts) if part not in (".", "") or (number == 0 and not part))


def _bare(path: str) -> str:
    return strip_extension(_plain(path))


def _stem(path: str) -> str:
    return _bare(path).rpartition("/")[2]


def _tail(parts: int) -> Callable[[str], str]:
    return lambda path: "-".join(_bare(path).split("/")[-parts:])


# name of a rule -> the form in which paths and keys are compared; of two rules with as many matches the first is used
RULES: dict[str, Callable[[str], str]] = {
    "exact": lambda path: path,
    "slashes and letters": _plain,
    "without extension": _bare,
    "file name": lambda path: _plain(path).rpartition("/")[2],
    "stem": _stem,
    "restored stem": lambda path: _stem(path).removesuffix(RESTORED),
    "slashes as dashes": lambda path: _bare(path).replace("/", "-"),
    "slashes as underscores": lambda path: _bare(path).replace("/", "_"),
    "last two parts by dashes": _tail(2),
    "last three parts by dashes": _tail(3),
    "without case": lambda path: _bare(path).casefold(),
}


@dataclass(frozen=True)
class Match:
    """The keys of the paths of one source.

    Attributes:
        rule: name of the rule in use.
        keys: (rows) the key of each path, or None.
        hits: rule -> number of paths with a key; None if two paths or two keys have the same form.
    """

    rule: str
    keys: list[str | None]
    hits: Mapping[str, int | None]

    @property
    def n_found(self) -> int:
        """Number of paths with a key."""
        return sum(key is not None for key in self.keys)


class KeyMatcher:
    """Finds audio paths among a fixed set of keys."""

    def __init__(self, keys: Iterable[str]):
        self.keys = sorted(keys)
        self.tables: dict[str, dict[str, str | None]] = {}

    def match(self, paths: Sequence[str]) -> Match:
        """Find the key of each of the distinct `paths` of one source."""
        best, hits = Match("exact", [None] * len(paths), {}), {}
        for rule in RULES:
            keys = self._apply(rule, paths)
            hits[rule] = None if keys is None else sum(key is not None for key in keys)
            if keys is not None and hits[rule] > best.n_found:
                best = Match(rule, keys, hits)
            if hits[rule] == len(paths):
                break
        return Match(best.rule, best.keys, hits)

    def _apply(self, rule: str, paths: Sequence[str]) -> list[str | None] | None:
        """The key of each path by one rule, or None if two paths or two keys have the same form."""
        form, table = RULES[rule], self._table(rule)
        forms = [form(path) for path in paths]
        found = [name for name in forms if name in table]
        if len(set(found)) < len(found) or any(table[name] is None for name in found):
            return None
        return [table.get(name) for name in forms]

    def _table(self, rule: str) -> dict[str, str | None]:
        """Form of a key -> key, or None if two keys have this form."""
        if rule not in self.tables:
            form, table = RULES[rule], {}
            for key in self.keys:
                name = form(key)
                table[name] = None if name in table else key
            self.tables[rule] = table
        return self.tables[rule]
