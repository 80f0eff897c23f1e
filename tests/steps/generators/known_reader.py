"""A reader that knows four words, and a model whose texts it has read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from steps.generators.corpus_groups import CorpusGroups
from steps.generators.linear import LinearMap
from steps.generators.linear_generator import LinearGenerator
from steps.generators.mixture import Frame
from steps.generators.read_generator import ReadGenerator
from steps.text.encode import SentenceEncoder
from steps.text.layout import READER, TextLayout
from steps.text.read import Reader, Reading

LAYOUT = TextLayout(2, {"gender": ("female", "male"), "pitch": ("high", "low")})
GROUPS = ("female_high", "female_low", "male_high", "male_low")
PRIOR = np.array([0.2, 0.3, 0.4, 0.1])
ENTRY = "tests.steps.generators.known_reader:WordReader"


class WordReader(Reader):
    """A value is said where its word stands in the text, and nothing where none of an attribute does."""

    kind = "words"

    def __init__(self, encoder: SentenceEncoder):
        self.encoder, self.layout = encoder, LAYOUT

    def read(self, texts: Sequence[str]) -> Reading:
        """Read the words; a text with both values of an attribute is warned of."""
        rows, warnings = [], []
        for text in texts:
            said = {name: [value in text.split() for value in values] for name, values in LAYOUT.attributes.items()}
            rows.append(
                np.concatenate([[0, 0], *([*(np.array(s) / max(sum(s), 1)), not any(s)] for s in said.values())])
            )
            warnings.append(tuple(f"says every {name}" for name, own in said.items() if all(own)))
        return Reading(np.array(rows, dtype=np.float32), warnings)

    @classmethod
    def of_attributes(cls, encoder: SentenceEncoder, attributes: Mapping[str, Sequence[str]]) -> "WordReader":
        """It knows its own attributes only."""
        return cls(encoder)

    @classmethod
    def from_files(cls, directory: Path, encoder: SentenceEncoder) -> "WordReader":
        """There is nothing to read but the encoder."""
        return cls(encoder)


def write_read_model(model: Path) -> Path:
    """Write a model of four groups around the corners of a square, by its first two dimensions of three."""
    groups = CorpusGroups(LAYOUT, GROUPS, PRIOR, np.ones(4))
    weights = np.zeros((groups.n_features, 3))
    weights[:4, :2] = [[10, 0], [-10, 0], [0, 10], [0, -10]]
    inner = LinearGenerator(Frame(np.zeros(3)), LinearMap(weights, np.zeros(3)), np.zeros(1), np.ones(1))
    model.mkdir(parents=True)
    ReadGenerator(inner, groups).save(model)
    encoder = {"name": "all-MiniLM-L6-v2", "sha256": SentenceEncoder().sha256, "dim": 2}
    (model / "encoder.json").write_text(json.dumps(encoder))
    (model / READER).write_text(json.dumps({"kind": "words", **LAYOUT.as_dict()}))
    return model
