"""Texts of several describers about the same persons, from a table; they teach a consensus, and need no voices.

The table (csv, tsv or jsonl) has a speaker, a text and, best, an annotator on each row; without annotators the first
text of each person is taken for one describer's, the second for another's. The speakers may be in the corpus or not.
Writes `consensus.safetensors` beside the text vectors.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from steps.text.caption_file import read_text_rows
from steps.text.check import text_problem
from steps.text.consensus import ALL, CONSENSUS, FEWEST_PERSONS, Consensus
from steps.text.rewording import reword
from utils.command import logger
from utils.errors import InputError

if TYPE_CHECKING:
    from steps.text.encode import SentenceEncoder

log = logger(__name__)
WORDINGS = 2  # other ones of each text
MOST_TEXTS = 2_000  # of a table, as encoding takes its time; texts of 800 persons gave the figures of RESULTS.md


class Described(NamedTuple):
    """Texts (T), and the numbers of the person (T,) and the annotator (T,) of each."""

    texts: list[str]
    persons: np.ndarray
    annotators: np.ndarray


def write_consensus(out: Path, described: Described, encoder: "SentenceEncoder") -> None:
    """Learn the consensus of describers and save it in `out`."""
    texts, persons, annotators = some_persons(described, MOST_TEXTS)
    words, of_whom, by_whom = [], [], []
    for text, person, annotator in zip(texts, persons, annotators, strict=True):
        for wording in [text, *reword(text, "describers", WORDINGS)]:
            words.append(wording)
            of_whom.append(person)
            by_whom.append(annotator)
    for person in range(persons.max() + 1):  # what all say of a person, in one text
        own = [texts[row] for row in np.flatnonzero(persons == person)]
        if len(own) > 1:
            all_said = ", ".join(own)
            words += reword(all_said, "together", 1) or [all_said]
            of_whom.append(person)
            by_whom.append(ALL)
    log.info("consensus of %d texts of %d persons, in %d wordings", len(texts), persons.max() + 1, len(words))
    Consensus.fit(encoder.encode(words), np.array(of_whom), np.array(by_whom)).save(out / CONSENSUS)


def some_persons(described: Described, most: int) -> Described:
    """Of more texts than `most`, all of some persons, who are renumbered.

    They are drawn from those whom several describe, `FEWEST_PERSONS` at least.
    """
    texts, persons, annotators = described
    if len(texts) <= most:
        return described
    drawn = np.random.default_rng(0).permutation(described_by_several(persons, annotators))
    number = np.searchsorted(np.cumsum(np.bincount(persons)[drawn]), most, side="right")
    drawn = drawn[: max(number, FEWEST_PERSONS)]
    kept = np.flatnonzero(np.isin(persons, drawn))
    log.info("%d texts of %d persons teach the consensus, of %d texts", len(kept), len(drawn), len(texts))
    numbers = np.unique(persons[kept], return_inverse=True)[1]
    return Described([texts[row] for row in kept], numbers, annotators[kept])


def described_by_several(persons: np.ndarray, annotators: np.ndarray) -> np.ndarray:
    """The persons, of those of all texts (T,), whom several annotators (T,) describe."""
    return np.flatnonzero(np.bincount(np.unique(np.stack([persons, annotators]), axis=1)[0]) > 1)


def read_describers(table: Path, columns: Sequence[str]) -> Described:
    """The texts of a table. Raises InputError where too few persons are described by several."""
    texts, names, given = [], [], []
    for where, row in read_text_rows(table, columns, ("speaker",), "--describer_columns"):
        problem = text_problem(row["text"])
        if problem or not row["speaker"]:
            raise InputError(f"{where}: {problem or 'no speaker; name one or remove the row'}")
        texts.append(row["text"])
        names.append(row["speaker"])
        given.append(row.get("annotator", ""))
    before: Counter[str] = Counter()
    for at, name in enumerate(names):
        before[name] += 1
        given[at] = given[at] or f"text {before[name]}"
    persons, annotators = (np.unique(values, return_inverse=True)[1] for values in (names, given))
    if len(described_by_several(persons, annotators)) < FEWEST_PERSONS:
        raise InputError(
            f"{table}: fewer than {FEWEST_PERSONS} persons are described by more than one; that teaches no consensus,"
            " give more texts, or leave --describers out"
        )
    return Described(texts, persons, annotators)
