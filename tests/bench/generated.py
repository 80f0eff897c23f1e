"""Generated corpora with the shape of a real one: groups with means of their own, speakers around them, utterances
around their speaker, and noise that is correlated over the dimensions.

In memory as `Pairs`, or on disk as the stages before index and training leave it.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from steps.generators.pairs import Pairs
from utils.archive_writer import ArchiveWriter, write_vectors
from utils.tables import write_table

GROUPS = tuple(
    "_".join(values)
    for values in itertools.product(("female", "male"), ("high", "low", "medium"), ("fast", "measured", "slow"))
)
UTTERANCES_OF_SPEAKER = 18
CHUNK = 8192


@dataclass(frozen=True)
class Corpus:
    """A generated corpus; the same numbers give the same vectors.

    Attributes:
        n: embeddings. dim: D. n_texts: T, a multiple of the number of groups. text_dim: E. seed: of everything.
        first: number of the first speaker in the ids.
    """

    n: int
    dim: int = 512
    n_texts: int = 180
    text_dim: int = 384
    seed: int = 0
    first: int = 0

    @property
    def n_speakers(self) -> int:
        """Speakers of the corpus."""
        return -(-self.n // UTTERANCES_OF_SPEAKER)

    @cached_property
    def speakers(self) -> np.ndarray:
        """(N,) number of the speaker of each row."""
        return np.arange(self.n) // UTTERANCES_OF_SPEAKER

    @cached_property
    def groups(self) -> np.ndarray:
        """(N,) position in `GROUPS`, one for each speaker in turn."""
        return self.speakers % len(GROUPS)

    def chunks(self) -> Iterator[np.ndarray]:
        """The embeddings, (up to `CHUNK`, D) float32 at a time."""
        rng = np.random.default_rng(self.seed)
        mixing = rng.standard_normal((self.dim, self.dim)) * (1 + np.arange(self.dim))[:, None] ** -0.5
        mixing = mixing.astype(np.float32)
        means = (0.5 * rng.standard_normal((len(GROUPS), self.dim)) @ mixing).astype(np.float32)
        for start in range(0, self.n, CHUNK):
            speakers = self.speakers[start : start + CHUNK]
            distinct, of_row = np.unique(speakers, return_inverse=True)
            noise = rng.standard_normal((len(distinct), self.dim), dtype=np.float32)[of_row]
            noise += 0.7 * rng.standard_normal((len(speakers), self.dim), dtype=np.float32)
            yield means[self.groups[start : start + CHUNK]] + noise @ mixing

    def matrix(self) -> np.ndarray:
        """(N, D) float32, all embeddings."""
        return np.concatenate(list(self.chunks()))

    @cached_property
    def texts(self) -> np.ndarray:
        """(T, E) float32 of unit length, as many for each group."""
        rng = np.random.default_rng([self.seed, 1])
        centres = rng.standard_normal((len(GROUPS), self.text_dim))
        texts = centres[self.text_groups] + 0.5 * rng.standard_normal((self.n_texts, self.text_dim))
        return (texts / np.linalg.norm(texts, axis=1, keepdims=True)).astype(np.float32)

    @property
    def text_groups(self) -> np.ndarray:
        """(T,) position in `GROUPS`."""
        return np.repeat(np.arange(len(GROUPS)), self.n_texts // len(GROUPS))

    @cached_property
    def keys(self) -> list[str]:
        """(N) utterances."""
        return [f"{self._speaker(speaker)}-u{row:07d}" for row, speaker in enumerate(self.speakers)]

    def _speaker(self, number: int) -> str:
        gender = GROUPS[number % len(GROUPS)][0]
        return f"{gender}{self.first + number:06d}"

    def pairs(self) -> Pairs:
        """What a generator is fitted on."""
        none = np.empty((0, self.text_dim), np.float32), np.empty(0, np.int64)
        return Pairs(
            self.matrix(), self.speakers, self.groups, list(GROUPS), self.texts, self.text_groups, *none
        )  # fmt: skip

    def write_set(self, directory: Path) -> Path:
        """Write a data directory, as `split_speakers` leaves it. Returns `directory`."""
        directory.mkdir(parents=True)
        with ArchiveWriter(directory / "xvector.ark", directory / "xvector.scp") as writer:
            for number, chunk in enumerate(self.chunks()):
                writer.write(self.keys[number * CHUNK : number * CHUNK + len(chunk)], chunk)
        speakers = [self._speaker(number) for number in self.speakers]
        write_table(directory / "utt2spk", dict(zip(self.keys, speakers, strict=True)))
        groups = [GROUPS[number] for number in self.groups]
        write_table(directory / "utt2group", dict(zip(self.keys, groups, strict=True)))
        write_table(directory / "spk2gender", {speaker: speaker[0] for speaker in speakers})
        return directory

    def write_texts(self, descriptions: Path, text_vectors: Path) -> None:
        """Write texts and their vectors, as stage 1 leaves them; none is held out."""
        descriptions.mkdir(parents=True)
        text_vectors.mkdir(parents=True)
        group_of = {f"{GROUPS[group]}-v{row:03d}": GROUPS[group] for row, group in enumerate(self.text_groups)}
        write_table(descriptions / "text", {text_id: f"A voice of {group}." for text_id, group in group_of.items()})
        write_table(descriptions / "text2group", group_of)
        write_table(descriptions / "text2set", dict.fromkeys(group_of, "seen"))
        write_vectors(text_vectors / "text_vec.ark", text_vectors / "text_vec.scp", list(group_of), self.texts)
        encoder = {"name": "generated", "sha256": "0" * 64, "dim": self.text_dim}
        (text_vectors / "encoder.json").write_text(json.dumps(encoder) + "\n", encoding="utf-8")
