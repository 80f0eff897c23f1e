"""Real embeddings of the nearest description, with Gaussian jitter: what retrieval gives, and a density as well.

A text is compared with all training texts by cosine; the embeddings of the nearest ones are the means of a mixture, a
speaker counting as one. The jitter is a share of the deviation of all training embeddings in each of their principal
directions: a kernel estimate of the density (B. Silverman, Density estimation for statistics and data analysis, 1986),
given the nearest text.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from steps.generators.contract import Fit, Generator
from steps.generators.covariance import SUBSPACE_FLOOR, principal_subspace
from steps.generators.manifold import ManifoldOptions
from steps.generators.mixture import Frame, Mixture
from steps.generators.pairs import Pairs
from steps.generators.validation import number_of, size_of
from steps.training.workplace import Workplace
from utils.options import option
from utils.vectors import check_shape, unit_rows

OF_GROUP = -1  # in the place of an embedding: the text describes the group


@dataclass(frozen=True)
class NearestTextOptions(ManifoldOptions):
    """Embeddings of the nearest text, with jitter."""

    n_texts: int = option(1, "nearest texts whose embeddings are resampled", least=1, most=10**6)
    jitter: float = option(0.3, "deviation of the jitter, as a share of that of all embeddings", above=0, most=100)
    subspace_floor: float = option(
        SUBSPACE_FLOOR, "principal directions below this share of the largest deviation are left out", above=0, most=1
    )


class Known(NamedTuple):
    """Training pairs.

    Attributes:
        latent: (N, q) embeddings in the coordinates of the frame. speakers, groups: (N,) numbers.
        texts: (T, E). text_groups: (T,). text_rows: (T,) the embedding that a caption describes, or `OF_GROUP`.
    """

    latent: np.ndarray
    speakers: np.ndarray
    groups: np.ndarray
    texts: np.ndarray
    text_groups: np.ndarray
    text_rows: np.ndarray


class ResampledGenerator(Generator):
    """p(x | t) = sum_i w_i N(x; x_i, jitter² diag(variances)) over the embeddings of the texts nearest to t.

    Attributes:
        known: what is resampled. frame: of its coordinates, in which all embeddings have variance 1.
        n_texts, jitter: see `NearestTextOptions`.
    """

    kind = "resampled"

    def __init__(self, known: Known, frame: Frame, n_texts: int, jitter: float):
        self.known, self.frame, self.n_texts, self.jitter = known, frame, n_texts, jitter
        self.dim, self.text_dim = len(frame.offset), known.texts.shape[1]
        check_shape("latent", known.latent, (len(known.latent), frame.latent_dim))
        for name in ("speakers", "groups"):
            check_shape(name, getattr(known, name), (len(known.latent),))
        for name in ("text_groups", "text_rows"):
            check_shape(name, getattr(known, name), (len(known.texts),))
        self._unit = unit_rows(known.texts.astype(np.float64))
        self._made: dict[bytes, Mixture] = {}

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture]:
        """The density for each of the text vectors (T, E); one object for texts with the same nearest ones."""
        found = []
        for vector in np.asarray(text_vectors, dtype=np.float64):
            rows = self._rows(np.argsort(-(self._unit @ vector), kind="stable")[: self.n_texts])
            key = rows.tobytes()
            if key not in self._made:
                self._made[key] = self._around(rows)
            found.append(self._made[key])
        return found

    def _rows(self, texts: np.ndarray) -> np.ndarray:
        """The embeddings that these texts describe: those of a group, or of the speaker of a caption."""
        known = self.known
        of_group = known.text_rows[texts] == OF_GROUP
        wanted = np.isin(known.groups, known.text_groups[texts[of_group]])
        wanted |= np.isin(known.speakers, known.speakers[known.text_rows[texts[~of_group]]])
        return np.flatnonzero(wanted)

    def _around(self, rows: np.ndarray) -> Mixture:
        """A mixture with a component for each of these embeddings."""
        shares = 1 / np.bincount(self.known.speakers[rows])[self.known.speakers[rows]]
        means = self.known.latent[rows].astype(np.float64)
        scales = np.broadcast_to(self.jitter, means.shape)
        return Mixture(np.log(shares / shares.sum()), means, scales, self.frame)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What is resampled, and how."""
        numbers = {
            name: array if name in ("latent", "texts") else array.astype(np.float64)
            for name, array in self.known._asdict().items()
        }
        arrays = numbers | {"offset": self.frame.offset, "basis": self.frame.basis}
        return {"n_texts": self.n_texts, "jitter": self.jitter}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "ResampledGenerator":
        """Build the generator from what `state` gave. Raises ValueError where positions are none."""
        known = Known(
            *(arrays[name] if name in ("latent", "texts") else arrays[name].astype(np.int64) for name in Known._fields)
        )
        for name in ("speakers", "groups", "text_groups"):
            if not getattr(known, name).size or getattr(known, name).min() < 0:
                raise ValueError(f"{name}: expected numbers from 0")
        if known.text_rows.min() < OF_GROUP or known.text_rows.max() >= len(known.latent):
            raise ValueError(f"text_rows: expected positions below {len(known.latent)}")
        if not np.isin(known.text_groups[known.text_rows == OF_GROUP], known.groups).all():
            raise ValueError("text_groups: a text describes a group without embeddings")
        frame = Frame(arrays["offset"], arrays["basis"])
        return cls(known, frame, size_of(values, "n_texts"), number_of(values, "jitter", above=0))


def fit_nearest_text(
    train: Pairs, dev: Pairs, options: NearestTextOptions, workplace: Workplace | None = None
) -> ResampledGenerator:
    """Keep the training embeddings and their texts; of texts those whose group has embeddings."""
    subspace = principal_subspace(train.x, options.subspace_floor)
    y = subspace.to_latent(train.x.astype(np.float64))
    unit = y.std(axis=0)
    rows = np.concatenate([np.full(len(train.variants), OF_GROUP), train.caption_rows])
    used = np.isin(train.text_groups, train.groups)
    known = Known(
        (y / unit).astype(np.float32), train.speakers, train.groups,
        train.texts[used], train.text_groups[used], rows[used],
    )  # fmt: skip
    return ResampledGenerator(known, Frame(subspace.offset, subspace.basis * unit), options.n_texts, options.jitter)


NEAREST_TEXT = Fit(NearestTextOptions, fit_nearest_text)
