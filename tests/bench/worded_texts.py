"""Texts with what they say of the attributes: held-out wordings, captions by others, the grammar's own texts.

A cell of a table is empty where the text does not say the attribute; `low` is said, `!low` denied, `!low|!high` denies
both, `low|high` is a contradiction.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from steps.text.descriptions import SETS, Descriptions
from utils.errors import InputError
from utils.tables import read_lines, read_table

ATTRIBUTES = ("gender", "pitch", "speaking_rate")
FOLDER = Path(__file__).with_suffix("").parent / "wordings"
PLAIN = "plain"  # the column of a text's plain wording


@dataclass(frozen=True)
class Wording:
    """A text and what it says.

    Attributes:
        kind: the set of texts that it belongs to. text_id, text: as written.
        said: attribute -> its values in the text: one, or several that contradict each other.
        denied: attribute -> values that it must not have. marks: what else is known of the text.
    """

    kind: str
    text_id: str
    text: str
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    denied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)

    def value(self, attribute: str) -> str | None:
        """The one value that the text says; None where it says none, or several."""
        values = self.said.get(attribute, ())
        return values[0] if len(values) == 1 else None

    def allows(self, values: Mapping[str, str]) -> bool:
        """Does a voice with these values fit what the text says and denies?"""
        fits = all(values[name] in wanted for name, wanted in self.said.items())
        return fits and not any(values[name] in refused for name, refused in self.denied.items())


def read_wordings(path: Path) -> list[Wording]:
    """The texts of a table; its name is their kind. A plain wording beside a text is one more text, of another kind."""
    header, *rows = (line.split("\t") for line in read_lines(path))
    if header[:5] != ["id", "text", *ATTRIBUTES] or not all(len(row) == len(header) for row in rows):
        raise InputError(f"{path}: expected columns id, text, {', '.join(ATTRIBUTES)} and others, with tabs between")
    wordings = []
    for text_id, text, *rest in rows:
        said, denied = parse_cells(rest[: len(ATTRIBUTES)])
        marks = dict(zip(header[5:], rest[len(ATTRIBUTES) :], strict=True))
        wordings.append(Wording(path.stem, text_id, text, said, denied, marks))
        if PLAIN in marks and marks[PLAIN] not in ("yes", "no"):
            wordings.append(Wording(f"{path.stem}, plain wording", f"{text_id}-plain", marks[PLAIN], said, denied))
    return wordings


def parse_cells(cells: Iterable[str]) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """What is said and what is denied, by attribute."""
    said, denied = {}, {}
    for name, cell in zip(ATTRIBUTES, cells, strict=True):
        values = cell.split("|") if cell else []
        if affirmed := tuple(value for value in values if not value.startswith("!")):
            said[name] = affirmed
        if refused := tuple(value[1:] for value in values if value.startswith("!")):
            denied[name] = refused
    return said, denied


def read_captions(path: Path) -> list[Wording]:
    """The captions of others (humantext), without those that contradict their own key."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Wording(
            "captions", f"caption{number:03}", row["caption"], of_group(row["group"]), marks={"loudness": row["energy"]}
        )
        for number, row in enumerate(rows)
        if not row["contradiction"]
    ]


def read_grammar(descriptions: Path, texts_per_group: int) -> list[Wording]:
    """The first texts of each group and set that stage 1 wrote, seen in training and held out."""
    found, written = Descriptions.read(descriptions), read_table(descriptions / "text")
    wordings, count = [], dict.fromkeys(((group, name) for group in found.group_of.values() for name in SETS), 0)
    for text_id, group in found.group_of.items():
        chosen = found.set_of[text_id]
        if text_id in found.captions or count[group, chosen] == texts_per_group:
            continue
        count[group, chosen] += 1
        wordings.append(Wording(f"grammar, {chosen}", text_id, written[text_id], of_group(group)))
    return wordings


def of_group(group: str) -> dict[str, tuple[str, ...]]:
    """What a description of a whole group says."""
    return {name: (value,) for name, value in zip(ATTRIBUTES, group.split("_"), strict=True)}
