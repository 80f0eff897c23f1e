"""The tables of "Following people's words": what the samples follow, and what the reader alone says."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steps.text.layout import TextLayout
from steps.text.read import Reading
from tests.bench.followed import BLIND, REAL, Estimate, Measured, difference, divergence, mean, ratio
from tests.bench.results import table
from tests.bench.worded_texts import ATTRIBUTES, Wording

WARNINGS = {  # kind -> words that its warning has
    "contradiction": "exclude each other",
    "language": "a language",
    "nothing said": "nothing",
    "words not understood": "not understood",
    "too long": "beyond",
}
NOTHING = "-"  # the cell of a figure that no text gives
LOUDNESS = {"quiet": 0, "low": 0, "normal": 1, "loud": 2, "high": 2}


@dataclass(frozen=True, eq=False)
class Readings:
    """What the reader made of the texts.

    Attributes:
        posteriors: attribute -> (T, values + 1), the last column unsaid; empty for a reader of sentence vectors alone.
        warnings: for each text.
    """

    posteriors: Mapping[str, np.ndarray]
    warnings: Sequence[tuple[str, ...]]

    @classmethod
    def of(cls, reading: Reading, layout: TextLayout) -> "Readings":
        """The posteriors in a reading's vectors."""
        return cls({name: layout.posterior(reading.vectors, name) for name in layout.attributes}, reading.warnings)

    def kinds(self, row: int) -> set[str]:
        """The kinds of warnings about a text."""
        return {kind_of(warning) for warning in self.warnings[row]}


def kind_of(warning: str) -> str:
    """The kind of a warning, by its words."""
    return next((kind for kind, words in WARNINGS.items() if words in warning), "other")


def sets_of(measured: Measured, read: Readings) -> dict[str, np.ndarray]:
    """The sets of texts of the tables, by name: kinds, and parts of kinds."""
    kinds = list(dict.fromkeys(one.kind for one in measured.wordings))
    sets = {kind: measured.rows(lambda one, kind=kind: one.kind == kind) for kind in kinds}
    known = [row for row in sets.get("idioms", ()) if is_read(measured.wordings[row], row, read)]
    if read.posteriors and "idioms" in sets:
        sets["idioms, all read"] = np.array(known, dtype=int)
        sets["idioms, not all read"] = np.setdiff1d(sets["idioms"], known)
    if "languages" in sets:
        refused = [row for row in sets["languages"] if "language" in read.kinds(row)]
        sets["languages, not refused"] = np.setdiff1d(sets["languages"], refused)
    return {name: rows for name, rows in sets.items() if len(rows)}


def is_read(one: Wording, row: int, read: Readings) -> bool:
    """Does the reader take all as said that the text says?"""
    return all(read.posteriors[name][row, -1] < 0.5 for name in one.said) if read.posteriors else False


def following(measured: Measured, sets: Mapping[str, np.ndarray], system: str) -> str:
    """Ratios of accuracy to real segments, by set of texts, with intervals."""
    header = ["texts", "n", *ATTRIBUTES, *(f"{name}, genders pooled" for name in ATTRIBUTES[1:])]
    rows = []
    for label, texts in sets.items():
        cells = [_cell(measured.followed(system, name, texts)) for name in ATTRIBUTES]
        cells += [_cell(measured.followed(system, name, texts, inside=False)) for name in ATTRIBUTES[1:]]
        rows.append([label, len(texts), *cells])
    return table(header, [row for row in rows if set(row[2:]) != {NOTHING}])


def beside(measured: Measured, sets: Mapping[str, np.ndarray], systems: Mapping[str, str]) -> str:
    """The same ratios of other systems: name in the table -> system."""
    header = ["texts", *(f"{label}: {name}" for label in systems for name in ATTRIBUTES)]
    rows = []
    for label, texts in sets.items():
        found = [measured.followed(system, name, texts) for system in systems.values() for name in ATTRIBUTES]
        rows.append([label, *(NOTHING if one is None else f"{one.value:.2f}" for one in found)])
    return table(header, [row for row in rows if set(row[1:]) != {NOTHING}])


