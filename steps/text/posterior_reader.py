"""The reader that adds a posterior over the values of each attribute to the sentence vector of a text.

Rules read first (`steps.text.claims`): the claims of a text about an attribute give its posterior. An attribute that no
claim speaks of is unsaid.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from steps.text.claims import TextRules, posterior
from steps.text.encode import SentenceEncoder
from steps.text.layout import READER, TextLayout
from steps.text.read import Reader, Reading, write_json
from utils.json_files import read_json


class PosteriorReader(Reader):
    """Sentence vectors beside posteriors over the values of attributes, `unsaid` among them."""

    kind = "posterior"

    def __init__(self, encoder: SentenceEncoder, layout: TextLayout):
        self.encoder, self.layout = encoder, layout
        self.rules = TextRules(layout.attributes)

    @classmethod
    def of_attributes(cls, encoder: SentenceEncoder, attributes: Mapping[str, Sequence[str]]) -> "PosteriorReader":
        """A reader of the values of these attributes."""
        return cls(encoder, TextLayout(encoder.dim, {name: tuple(sorted(v)) for name, v in attributes.items()}))

    def read(self, texts: Sequence[str]) -> Reading:
        """Encode the texts, and read what they say about each attribute."""
        sentence = self.encoder.encode(texts)
        posteriors = {
            name: np.stack([self._posterior(text, name, values) for text in texts])
            for name, values in self.layout.attributes.items()
        }
        return Reading(self.layout.join(sentence, posteriors), [()] * len(texts))

    def _posterior(self, text: str, attribute: str, values: Sequence[str]) -> np.ndarray:
        """The posterior (values + 1) of one attribute."""
        read = posterior(self.rules.understand(text), attribute, values)
        return np.append(np.zeros(len(values)), 1) if read is None else read

    def save(self, directory: Path) -> None:
        """Write encoder.json and reader.json."""
        super().save(directory)
        write_json(directory / READER, {"kind": self.kind, **self.layout.as_dict()})

    @classmethod
    def from_files(cls, directory: Path, encoder: SentenceEncoder) -> "PosteriorReader":
        """Read reader.json."""
        layout = read_json(directory / READER, ("sentence_dim", "attributes"))
        size = layout["sentence_dim"] + sum(len(values) + 1 for values in layout["attributes"].values())
        return cls(encoder, TextLayout.read(directory, size))
