"""Score trials by i-vectors of models and tests: cosines, or log likelihood ratios of PLDA in nats.

    python3 -m steps.ivector.score --trials data/test_01/trials --models exp/01/ivectors/enrol \\
        --tests exp/01/ivectors/test --backend exp/01/ivector_backend --kind plda --out exp/01/scores/ivector_gmm_plda

Reads the first two columns of --trials, the directories of steps/ivector/extract.sh, and that of
steps.ivector.train_backend, whose projection and length cosines have too; without it, cosines of the vectors as they
are. Writes

    scores          a line a trial
    failures.tsv    trials that have no score: a side has no i-vector

With --job 2 --nj 4 it makes the parts of one job, as steps/ivector/score.sh has it do; without, what is missing, and
the outputs. They are the same for any number of jobs.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from utils.command import run_command
from utils.errors import InputError
from utils.options import option
from utils.shards import MOST_JOBS, SHARDS_HELP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.data.spoken_vectors import SpokenVectors
    from steps.metrics.trial_shards import Score, Scored
    from steps.metrics.trials import TrialPairs

COSINE, PLDA = "cosine", "plda"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.ivector.score"
    trials: Path = option(help="list of trials, `model utterance`, two columns or more")
    models: Path = option(help="directory of steps/ivector/extract.sh --by model")
    tests: Path = option(help="directory of steps/ivector/extract.sh")
    out: Path = option(help="directory to write")
    backend: Path | None = option(None, "directory of steps.ivector.train_backend")
    kind: str = option(COSINE, "of scores", choices=(COSINE, PLDA))
    max_fail: float = option(0.01, "largest share of trials that may have no score", least=0, most=1)
    shard_trials: int = option(200_000, "trials in a shard: what a killed job does again", least=1, most=10**7)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the outputs", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    force: bool = option(False, "score again even if nothing has changed")


def work(options: Options) -> None:
    """Score the share of this job, or all, and commit the directory."""
    from steps.audio.failures import FAILURES
    from steps.data.spoken_vectors import spoken_files
    from steps.metrics.trial_shards import run_trial_shards

    if options.kind == PLDA and options.backend is None:
        raise InputError("--kind plda: give --backend, a directory of steps.ivector.train_backend")
    sides = (options.models, options.tests)
    inputs = [file for side in sides for file in (*spoken_files(side), side / FAILURES) if file.is_file()]
    inputs += [options.backend / "plda.npz"] if options.backend is not None else []
    run_trial_shards(options, inputs, lambda pairs: prepare(options, pairs))


def prepare(options: Options, pairs: "TrialPairs") -> "Score":
    """What scores trials. Raises InputError where vectors do not go together, or one is neither there nor failed."""
    from steps.data.spoken_vectors import read_spoken
    from steps.metrics.trial_shards import Unscored
    from steps.metrics.trials import TrialPairs

    models, tests = read_spoken(options.models), read_spoken(options.tests)
    if models.x.shape[1] != tests.x.shape[1]:
        raise InputError(
            f"{options.models}: {models.x.shape[1]} dimensions, {options.tests}: {tests.x.shape[1]}; extract both with"
            " one extractor"
        )
    enrol, failed_models = _places(models, pairs.enrolments, options.models, options.trials)
    test, failed_tests = _places(tests, pairs.tests, options.tests, options.trials)
    vectors = _sides(options, models.x, tests.x)

    def score(rows: np.ndarray) -> "Scored":
        one, two = enrol[pairs.enrol[rows]], test[pairs.test[rows]]
        known = (one >= 0) & (two >= 0)
        scores = np.full(len(rows), np.nan)
        listed = TrialPairs(models.utterances, tests.utterances, one[known], two[known])
        scores[known] = listed.products(*vectors)
        failed = {}
        for place in np.flatnonzero(~known).tolist():
            model, tested = pairs.name(rows[place]).split()
            failed[place] = Unscored(*(failed_models.get(model) or failed_tests[tested]))
        return scores, failed

    return score


def _sides(options: Options, models: np.ndarray, tests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of models and of tests, whose scalar products are scores."""
    from steps.metrics.plda_files import load_plda
    from utils.vectors import unit_rows

    if options.backend is None:
        return unit_rows(models.astype(np.float64)), unit_rows(tests.astype(np.float64))
    transform, plda = load_plda(options.backend)
    if len(transform.mean) != models.shape[1]:
        raise InputError(
            f"{options.backend}: trained on {len(transform.mean)} dimensions, the i-vectors have {models.shape[1]};"
            " train it on i-vectors of the same extractor"
        )
    if options.kind == COSINE:
        return unit_rows(transform(models)), unit_rows(transform(tests))
    one_recording = np.ones(len(models))  # the statistics of a model's recordings were pooled
    return plda.enrolment_side(transform(models), one_recording), plda.test_side(transform(tests))


def _places(
    spoken: "SpokenVectors", names: "Sequence[str]", directory: Path, trials: Path
) -> tuple[np.ndarray, dict[str, tuple[str, str]]]:
    """The row of the vector of each name, -1 of those that have failed; and why these have, by name."""
    from steps.audio.failures import FAILURES, read_failures

    rows, path = spoken.rows(), directory / FAILURES
    failed = {name: (reason, detail) for name, reason, detail in read_failures(path)} if path.is_file() else {}
    unknown = [name for name in names if name not in rows and name not in failed]
    if unknown:
        raise InputError(f"{trials}: {unknown[0]}: {directory} has no vector of this name ({len(unknown)} such names)")
    return np.array([rows.get(name, -1) for name in names]), failed


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
