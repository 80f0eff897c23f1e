"""Two ways to compare an enrolment with a test: cosines, and log likelihood ratios of PLDA.

Both are scalar products of a vector of the enrolment, the mean of its utterances, and one of the test.
"""

from pathlib import Path

import numpy as np

from steps.data.spoken_vectors import SpokenVectors
from steps.metrics.plda_files import load_plda
from steps.metrics.trials import TrialPairs
from utils.errors import InputError
from utils.vectors import unit_rows

Sides = tuple[np.ndarray, np.ndarray]  # vectors of enrolments (E, F) and of tests (T, F)


class CosineScorer:
    """Cosines of the mean enrolment and the test."""

    def prepare(self, spoken: SpokenVectors) -> SpokenVectors:
        """The embeddings as they are averaged."""
        return spoken._replace(x=spoken.x.astype(np.float64))

    def enrolment_side(self, means: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Vectors (E, F) of means (E, D) of `counts` (E,) prepared embeddings."""
        return unit_rows(means)

    def test_side(self, x: np.ndarray) -> np.ndarray:
        """Vectors (T, F) of prepared embeddings x (T, D)."""
        return unit_rows(x)


class PldaScorer:
    """Log likelihood ratios, in nats, of the model in a directory of `steps.verify.train_plda`."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.transform, self.model = load_plda(directory)
        self.enrolment_side, self.test_side = self.model.enrolment_side, self.model.test_side

    def prepare(self, spoken: SpokenVectors) -> SpokenVectors:
        """The embeddings as they are averaged."""
        dim = len(self.transform.mean)
        if dim != spoken.x.shape[1]:
            raise InputError(
                f"{self.directory}: trained on {dim} dimensions, the embeddings have {spoken.x.shape[1]}; train it on"
                " embeddings of the same kind"
            )
        return spoken._replace(x=self.transform(spoken.x))


Scorer = CosineScorer | PldaScorer


def sides(scorer: Scorer, pairs: TrialPairs, enrolled: SpokenVectors, tested: SpokenVectors, where: Path) -> Sides:
    """Vectors of the enrolments, which are speakers of `enrolled`, and of the tests, utterances of `tested`."""
    rows = tested.rows()
    missing = [test for test in pairs.tests if test not in rows]
    if missing:
        raise InputError(f"{where}: {missing[0]}: no test utterance of this id ({len(missing)} such tests)")
    require_one_kind("tests", tested, enrolled)
    tests = scorer.prepare(tested).x[[rows[test] for test in pairs.tests]]
    names, means, counts = scorer.prepare(enrolled).speaker_means()
    known = {name: number for number, name in enumerate(names)}
    missing = [one for one in pairs.enrolments if one not in known]
    if missing:
        raise InputError(f"{where}: {missing[0]}: no enrolled speaker of this id ({len(missing)} such enrolments)")
    chosen = [known[one] for one in pairs.enrolments]
    return scorer.enrolment_side(means[chosen], counts[chosen]), scorer.test_side(tests)


def cohort_sides(scorer: Scorer, cohort: SpokenVectors, tested: SpokenVectors) -> Sides:
    """The mean of each speaker of a cohort, as an enrolment (C, F) and as a test (C, F), for trials with `tested`."""
    require_one_kind("the cohort", cohort, tested)
    _, means, counts = scorer.prepare(cohort).speaker_means()
    return scorer.enrolment_side(means, counts), scorer.test_side(means)


def require_one_kind(what: str, spoken: SpokenVectors, enrolled: SpokenVectors) -> None:
    """Raise InputError where embeddings have another number of dimensions than those of enrolments."""
    dims = [one.x.shape[1] for one in (enrolled, spoken)]
    if dims[0] != dims[1]:
        raise InputError(f"enrolments have {dims[0]} dimensions, {what} {dims[1]}; use one kind of both")