def plain_wordings(measured: Measured, system: str) -> str:
    """What texts reach of their own plain wordings."""
    rows = []
    for kind in ("typos", "tables"):
        mine, plain = (measured.rows(lambda one, kind=kind + end: one.kind == kind) for end in ("", ", plain wording"))
        cells = []
        for name in ATTRIBUTES:
            said = np.array([measured.wordings[row].value(name) is not None for row in mine], dtype=bool)
            values = np.array([measured.wordings[row].value(name) for row in mine[said]])
            ours, theirs = (measured.right(system, name, part[said], True) for part in (mine, plain))
            cells.append(str(ratio(ours, theirs, values)))
        rows.append([kind, len(mine), *cells])
    return table(["ratio to the plain wording", "n", *ATTRIBUTES], rows)


def denials(measured: Measured, systems: Sequence[str]) -> str:
    """The share of samples that have a value which their text denies."""
    first, *others = systems
    header = [
        "denied",
        "n",
        "share",
        *(f"reader {name}" for name in others),
        "fitting real segments",
        "any real segment",
    ]
    parts = [
        ('by a plain "not" or "no"', "yes", ATTRIBUTES),
        ("otherwise", "no", ATTRIBUTES),
        ("all", None, ATTRIBUTES),
    ]
    parts += [(name, None, (name,)) for name in ATTRIBUTES]
    rows = []
    for label, plain, attributes in parts:
        found = {one: _denied_shares(measured, one, plain, attributes) for one in (*systems, REAL, BLIND)}
        if found[first].size:
            cells = (f"{found[name].mean():.2f}" for name in (*others, REAL, BLIND))
            rows.append([label, found[first].shape[1], str(mean(found[first])), *cells])
    return table(header, rows)


def _denied_shares(measured: Measured, system: str, plain: str | None, attributes: Iterable[str]) -> np.ndarray:
    """Shares (S, denials) of samples; one column for each text and attribute that it denies a value of."""
    found = []
    for name in attributes:
        rows = measured.rows(lambda one, name=name: name in one.denied and plain in (None, one.marks["plain"]))
        found.append(measured.denied(system, name, rows, True))
    return np.concatenate(found, axis=1)


def unsaid(measured: Measured, system: str) -> str:
    """What samples have of attributes that texts do not say, beside the real segments that fit the texts."""
    rows = []
    for label, name, texts in _silent_texts(measured):
        ours, theirs = (measured.shares(one, name, texts) for one in (system, REAL))
        shares = [" / ".join(f"{100 * share:.0f}" for share in one.mean(axis=0)) for one in (ours, theirs)]
        worst = 100 * np.abs(ours - theirs).max()
        cells = [*shares, f"{divergence(ours, theirs).mean():.3f}", f"{worst:.0f}"]
        rows.append([f"{label} ({' / '.join(measured.classes[name])})", len(texts), *cells])
    header = ["unsaid, in texts (values)", "n", "samples, %", "fitting real segments, %", "JSD, bits"]
    return table([*header, "largest difference of a text, points"], rows)


def _silent_texts(measured: Measured) -> Iterable[tuple[str, str, np.ndarray]]:
    """Label, unsaid attribute and texts: partial descriptions, those that say a gender alone, those of no content."""
    gender = ATTRIBUTES[0]
    for name in ATTRIBUTES:
        partial = [row for row in measured.rows(lambda one: one.kind == "partial") if _is_silent(measured, row, name)]
        parts = {f"{name}, partial": partial}
        for value in measured.classes[gender] if name != gender else ():
            alone = [row for row in partial if measured.wordings[row].said == {gender: (value,)}]
            parts[f"{name}, only {value} said"] = alone
        parts[f"{name}, no content"] = list(measured.rows(lambda one: one.kind == "empty"))
        yield from ((label, name, np.array(rows)) for label, rows in parts.items() if rows)


