"""What a model understood: for a few texts, what its reader read, how its samples are judged, and real speakers.

    document["understanding"] = understand(scorer, "mdn", generator, reader, TEXTS)

For each text: `read_as`, the posterior of the reader; `samples`, the mean posteriors of the judges over samples of the
text; and `real`, the same over real training segments of the groups that the text was read as, each with its share. The
judges err with real speech and with samples alike, so the two should look alike; what a text does not say follows the
corpus. A reader that reads sentence vectors alone gives no `read_as`, and `real` is the whole corpus.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steps.generators.contract import Generator
from steps.generators.corpus_groups import CorpusGroups
from steps.score.attribute_classifiers import mix_weights
from steps.score.evaluation import Scorer
from steps.score.judges import POOLED, posteriors
from steps.text.check import require_text
from steps.text.layout import UNSAID
from steps.text.read import Reader
from utils.errors import InputError
from utils.report_tables import Cell, Table
from utils.tables import read_lines

TEXTS = (
    "A woman with a high-pitched voice who speaks slowly.",
    "A man with a deep voice who talks fast.",
    "A man.",
    "Someone who talks fast.",
    "Not a deep voice.",
    "He rumbles like distant thunder.",
    "A deep, high-pitched voice.",
)
MOST_TEXTS = 30
N_SAMPLES = 1000  # of a text
RANKS = {"low": 0, "slow": 0, "medium": 1, "measured": 1, "high": 2, "fast": 2}  # values of a scale, from its low end
TITLE = "What did it understand?"


def read_texts(path: Path) -> tuple[str, ...]:
    """The texts of a file, one a line. Raises InputError for one that is no description, or for too many."""
    texts = [
        require_text(line.removesuffix("\r"), f"{path}:{number}") for number, line in enumerate(read_lines(path), 1)
    ]
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise InputError(
            f"{path}: {len(texts)} texts; expected 1 to {MOST_TEXTS}, one a line, which a picture can show"
        )
    return tuple(texts)


def understand(scorer: Scorer, name: str, generator: Generator, reader: Reader, texts: Sequence[str]) -> dict[str, Any]:
    """What the model `name` understood of `texts`, as plain numbers."""
    reading = reader.read(texts)
    if reading.vectors.shape[1] != generator.text_dim:
        raise InputError(
            f"the model takes texts of {generator.text_dim} dimensions, its reader gives {reading.vectors.shape[1]}"
        )
    train, layout = scorer.data.train, reader.layout
    judged = posteriors(scorer.judges, train.x)
    names, codes = np.unique(train.groups, return_inverse=True)
    groups = None
    if layout.attributes:
        if tuple(layout.attributes) != scorer.data.attributes:
            raise InputError(
                f"the reader of {name} reads {', '.join(layout.attributes)}, --attributes names"
                f" {', '.join(scorer.data.attributes)}; give the attributes of stage 1"
            )
        groups = CorpusGroups.count(layout, train.speaker_codes, codes, [str(name) for name in names])
    corpus = speaker_weights(train.speaker_codes)
    found = []
    for number, (text, vector, mixture) in enumerate(
        zip(texts, reading.vectors, generator.mixtures(reading.vectors), strict=True)
    ):
        x = mixture.sample(np.random.default_rng([scorer.seed, 3, number]), N_SAMPLES)[0]
        weights = corpus if groups is None else mix_weights(train.groups, groups.shares(vector))
        found.append(
            {
                "text": text,
                "warnings": list(reading.warnings[number]),
                "read_as": layout.read_as(vector) if layout.attributes else None,
                "samples": _means(scorer, posteriors(scorer.judges, x)),
                "real": _means(scorer, judged, weights),
            }
        )
    return {"model": name, "n_samples": N_SAMPLES, "corpus": _means(scorer, judged, corpus), "texts": found}


def speaker_weights(speakers: np.ndarray) -> np.ndarray:
    """Weights (N,) under which each of the speakers (N,), numbered, counts as one."""
    return 1 / np.bincount(speakers)[speakers]


def _means(scorer: Scorer, judged: Mapping[str, np.ndarray], weights: np.ndarray | None = None) -> dict:
    """Attribute -> value -> mean posterior over rows (N,), in the order of a scale where the values have one."""
    pooled = scorer.judges[POOLED]
    means = {}
    for name, values in zip(pooled.attributes, pooled.classes, strict=True):
        shares = dict(zip(values, map(float, np.average(judged[name], axis=0, weights=weights)), strict=True))
        means[name] = {value: shares[value] for value in in_order(values)}
    return means


def in_order(values: Iterable[str]) -> list[str]:
    """Values from the low to the high end of their scale, or as they are given; what is not said comes last."""
    said = [value for value in values if value != UNSAID]
    if all(value in RANKS for value in said):
        said.sort(key=lambda value: RANKS[value])
    return said + [value for value in values if value == UNSAID]


def rows_of(understood: Mapping[str, Any]) -> list[tuple[str, Mapping | None]]:
    """The rows of a text: what each is, and its shares by attribute and value."""
    real = "all real voices" if understood["read_as"] is None else "real voices like that"
    rows = [("read as", understood["read_as"]), ("samples", understood["samples"]), (real, understood["real"])]
    return [row for row in rows if row[1] is not None]


def understood_texts(document: Mapping[str, Any]) -> Table:
    """The figures of the picture; no rows where there are none."""
    found = document.get("understanding")
    if found is None:
        return Table(TITLE, "", [], [])
    attributes = list(found["corpus"])
    rows = [[Cell("all real voices"), *(_cell(found["corpus"][name]) for name in attributes)]]
    for understood in found["texts"]:
        told = "".join(f" ({warning})" for warning in understood["warnings"])
        rows.append([Cell(f"{understood['text']}{told}"), *(Cell("") for _ in attributes)])
        for name, shares in rows_of(understood):
            rows.append([Cell(f"- {name}"), *(_cell(shares[attribute]) for attribute in attributes)])
    return Table(f"{TITLE} In figures", caption_of(found), ["", *(name.replace("_", " ") for name in attributes)], rows)


def in_words(found: Mapping[str, Any]) -> str:
    """The picture in words: what was read in each text, and how its samples are judged."""
    told = []
    for understood in found["texts"]:
        for name, shares in rows_of(understood)[:2]:
            cells = (f"{attribute.replace('_', ' ')} {_cell(own).text}" for attribute, own in shares.items())
            told.append(f"{understood['text']} {name.capitalize()}: {'; '.join(cells)}.")
    return " ".join(["Bars of shares in per cent.", *told])


def _cell(shares: Mapping[str, float]) -> Cell:
    """Shares of values in per cent."""
    named = ((value_in_words(value), round(100 * shares[value])) for value in in_order(shares))
    return Cell(", ".join(f"{value} {share}" for value, share in named if share))


def value_in_words(value: str) -> str:
    """A value in words."""
    return "not said" if value == UNSAID else value


def caption_of(found: Mapping[str, Any]) -> str:
    """What the rows of the picture and the table are, in plain words."""
    samples = (
        f"Samples: how classifiers that know only held-out speakers judge {found['n_samples']:,} new voices of"
        f" {found['model']} for a text, pitch and the like inside each gender. "
    )
    if all(understood["read_as"] is None for understood in found["texts"]):
        return (
            f"{samples}Below them all real voices of the training speakers, judged in the same way. Shares in per cent."
        )
    return (
        "Read as: what the model's reader took a text to say; hatched is what the text leaves open."
        f" {samples}Real voices like that: training segments of what was read, with the corpus's shares of what was"
        " left open, judged in the same way. Classifiers err, and of real fast speech they call only a part fast: the"
        " samples of a good model look like these real voices. Shares in per cent."
    )
