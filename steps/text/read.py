"""What a text says: one vector of it, its sentence vector beside a posterior over the values of each attribute.

    reader = Reader.load(Path("exp/demo/mdn"))
    reading = reader.read(["A woman with a deep voice."])
    reading.vectors                            # (T, E) float32, whose columns reader.layout names
    reading.warnings[0]                        # what was not understood, in plain English

The reader of a corpus is made in stage 1, chosen by `--reader`, and saved beside its text vectors; models trained on
these hold a copy of its files. As a command, this module prints how a text is understood.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from steps.data.groups import ATTRIBUTES
from steps.text.encode import SentenceEncoder
from steps.text.layout import READER, TextLayout
from steps.text.paraphrase import LabelledText
from utils.command import run_command
from utils.errors import InputError, brief
from utils.json_files import json_text, read_json
from utils.options import option
from utils.registry import Registry

if TYPE_CHECKING:
    import numpy as np

READERS = Registry(
    "reader of texts",
    {"posterior": "steps.text.posterior_reader:PosteriorReader", "sentence": "steps.text.read:SentenceReader"},
)
ENCODER, LEARNED = "encoder.json", "reader.safetensors"
FILES = (ENCODER, READER, LEARNED)  # all that a reader may leave in a directory


class Reading(NamedTuple):
    """What a reader made of texts.

    Attributes:
        vectors: (T, E) float32, the columns as the reader's layout says.
        warnings: (T) for each text what a person should know of how it was understood; the text itself is not repeated.
    """

    vectors: "np.ndarray"
    warnings: list[tuple[str, ...]]


class Reader(ABC):
    """The one component that makes vectors of texts.

    Attributes:
        kind: name in `READERS`.
        encoder: of the sentence vectors.
        layout: the columns of the vectors.
    """

    kind: ClassVar[str]
    encoder: SentenceEncoder
    layout: TextLayout

    @abstractmethod
    def read(self, texts: Sequence[str]) -> Reading:
        """Read texts; each is read alone, whatever the others are."""

    def save(self, directory: Path) -> None:
        """Write encoder.json, and what else this kind of reader needs to be loaded again."""
        identity = {"name": self.encoder.name, "sha256": self.encoder.sha256, "dim": self.encoder.dim}
        write_json(directory / ENCODER, identity)

    @staticmethod
    def load(directory: Path, encoder: Path | None = None) -> "Reader":
        """The reader whose files are in a directory of text vectors or of a model.

        Args:
            encoder: directory of the sentence encoder; None for the installed one.
        Raises InputError where files are damaged, or the encoder is not the one that the reader was made with.
        """
        found = check_encoder(SentenceEncoder(encoder), directory)
        path = directory / READER
        if not path.is_file():
            return SentenceReader(found)
        kind = read_json(path, ("kind",))["kind"]
        if kind not in list(READERS.entries):  # no `module:Class` either: a file would say what code is run
            raise InputError(f"{path}: unknown kind {brief(kind)}; known are {', '.join(READERS.entries)}")
        return READERS.load(kind).from_files(directory, found)

    @classmethod
    @abstractmethod
    def of_attributes(
        cls,
        encoder: SentenceEncoder,
        attributes: Mapping[str, Sequence[str]],
        own: Sequence[LabelledText] = (),
        number: int = 0,
        seed: int = 0,
    ) -> "Reader":
        """A new reader of texts about attributes, each with its values.

        Args:
            own: texts of the corpus with the values of their groups. number: of texts that may teach the reader.
            seed: decides which.
        """

    @classmethod
    @abstractmethod
    def from_files(cls, directory: Path, encoder: SentenceEncoder) -> "Reader":
        """The reader that `save` has written into a directory."""


class SentenceReader(Reader):
    """A text's vector is its sentence vector alone."""

    kind = "sentence"

    def __init__(self, encoder: SentenceEncoder):
        self.encoder = encoder

    @property
    def layout(self) -> TextLayout:
        """The sentence vector; its length is that of an encoded text."""
        return TextLayout(self.encoder.dim, {})

    def read(self, texts: Sequence[str]) -> Reading:
        """Encode the texts; nothing is said about how they are understood."""
        return Reading(self.encoder.encode(texts), [()] * len(texts))

    @classmethod
    def of_attributes(
        cls,
        encoder: SentenceEncoder,
        attributes: Mapping[str, Sequence[str]],
        own: Sequence[LabelledText] = (),
        number: int = 0,
        seed: int = 0,
    ) -> "SentenceReader":
        """It reads no attributes, and learns nothing."""
        return cls(encoder)

    @classmethod
    def from_files(cls, directory: Path, encoder: SentenceEncoder) -> "SentenceReader":
        """There is nothing to read but the encoder."""
        return cls(encoder)


def check_encoder(encoder: SentenceEncoder, directory: Path) -> SentenceEncoder:
    """The encoder itself. Raises InputError where a directory's vectors are those of another one."""
    if not (directory / ENCODER).is_file():
        raise InputError(
            f"{directory / ENCODER}: no such file; expected that of a trained model, or of exp/<corpus>/text"
        )
    wanted = read_json(directory / ENCODER, ("name", "sha256"))
    if encoder.sha256 != wanted["sha256"]:
        raise InputError(
            f"{directory}: trained on text vectors of {wanted['name']} ({str(wanted['sha256'])[:12]}), this"
            f" encoder is {encoder.name} ({encoder.sha256[:12]}); give the right one with --encoder"
        )
    return encoder


def write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json_text(values, path.parent, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.text.read"
    text: str | None = option(None, "description of a voice")
    text_file: Path | None = option(
        None, "descriptions, a line each: the text alone, or id<tab>text, as sampling takes them", stream=True
    )
    model: Path | None = option(
        None, "directory of a trained model, or exp/<corpus>/text; without it the rules read alone, at once"
    )
    encoder: Path | None = option(None, "directory of the model's sentence encoder, if it is not the installed one")
    attributes: tuple[str, ...] = option(
        (), f"what is told of: those of the model, or without one {', '.join(ATTRIBUTES)}, and age if it is named"
    )
    json: bool = option(False, "print a JSON object a text, instead of a table")


def work(options: Options) -> None:
    """Print how each text is understood."""
    from steps.text.print_readings import read_and_print

    if (options.text is None) == (options.text_file is None):
        raise InputError("give --text or --text_file, one of them")
    if options.encoder is not None and options.model is None:
        raise InputError("--encoder is that of a --model; without one the rules read alone, and need no encoder")
    read_and_print(options)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