def loudness(measured: Measured, system: str) -> str:
    """The difference of pitch and rate accuracy between the loudest and the quietest descriptions of one voice."""
    rows = []
    for label, kind in (("our pairs", "loudness"), ("captions of one group", "captions")):
        pairs = _loud_and_quiet(measured, measured.rows(lambda one, kind=kind: one.kind == kind))
        for name in ATTRIBUTES[1:]:
            said = [sides for sides in pairs if measured.wordings[sides[0][0]].value(name)]
            if said:
                right = [[measured.right(system, name, side, True).mean(axis=1) for side in sides] for sides in said]
                loud, quiet = (np.stack(side, axis=1) for side in zip(*right, strict=True))
                means = f"{loud.mean():.2f}", f"{quiet.mean():.2f}"
                rows.append([f"{label}, {name}", len(said), *means, str(difference(loud, quiet))])
    return table(["accuracy", "pairs", "loud", "quiet", "difference"], rows)


def _loud_and_quiet(measured: Measured, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each voice that is described louder and quieter, the texts of its loudest and of its quietest description."""
    voices: dict[str, dict[int, list[int]]] = {}
    for row in rows:
        marks, said = measured.wordings[row].marks, measured.wordings[row].said
        key = marks.get("pair") or str(sorted(said.items()))
        voices.setdefault(key, {}).setdefault(LOUDNESS[marks["loudness"]], []).append(row)
    both = [found for found in voices.values() if len(found) > 1]
    return [(np.array(found[max(found)]), np.array(found[min(found)])) for found in both]


def reading(measured: Measured, sets: Mapping[str, np.ndarray], read: Readings) -> str:
    """What the reader alone says: posterior of what the text says, and the texts that it warns of."""
    header = ["texts", "n", *(f"{name}, posterior of what is said" for name in ATTRIBUTES)]
    header += [
        "posterior of unsaid where unsaid",
        "of denied values",
        *(f"warned: {kind}" for kind in (*WARNINGS, "other")),
    ]
    rows = []
    for label, texts in sets.items():
        cells = [_mean([_of_said(measured, read, row, name) for row in texts]) for name in ATTRIBUTES]
        silent = [
            read.posteriors[name][row, -1] for row in texts for name in ATTRIBUTES if _is_silent(measured, row, name)
        ]
        refused = [
            _of_values(measured, read, row, name, values) / len(values)
            for row in texts
            for name, values in measured.wordings[row].denied.items()
        ]
        kinds = Counter(kind for row in texts for kind in read.kinds(row))
        cells += [_mean(silent), _mean(refused), *(kinds[kind] for kind in (*WARNINGS, "other"))]
        rows.append([label, len(texts), *cells])
    return table(header, rows)


def languages(measured: Measured, system: str, read: Readings) -> str:
    """Each language: ratios, and how many texts were refused by name."""
    found = dict.fromkeys(one.marks["language"] for one in measured.wordings if "language" in one.marks)
    rows = []
    for language in found:
        texts = measured.rows(lambda one, language=language: one.marks.get("language") == language)
        refused = sum("language" in read.kinds(row) for row in texts)
        ratios = [_cell(measured.followed(system, name, texts)) for name in ATTRIBUTES]
        rows.append([language, len(texts), refused, *ratios])
    return table(["language", "n", "refused", *ATTRIBUTES], rows)


def _is_silent(measured: Measured, row: int, name: str) -> bool:
    one = measured.wordings[row]
    return name not in one.said and name not in one.denied


def _of_said(measured: Measured, read: Readings, row: int, name: str) -> float | None:
    value = measured.wordings[row].value(name)
    return _of_values(measured, read, row, name, (value,)) if value else None


def _of_values(measured: Measured, read: Readings, row: int, name: str, values: Iterable[str]) -> float:
    columns = [measured.classes[name].index(value) for value in values]
    return float(read.posteriors[name][row, columns].sum())


def _mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.2f}" if known else NOTHING


def _cell(estimate: Estimate | None) -> str:
    return NOTHING if estimate is None else str(estimate)
