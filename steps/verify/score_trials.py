"""Score trials: by PLDA, log likelihood ratios in nats, or by the cosine of the mean enrolment and the test.

    python3 -m steps.verify.score_trials --trials exp/trials --plda exp/plda --out exp/scores/plda

Reads the list --trials/trials, of which the first two columns count, and the data directories --trials/enrol and
--trials/test; each of the three can be named by itself. Enrolments are speakers of the one, tests utterances of the
other. Writes `scores`, a line `enrolment test score` a trial, in their order.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    import numpy as np

    from steps.data.spoken_vectors import SpokenVectors
    from steps.metrics.trials import TrialPairs

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.score_trials"
    trials: Path = option(help="directory of steps.verify.make_trials, or a list of trials, two columns or more")
    out: Path = option(help="directory to write")
    enrol: Path | None = option(None, "data directory whose speakers are the enrolments; default: enrol in --trials")
    test: Path | None = option(None, "data directory whose utterances are the tests; default: test in --trials")
    plda: Path | None = option(None, "directory of steps.verify.train_plda; without it, scores are cosines")
    force: bool = option(False, "score again even if nothing has changed")


def work(options: Options) -> None:
    """Score and commit the directory."""
    listed = options.trials / "trials" if options.trials.is_dir() else options.trials
    enrol, test = (given or listed.parent / name for given, name in ((options.enrol, "enrol"), (options.test, "test")))
    inputs = [listed, *(path / name for path in (enrol, test) for name in ("utt2spk", "xvector.scp"))]
    inputs += [options.plda / "plda.npz"] if options.plda is not None else []
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from steps.data.spoken_vectors import read_spoken
        from steps.metrics.trial_files import read_pairs, write_scores

        pairs = read_pairs(listed)
        enrolled, tested = read_spoken(enrol), read_spoken(test)
        scores = pairs.products(*_sides(pairs, enrolled, tested, options))
        write_scores(stage.dir / "scores", pairs, scores)
        log.info("%s: %d trials of %d enrolments", stage.final, len(pairs), len(pairs.enrolments))


def _sides(pairs: "TrialPairs", enrolled: "SpokenVectors", tested: "SpokenVectors", options: Options) -> tuple:
    """Vectors of the enrolments (E, F) and of the tests (T, F), whose scalar products are the scores."""
    from steps.metrics.plda_files import load_plda
    from utils.vectors import unit_rows

    rows = tested.rows()
    missing = [test for test in pairs.tests if test not in rows]
    if missing:
        raise InputError(f"{options.trials}: {missing[0]}: no test utterance of this id ({len(missing)} such tests)")
    tests = tested.x[[rows[test] for test in pairs.tests]]
    if enrolled.x.shape[1] != tests.shape[1]:
        raise InputError(
            f"enrolments have {enrolled.x.shape[1]} dimensions, tests {tests.shape[1]}; use one kind of both"
        )
    if options.plda is None:
        means, _ = _means(pairs, enrolled, enrolled.x.astype("float64"), options)
        return unit_rows(means), unit_rows(tests.astype("float64"))
    transform, model = load_plda(options.plda)
    if len(transform.mean) != tests.shape[1]:
        raise InputError(
            f"{options.plda}: trained on {len(transform.mean)} dimensions, the embeddings have {tests.shape[1]}; train"
            " it on embeddings of the same kind"
        )
    means, counts = _means(pairs, enrolled, transform(enrolled.x), options)
    return model.enrolment_side(means, counts), model.test_side(transform(tests))


def _means(
    pairs: "TrialPairs", enrolled: "SpokenVectors", x: "np.ndarray", options: Options
) -> tuple["np.ndarray", "np.ndarray"]:
    """The mean (E, D) of the rows of x (N, D) of each enrolment, and how many they are (E,)."""
    import numpy as np

    names, numbers = np.unique(enrolled.speakers, return_inverse=True)
    known = {name: number for number, name in enumerate(names)}
    missing = [one for one in pairs.enrolments if one not in known]
    if missing:
        raise InputError(
            f"{options.trials}: {missing[0]}: no enrolled speaker of this id ({len(missing)} such enrolments)"
        )
    sums = np.zeros((len(names), x.shape[1]))
    np.add.at(sums, numbers, x)
    chosen, counts = [known[one] for one in pairs.enrolments], np.bincount(numbers)
    return sums[chosen] / counts[chosen, None], counts[chosen]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
