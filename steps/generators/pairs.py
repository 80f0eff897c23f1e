"""The training data of generators: embeddings, the texts that describe them, and the weight of each embedding.

A variant (a paraphrase of a group's description) is paired with every embedding of its group, a caption with the one
embedding that it was written for, or all of the speaker's. Inputs: one set of the index (`exp/<corpus>/index/train`),
`data/<corpus>/descriptions` and `exp/<corpus>/text`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from steps.data.index import Index
from steps.generators.validation import check_embeddings
from steps.text.descriptions import Descriptions
from utils.archives import read_vectors
from utils.errors import InputError


@dataclass(frozen=True)
class Pairs:
    """Embeddings and the texts they are paired with.

    Attributes:
        x: (N, D) float32 embeddings.
        speakers: (N,) int, a number for each speaker.
        groups: (N,) int, positions in `group_names`.
        group_names: names of the groups, sorted.
        variants: (V, E) float32 text vectors, each paired with all embeddings of its group.
        variant_groups: (V,) int.
        captions: (C, E) float32 text vectors, a row for each utterance that a caption describes.
        caption_rows: (C,) int, the embedding that each caption belongs to.
        nuisance: (N,) names, such as sources, that no text tells; None where none is asked for or known.
        weighed_as: (G,) int, groups of one number share the weight of a group; None: each has its own.
    """

    x: np.ndarray
    speakers: np.ndarray
    groups: np.ndarray
    group_names: list[str]
    variants: np.ndarray
    variant_groups: np.ndarray
    captions: np.ndarray
    caption_rows: np.ndarray
    nuisance: np.ndarray | None = None
    weighed_as: np.ndarray | None = None

    @cached_property
    def weights(self) -> np.ndarray:
        """(N,) float64, sum 1: all groups weigh the same, and within them speakers count by their share of utterances.

        The utterances of a speaker have the weight of one speaker in all, however many they are; a speaker counts in a
        group by the share of utterances in it.
        """
        weights = 1.0 / np.bincount(self.speakers)[self.speakers]
        weighed = self.groups if self.weighed_as is None else self.weighed_as[self.groups]
        weights /= np.bincount(weighed, weights)[weighed]
        return weights / weights.sum()

    @cached_property
    def texts_of_row(self) -> np.ndarray:
        """(N,) number of texts that each embedding is paired with."""
        variants_of_group = np.bincount(self.variant_groups, minlength=len(self.group_names))
        return variants_of_group[self.groups] + np.bincount(self.caption_rows, minlength=len(self.x))

    @property
    def texts(self) -> np.ndarray:
        """(T, E) float32, all text vectors: the variants, then the captions."""
        return np.concatenate([self.variants, self.captions])

    @property
    def text_groups(self) -> np.ndarray:
        """(T,) int, the group of each of `texts`."""
        return np.concatenate([self.variant_groups, self.groups[self.caption_rows]])

    @property
    def text_dim(self) -> int:
        """E of the text vectors."""
        return self.variants.shape[1]

    def of_speakers(self, keep: np.ndarray) -> "Pairs":
        """The pairs of the embeddings marked in `keep` (N,) bool; all variants stay."""
        rows = np.cumsum(keep) - 1
        mine = keep[self.caption_rows]
        return Pairs(
            self.x[keep], self.speakers[keep], self.groups[keep], self.group_names, self.variants, self.variant_groups,
            self.captions[mine], rows[self.caption_rows[mine]],
            None if self.nuisance is None else self.nuisance[keep], self.weighed_as,
        )  # fmt: skip

    def check_described(self) -> None:
        """Raise InputError where an embedding has no text."""
        if not self.texts_of_row.all():
            group = self.group_names[self.groups[np.argmin(self.texts_of_row)]]
            raise InputError(
                f"group {group!r} has training speakers but no text; give it variants or captions (stage 1)"
            )

    def aggregated(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All pairs, summed up per text: texts (T, E), mean embedding (T, D) and total weight (T,) of each, float64.

        Where an embedding has several texts, they share its weight.
        """
        weights, x = self.weights, self.x.astype(np.float64)
        self.check_described()
        share = weights / self.texts_of_row
        mass = np.bincount(self.groups, share, len(self.group_names))
        means = sum_by(self.groups, x, len(self.group_names), share) / np.maximum(mass, 1e-300)[:, None]
        return (
            self.texts.astype(np.float64),
            np.concatenate([means[self.variant_groups], x[self.caption_rows]]),
            np.concatenate([mass[self.variant_groups], share[self.caption_rows]]),
        )


def sum_by(labels: np.ndarray, values: np.ndarray, n_labels: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Weighted sums (L, D) of the rows of `values` (N, D) that share a label (N,) in 0..L-1."""
    from scipy.sparse import csr_array  # sampling, which needs no sums, does not load it

    ones = np.ones(len(labels)) if weights is None else weights
    return csr_array((ones, (labels, np.arange(len(labels)))), shape=(n_labels, len(labels))) @ values


def load_pairs(index_dir: Path, descriptions: Path, text_vectors: Path, nuisance: str | None = None) -> Pairs:
    """Read one set of the index, the seen variants, and the captions of its own utterances where stage 1 made any.

    Args:
        nuisance: SOURCE, to read the sources too.
    """
    index = Index.open(index_dir)
    text2group, text2set, text2utt = Descriptions.read(descriptions)
    names = sorted(set(text2group.values()) | set(index.groups))
    number = {name: position for position, name in enumerate(names)}
    seen = [text for text in text2group if text2set[text] == "seen" and text not in text2utt]
    row_of = {key: row for row, key in enumerate(index.keys)} if text2utt else {}
    described = {text: [row_of[one] for one in utterances if one in row_of] for text, utterances in text2utt.items()}
    own = [text for text, rows in described.items() if rows]
    keys, vectors = read_vectors(text_vectors / "text_vec.scp", seen + own)
    check_embeddings(vectors, lambda row: f"{text_vectors}/text_vec.scp: {keys[row]}")
    x = index.matrix()
    check_embeddings(x, lambda row: f"{index_dir}: {index.keys[row]}")
    return Pairs(
        x=x,
        speakers=np.unique(index.speakers, return_inverse=True)[1],
        groups=np.array([number[name] for name in index.groups]),
        group_names=names,
        variants=vectors[: len(seen)],
        variant_groups=np.array([number[text2group[text]] for text in seen], dtype=np.int64),
        captions=np.repeat(vectors[len(seen) :], [len(described[text]) for text in own], axis=0),
        caption_rows=np.array([row for text in own for row in described[text]], dtype=np.int64),
        nuisance=np.array(index.sources) if nuisance and index.sources is not None else None,
    )
