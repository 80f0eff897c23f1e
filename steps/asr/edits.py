"""Errors of a transcript: the fewest substitutions, insertions and deletions that turn the reference into it.

Among the alignments with the fewest errors, one with the fewest substitutions counts, which has the most right words:
so the three kinds do not depend on how an alignment is searched for. With d(r, h) the distance in which an insertion or
a deletion costs K and a substitution K + 1, K > max(|r|, |h|): errors = d div K, substitutions = d mod K, and
deletions - insertions = |r| - |h|.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein


class Edits(NamedTuple):
    """Counts over any number of transcripts: units of the references, such as words, and the three kinds of errors."""

    reference: int = 0
    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0

    @property
    def errors(self) -> int:
        """All three kinds."""
        return self.substitutions + self.insertions + self.deletions

    def plus(self, other: "Edits") -> "Edits":
        """The counts of both."""
        return Edits(*(one + two for one, two in zip(self, other, strict=True)))


def edits(reference: Sequence[str], hypothesis: Sequence[str]) -> Edits:
    """The errors of one transcript: of words in lists, or of characters in texts."""
    n, m = len(reference), len(hypothesis)
    cost = max(n, m) + 1
    distance = Levenshtein.distance(*_numbered(reference, hypothesis), weights=(cost, cost, cost + 1))
    errors, substitutions = divmod(distance, cost)
    deletions = (errors - substitutions + n - m) // 2
    return Edits(n, substitutions, errors - substitutions - deletions, deletions)


def _numbered(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[Sequence, Sequence]:
    """Words as numbers: hashes of two words might be equal."""
    if isinstance(reference, str):
        return reference, hypothesis
    numbers: dict[str, int] = {}
    return tuple([numbers.setdefault(word, len(numbers)) for word in words] for words in (reference, hypothesis))
