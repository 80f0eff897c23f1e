"""Two ways to compare an enrolment with a test: cosines, and log likelihood ratios of PLDA.

Both are scalar products of a vector of the enrolment, the mean of its utterances, and one of the test.
"""

from pathlib import Path

import numpy as np

from steps.data.enrolments import read_enrolments
from steps.data.spoken_vectors import SpokenVectors
from steps.metrics.plda_files import load_plda
from steps.metrics.trials import TrialPairs
from utils.data_dir import DataDir
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


def with_embeddings(
    pairs: TrialPairs, enrolled: SpokenVectors, tested: SpokenVectors, data: tuple[Path, Path]
) -> tuple[TrialPairs, dict[str, str]]:
    """The pairs both of whose sides have an embedding, and why the others have no score: `enrolment test` -> reason.

    Args:
        data: the data directories of enrolments and tests: a side that is not in these is an InputError.
    """
    models, tests = read_enrolments(data[0]), DataDir(data[1]).utt2spk
    for ids, known, what, where in (
        (pairs.enrolments, models, "model", data[0]),
        (pairs.tests, tests, "test", data[1]),
    ):
        missing = [one for one in ids if one not in known]
        if missing:
            raise InputError(f"{where}: {missing[0]}: no such {what} ({len(missing)} such)")
    has_model, has_test = set(enrolled.speakers), set(tested.utterances)
    sides = np.array([one in has_model for one in pairs.enrolments])[pairs.enrol]
    heard = np.array([one in has_test for one in pairs.tests])[pairs.test]
    kept = np.flatnonzero(sides & heard)
    if not len(kept):
        raise InputError(f"{data[1]}: no trial has embeddings of both sides; extract them")
    lost = {
        pairs.name(number): "test_without_embedding" if sides[number] else "model_without_embedding"
        for number in np.flatnonzero(~(sides & heard)).tolist()
    }
    return _some(pairs, kept), lost


def _some(pairs: TrialPairs, rows: np.ndarray) -> TrialPairs:
    """Some (R,) of the pairs, with the enrolments and tests that they name alone."""
    (enrolments, enrol), (tests, test) = (
        np.unique(side[rows], return_inverse=True) for side in (pairs.enrol, pairs.test)
    )
    names = [pairs.enrolments[one] for one in enrolments.tolist()], [pairs.tests[one] for one in tests.tolist()]
    return TrialPairs(*names, enrol, test)
