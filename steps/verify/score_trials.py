"""Score trials: by PLDA, log likelihood ratios in nats, or by the cosine of the mean enrolment and the test.

    python3 -m steps.verify.score_trials --trials exp/trials --plda exp/plda --out exp/scores/plda
    python3 -m steps.verify.score_trials --trials exp/trials --embeddings exp/mamba2_embed/open \\
        --as_norm exp/mamba2_embed/train --out exp/scores/mamba2

Reads the list --trials/trials, of which the first two columns count, and the data directories --trials/enrol and
--trials/test; each of the three can be named by itself. Enrolments are speakers of the one, or the models that its
`enrol_map` lists, each of some utterances; tests are utterances of the other. With --embeddings their vectors are read
from that directory, so that several systems score the same trials. With --as_norm scores are normalised by the mean
embeddings of a cohort's speakers (adaptive symmetric normalisation); the cohort may be of sampled speakers. Speakers of
the trials who are in the cohort, or whom the model of the embeddings was trained on, are an error.

Writes `scores`, a line `enrolment test score` a trial, in their order; with --missing list also failures.tsv, the
trials of which a side has no embedding.
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
    from steps.verify.scorers import Scorer, Sides

log = logger(__name__)
ELSEWHERE = 3.0  # deviations of the trials' scores, by which a cohort of the same embeddings does not lie below


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.score_trials"
    trials: Path = option(help="directory of steps.verify.make_trials, or a list of trials, two columns or more")
    out: Path = option(help="directory to write")
    enrol: Path | None = option(
        None, "data directory whose speakers, or models of enrol_map, are the enrolments; default: enrol in --trials"
    )
    test: Path | None = option(None, "data directory whose utterances are the tests; default: test in --trials")
    plda: Path | None = option(None, "directory of steps.verify.train_plda; without it, scores are cosines")
    embeddings: Path | None = option(
        None, "data directory that has the embeddings of all utterances; default: those of --enrol and --test"
    )
    as_norm: Path | None = option(
        None, "normalise by this cohort: data directory of other speakers with xvector.scp, such as those of training"
    )
    cohort_top: int = option(
        300, "as_norm: speakers of the cohort that are nearest to a side, at most", least=2, most=10**6
    )
    missing: str = option(
        "error", "of utterances without an embedding; list: their trials have no score", choices=("error", "list")
    )
    force: bool = option(False, "score again even if nothing has changed")


def work(options: Options) -> None:
    """Score and commit the directory."""
    listed = options.trials / "trials" if options.trials.is_dir() else options.trials
    enrol, test = (given or listed.parent / name for given, name in ((options.enrol, "enrol"), (options.test, "test")))
    with StageDir(options.out, options, _inputs(listed, enrol, test, options), options.force) as stage:
        if stage.done:
            return
        from steps.data.enrolments import ENROL_MAP, model_speakers, vectors_of_models
        from steps.data.spoken_vectors import read_spoken, require_unknown
        from steps.metrics.trial_files import enrolment_speakers, read_pairs, write_scores
        from steps.verify.score_dirs import write_failures
        from steps.verify.scorers import CosineScorer, PldaScorer, sides, with_embeddings

        listed_pairs, may_miss = read_pairs(listed), options.missing == "list"
        enrolled, tested = (read_spoken(one, options.embeddings, may_miss) for one in (enrol, test))
        enrol2spk = enrolment_speakers(listed.parent, listed_pairs.enrolments)
        if (enrol / ENROL_MAP).is_file():
            enrolled, enrol2spk = vectors_of_models(enrolled, enrol), model_speakers(enrol)
        pairs, lost = with_embeddings(listed_pairs, enrolled, tested, (enrol, test)) if may_miss else (listed_pairs, {})
        speakers = {enrol2spk[one] for one in pairs.enrolments if one in enrol2spk} | set(tested.speakers)
        for source in {options.embeddings or enrol, options.embeddings or test}:
            require_unknown(source, speakers)
        scorer = CosineScorer() if options.plda is None else PldaScorer(options.plda)
        both = sides(scorer, pairs, enrolled, tested, options.trials)
        scores = pairs.products(*both)
        if options.as_norm is not None:
            scores = _normalised(scores, pairs, both, tested, scorer, speakers, options)
        write_scores(stage.dir / "scores", pairs, scores)
        if may_miss:
            write_failures(stage.dir, lost)
        log.info("%s: %d trials of %d enrolments", stage.final, len(pairs), len(pairs.enrolments))


def _inputs(listed: Path, enrol: Path, test: Path, options: Options) -> list[Path]:
    """The files that the scores follow from."""
    inputs = [listed]
    if options.embeddings is None:
        inputs += [path / name for path in (enrol, test) for name in ("utt2spk", "xvector.scp")]
    else:
        from steps.data.spoken_vectors import spoken_files

        inputs += [enrol / "utt2spk", test / "utt2spk", *spoken_files(options.embeddings)]
    inputs += [path] if (path := enrol / "enrol_map").is_file() else []
    if options.as_norm is not None:
        from steps.data.spoken_vectors import spoken_files

        inputs += spoken_files(options.as_norm)
    return inputs + ([options.plda / "plda.npz"] if options.plda is not None else [])


def _normalised(
    scores: "np.ndarray",
    pairs: "TrialPairs",
    both: "Sides",
    tested: "SpokenVectors",
    scorer: "Scorer",
    speakers: set[str],
    options: Options,
) -> "np.ndarray":
    """Scores (P,) after AS-norm by the speakers of a cohort, none of whom may be one of the trials' `speakers`."""
    from steps.data.spoken_vectors import read_spoken
    from steps.metrics.as_norm import CohortScores, as_norm, cohort_scores
    from steps.verify.scorers import cohort_sides

    cohort = read_spoken(options.as_norm)
    known = sorted(speakers & set(cohort.speakers))
    if known:
        raise InputError(
            f"{options.as_norm}: {len(known)} speakers of the cohort are in the trials: {' '.join(known[:5])}; a cohort"
            " is of other speakers, such as those of training"
        )
    as_enrolments, as_tests = cohort_sides(scorer, cohort, tested)
    nearness = float(as_enrolments.mean(axis=0) @ both[1].mean(axis=0))  # the mean score of all tests and the cohort
    if nearness < scores.mean() - ELSEWHERE * scores.std():
        log.warning(
            "%s: tests score %.3f with the cohort, %.3f in the trials: is the cohort of embeddings of another network?",
            options.as_norm, nearness, scores.mean(),
        )  # fmt: skip
    found = [
        cohort_scores(one, other, options.cohort_top)
        for one, other in zip(both, (as_tests, as_enrolments), strict=True)
    ]
    of_pairs = [
        CohortScores(*(values[side] for values in one))
        for one, side in zip(found, (pairs.enrol, pairs.test), strict=True)
    ]
    return as_norm(scores, *of_pairs)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
