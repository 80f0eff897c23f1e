"""New speakers from a trained generator.

    voices = Voices("exp/demo/mdn")
    embeddings = voices.sample("A woman with a deep voice", n=20, seed=0)   # (20, D) float32
    utterances = voices.sample("A woman with a deep voice", n=20, seed=0, utts_per_speaker=7)   # (20, 7, D)

Samples are drawn in chunks. The random stream of a chunk depends only on the seed, the text, its id and the number of
the chunk, so the samples do not depend on the number of jobs.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.generators.blend import Blend
from steps.generators.contract import load_generator
from steps.generators.gender_classifier import GenderClassifier
from steps.generators.interpolation import mixture_of
from steps.generators.manifold_generator import ManifoldGenerator, MappedMixture
from steps.generators.mixture import Mixture
from steps.generators.nearest_speakers import NearestSpeakers
from steps.generators.requests import (
    BY_TRANSPORT,
    MOST_SAMPLES,
    MOST_UTTERANCES,
    SampleRequest,
    SamplingSettings,
    checked_mix,
    chunks_of,
    read_requests,
)
from steps.generators.sample_means import means_of
from steps.generators.speaker_means import read_speaker_means
from steps.generators.text_warnings import heed_warnings
from steps.generators.validation import check_embeddings
from steps.generators.within_speaker import WithinSpeaker
from steps.text.check import require_text
from steps.text.read import Reader
from utils.errors import InputError, brief
from utils.vectors import unit_rows

ROWS = 256  # whose densities are worked out at once: few enough for the cache


class Samples(NamedTuple):
    """A chunk of n speakers of one text, with U utterances each.

    Attributes:
        request: what was asked for. first: number of the first speaker, from 0.
        x: (n U, D) float32. component: (n,). log_density: (n,) nats, under the generator at temperature 1, the mean
            of a speaker's utterances; None where it has no density.
        nearest: (n,) position of the nearest training speaker, and distance: (n,) its cosine distance; or None.
        female: (n,) posterior of being female, by the classifier of the model; None where the request has a gender.
            Both are of the mean of the speaker's utterances.
        read_as: attribute -> value or `unsaid` -> posterior, how the text was read; empty where no attributes are.
        mix_read_as: the same of the second text of a mix.
    """

    request: SampleRequest
    first: int
    x: np.ndarray
    component: np.ndarray
    log_density: np.ndarray | None
    nearest: np.ndarray | None
    distance: np.ndarray | None
    female: np.ndarray | None = None
    read_as: Mapping[str, Mapping[str, float]] = {}
    mix_read_as: Mapping[str, Mapping[str, float]] = {}


class Voices:
    """A generator with its reader of texts and its training speakers."""

    def __init__(self, model: Path | str, encoder: Path | None = None, table: Path | None = None):
        """Load a model directory.

        Args:
            model: directory of a trained generator. encoder: directory of the sentence encoder; None for the installed
                one. table: directory of a generator that gives the same for some texts (`Generator.in_table`).
        """
        self.model = Path(model)
        self.generator = load_generator(table or self.model)
        self.genders = GenderClassifier.read(self.model, self.generator.dim)
        self.encoder_path = encoder
        self.speakers: list[str] | None = None
        means = read_speaker_means(self.model, self.generator.dim)
        if means is not None:
            self.speakers, self._find_nearest = means[0], NearestSpeakers(means[1])

    @cached_property
    def reader(self) -> Reader:
        """The reader of the texts that the model was trained with."""
        return Reader.load(self.model, self.encoder_path)

    @cached_property
    def within(self) -> WithinSpeaker:
        """How utterances of one speaker differ. Raises InputError where the model does not know."""
        generator = self.generator
        return WithinSpeaker.load(
            self.model, generator.inner.dim if isinstance(generator, ManifoldGenerator) else generator.dim
        )

    def sample(
        self,
        text: str,
        n: int,
        seed: int = 0,
        utts_per_speaker: int = 1,
        mix_text: str | None = None,
        mix: float = 0.5,
        mix_by: str = BY_TRANSPORT,
    ) -> np.ndarray:
        """Draw n speakers for a text, the same as the command draws.

        What the reader warns of is logged.

        Args:
            mix_text, mix, mix_by: a second text, how far the speakers are on the way to it, and the way.

        Returns:
            (n, D) float32; of speakers with several utterances (n, U, D).
        """
        if not 1 <= n <= MOST_SAMPLES:
            raise InputError(f"n {brief(n)}: expected a number of speakers, 1 to {MOST_SAMPLES}")
        if not 1 <= utts_per_speaker <= MOST_UTTERANCES:
            raise InputError(
                f"utts_per_speaker {brief(utts_per_speaker)}: expected a number from 1 to {MOST_UTTERANCES}"
            )
        request = SampleRequest("text", require_text(text, "text"), n, mix=checked_mix(mix_text, mix, mix_by))
        requests, vectors = read_requests(self.reader, [request])
        heed_warnings(requests, strict=False)
        settings = SamplingSettings(seed=seed, utts_per_speaker=utts_per_speaker)
        x = np.concatenate([samples.x for samples in self.draw(requests[0], vectors[0], settings)])
        return x if utts_per_speaker == 1 else x.reshape(n, utts_per_speaker, -1)

    def draw(
        self,
        request: SampleRequest,
        vector: np.ndarray,
        settings: SamplingSettings,
        numbers: Iterable[int] | None = None,
    ) -> Iterator[Samples]:
        """Draw the samples of one request, the chunks of these numbers, or all.

        Args:
            vector: (E,) of the text, or (2, E) of both texts of a mix.
        """
        vectors = np.atleast_2d(vector)
        self._check_text(vectors, request)
        mixture = mixture_of(self.generator, request, vector)
        tempered = mixture.tempered(settings.weight_temperature, settings.spread_temperature)
        chunks = chunks_of(request, settings)
        for number in range(len(chunks)) if numbers is None else numbers:
            rng = np.random.default_rng(_entropy(settings.seed, request, number))
            n = len(chunks[number])
            if settings.distance_to_train or settings.distance_to_others:
                x, component = self._draw_apart(tempered, rng, n, settings, request)
            else:
                x, component = self._draw_speakers(tempered, rng, n, settings.utts_per_speaker)
            self._check(x.reshape(-1, x.shape[2]), request, chunks[number].start, settings)
            samples = self._describe(mixture, request, chunks[number].start, x, component)
            read_as, *others = map(self.generator.layout.read_as, vectors)
            yield samples._replace(read_as=read_as, mix_read_as=others[0] if others else {})

    def _check_text(self, vectors: np.ndarray, request: SampleRequest) -> None:
        """Raise InputError for text vectors that the generator does not take."""
        if vectors.shape[1] != self.generator.text_dim:
            raise InputError(
                f"{request.text_id}: a text vector of {vectors.shape[1]} dimensions, {self.model} takes"
                f" {self.generator.text_dim}; encode the texts with the encoder that it was trained with"
            )
        check_embeddings(vectors, lambda row: f"the text vector of {request.text_id}")

    def _check(self, x: np.ndarray, request: SampleRequest, first: int, settings: SamplingSettings) -> None:
        """Raise InputError for a sample among x (n, D) that is no embedding, as of a huge temperature."""
        check_embeddings(
            x,
            lambda row: (
                f"{self.model}: sample {first + row // settings.utts_per_speaker + 1} of {request.text_id}, at the"
                " temperatures"
                f" {settings.weight_temperature:g} (weights) and {settings.spread_temperature:g} (spread)"
            ),
        )

    def _describe(
        self, mixture: Mixture, request: SampleRequest, first: int, x: np.ndarray, component: np.ndarray
    ) -> Samples:
        nearest = distance = density = None
        means, flat = means_of(x), x.reshape(-1, x.shape[2])
        if self.speakers:
            nearest, distance = self._find_nearest(means)
        if self.generator.has_density:
            density = self._density(mixture, request, flat).reshape(x.shape[:2]).mean(axis=1)
        judged = self.genders.female(means) if self.genders and request.gender is None else None
        return Samples(request, first, flat, component, density, nearest, distance, judged)

    def _density(self, mixture: Mixture, request: SampleRequest, x: np.ndarray) -> np.ndarray:
        density = np.concatenate([mixture.log_density(x[start : start + ROWS]) for start in range(0, len(x), ROWS)])
        if not np.isfinite(density).all():
            raise InputError(f"{self.model}: the density at samples of {request.text_id} is not finite; train it again")
        return density

    def _draw_speakers(
        self, mixture: Mixture | Blend | MappedMixture, rng: np.random.Generator, n: int, utts_per_speaker: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw n speakers. Returns their utterances (n, U, D) float32 and the component (n,) of each speaker."""
        if utts_per_speaker == 1:
            x, component = mixture.sample(rng, n)
            return x[:, None], component
        inner = mixture.inner if isinstance(mixture, MappedMixture) else mixture
        if not isinstance(inner, Mixture | Blend):
            raise InputError(
                f"{self.model}: a generator of the kind {self.generator.kind!r} has no components to draw utterances"
                " of; sample one utterance a speaker"
            )
        return self.within.sample_embeddings(mixture, rng, n, utts_per_speaker)

    def _draw_apart(
        self, mixture: Mixture, rng: np.random.Generator, n: int, settings: SamplingSettings, request: SampleRequest
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw n speakers whose means keep distances, by rejection. Raises InputError after `max_tries` rounds."""
        if settings.distance_to_train and not self.speakers:
            raise InputError(f"{self.model}: holds no training speakers to keep a distance from; train it with them")
        each = settings.utts_per_speaker
        kept = np.empty((0, each, self.generator.dim), dtype=np.float32)
        components = np.empty(0, dtype=np.int64)
        for _ in range(settings.max_tries):
            x, component = self._draw_speakers(mixture, rng, n, each)
            good = self._far_enough(means_of(x), means_of(kept), settings)[: n - len(kept)]
            kept, components = np.concatenate([kept, x[good]]), np.concatenate([components, component[good]])
            if len(kept) == n:
                return kept, components
        raise InputError(
            f"{request.text_id}: only {len(kept)} of {n} samples keep a distance of {settings.distance_to_train} to"
            f" training speakers and {settings.distance_to_others} to each other in {settings.max_tries} tries;"
            " allow smaller distances, or more --max_tries"
        )

    def _far_enough(self, x: np.ndarray, kept: np.ndarray, settings: SamplingSettings) -> np.ndarray:
        """Numbers of the rows of x (n, D) that keep their distances from speakers, `kept` (m, D) and each other."""
        far = np.ones(len(x), dtype=bool)
        if settings.distance_to_train:
            far &= self._find_nearest(x)[1] >= settings.distance_to_train
        if not settings.distance_to_others:
            return np.flatnonzero(far)
        unit = unit_rows(x)
        if len(kept):
            far &= (1 - unit @ unit_rows(kept).T).min(axis=1) >= settings.distance_to_others
        close = 1 - unit @ unit.T < settings.distance_to_others
        good: list[int] = []
        for row in np.flatnonzero(far):
            if not close[row, good].any():
                good.append(int(row))
        return np.array(good, dtype=np.int64)


def _entropy(seed: int, request: SampleRequest, chunk: int) -> list[int]:
    digest = hashlib.sha256(json.dumps([seed, request.text_id, request.drawn_as, chunk]).encode()).digest()
    return list(np.frombuffer(digest, dtype=np.uint32))
