"""New speakers from a trained generator.

    voices = Voices("exp/demo/mdn")
    embeddings = voices.sample("A woman with a deep voice", n=20, seed=0)   # (20, D) float32

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

from steps.generators.contract import load_generator
from steps.generators.gender_classifier import GenderClassifier
from steps.generators.mixture import Mixture
from steps.generators.nearest_speakers import NearestSpeakers
from steps.generators.requests import MOST_SAMPLES, SampleRequest, SamplingSettings, chunks_of
from steps.generators.speaker_means import read_speaker_means
from steps.generators.text_warnings import heed_warnings
from steps.generators.validation import check_embeddings
from steps.text.check import require_text
from steps.text.read import Reader
from utils.errors import InputError, brief
from utils.vectors import unit_rows

ROWS = 1024  # whose densities are worked out at once


class Samples(NamedTuple):
    """A chunk of samples of one text.

    Attributes:
        request: what was asked for. first: number of the first sample, from 0.
        x: (n, D) float32. component: (n,). log_density: (n,) nats, under the generator at temperature 1;
            None where it has no density.
        nearest: (n,) position of the nearest training speaker, and distance: (n,) its cosine distance; or None.
        female: (n,) posterior of being female, by the classifier of the model; None where the request has a gender.
        read_as: attribute -> value or `unsaid` -> posterior, how the text was read; empty where no attributes are.
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

    def sample(self, text: str, n: int, seed: int = 0) -> np.ndarray:
        """Draw n speakers for a text. Returns (n, D) float32, the same as the command draws.

        What the reader warns of is logged.
        """
        if not 1 <= n <= MOST_SAMPLES:
            raise InputError(f"n {brief(n)}: expected a number of speakers, 1 to {MOST_SAMPLES}")
        text = require_text(text, "text")
        reading = self.reader.read([text])
        request = SampleRequest("text", text, n, warnings=tuple(reading.warnings[0]))
        heed_warnings([request], strict=False)
        drawn = self.draw(request, reading.vectors[0], SamplingSettings(seed=seed))
        return np.concatenate([samples.x for samples in drawn])

    def draw(
        self,
        request: SampleRequest,
        vector: np.ndarray,
        settings: SamplingSettings,
        numbers: Iterable[int] | None = None,
    ) -> Iterator[Samples]:
        """Draw the samples of one request for its text vector (E,), the chunks of these numbers, or all."""
        self._check_text(vector, request)
        mixture = self.generator.mixtures(vector[None])[0]
        tempered = mixture.tempered(settings.weight_temperature, settings.spread_temperature)
        chunks = chunks_of(request, settings)
        for number in range(len(chunks)) if numbers is None else numbers:
            rng = np.random.default_rng(_entropy(settings.seed, request, number))
            n = len(chunks[number])
            if settings.distance_to_train or settings.distance_to_others:
                x, component = self._draw_apart(tempered, rng, n, settings, request)
            else:
                x, component = tempered.sample(rng, n)
            self._check(x, request, chunks[number].start, settings)
            samples = self._describe(mixture, request, chunks[number].start, x, component)
            yield samples._replace(read_as=self.generator.layout.read_as(vector))

    def _check_text(self, vector: np.ndarray, request: SampleRequest) -> None:
        """Raise InputError for a text vector that the generator does not take."""
        if vector.shape != (self.generator.text_dim,):
            raise InputError(
                f"{request.text_id}: a text vector of {len(vector)} dimensions, {self.model} takes"
                f" {self.generator.text_dim}; encode the texts with the encoder that it was trained with"
            )
        check_embeddings(vector[None], lambda row: f"the text vector of {request.text_id}")

    def _check(self, x: np.ndarray, request: SampleRequest, first: int, settings: SamplingSettings) -> None:
        """Raise InputError for a sample among x (n, D) that is no embedding, as of a huge temperature."""
        check_embeddings(
            x,
            lambda row: (
                f"{self.model}: sample {first + row + 1} of {request.text_id}, at the temperatures"
                f" {settings.weight_temperature:g} (weights) and {settings.spread_temperature:g} (spread)"
            ),
        )

    def _describe(
        self, mixture: Mixture, request: SampleRequest, first: int, x: np.ndarray, component: np.ndarray
    ) -> Samples:
        nearest = distance = None
        if self.speakers:
            nearest, distance = self._find_nearest(x)
        density = self._density(mixture, request, x) if self.generator.has_density else None
        judged = self.genders.female(x) if self.genders and request.gender is None else None
        return Samples(request, first, x, component, density, nearest, distance, judged)

    def _density(self, mixture: Mixture, request: SampleRequest, x: np.ndarray) -> np.ndarray:
        density = np.concatenate([mixture.log_density(x[start : start + ROWS]) for start in range(0, len(x), ROWS)])
        if not np.isfinite(density).all():
            raise InputError(f"{self.model}: the density at samples of {request.text_id} is not finite; train it again")
        return density

    def _draw_apart(
        self, mixture: Mixture, rng: np.random.Generator, n: int, settings: SamplingSettings, request: SampleRequest
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw n samples that keep their distances, by rejection. Raises InputError after `max_tries` rounds."""
        if settings.distance_to_train and not self.speakers:
            raise InputError(f"{self.model}: holds no training speakers to keep a distance from; train it with them")
        kept = np.empty((0, self.generator.dim), dtype=np.float32)
        components = np.empty(0, dtype=np.int64)
        for _ in range(settings.max_tries):
            x, component = mixture.sample(rng, n)
            good = self._far_enough(x, kept, settings)[: n - len(kept)]
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
    digest = hashlib.sha256(json.dumps([seed, request.text_id, request.text, chunk]).encode()).digest()
    return list(np.frombuffer(digest, dtype=np.uint32))
