"""Normalise scores of any system by those of a cohort of other speakers who say the same sentence (AS-norm).

    python3 -m steps.verify.as_norm_trials --scores exp/01/scores/gmm --enrol_scores exp/01/cohort/gmm_enrol \\
        --test_scores exp/01/cohort/gmm_test --enrol data/enrol_01 --cohort data/cohort_01 --out exp/01/scores/gmm_norm

    s' = ((s - m_e) / d_e + (s - m_t) / d_t) / 2

Reads three directories with `scores`, or such files: of the trials, of their models against recordings of the cohort,
and of models of the cohort against the recordings of the trials. m_e and d_e are mean and standard deviation of the
--cohort_top highest scores of the trial's model; m_t and d_t those of its recording, by models of the cohort alone
whose sentence is that of the trial's model (`model2sent` of --enrol and of --cohort). A side with fewer than
--own_deviation scores, or with equal ones, has the root mean square deviation of all sides: that of three scores would
be chance.

Writes `scores` in the order of the trials, failures.tsv of those without a score, and as_norm.json, which counts.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from utils.command import logger, run_command
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    import numpy as np

    from steps.metrics.as_norm import CohortScores

log = logger(__name__)
FEW_SPEAKERS = 20  # of a cohort, below which a warning says how many there are


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.as_norm_trials"
    scores: Path = option(help="directory of scores of the trials, or a file `model utterance score`")
    enrol_scores: Path = option(help="the same of the models against recordings of the cohort")
    test_scores: Path = option(help="the same of models of the cohort against the recordings of the trials")
    out: Path = option(help="directory to write")
    enrol: Path | None = option(None, "data directory of the models; model2sent says their sentences")
    cohort: Path | None = option(None, "data directory of the cohort, with model2sent and utt2spk")
    cohort_top: int = option(300, "highest scores of a side, at most", least=2, most=10**6)
    own_deviation: int = option(30, "scores that a side needs for a deviation of its own", least=2, most=10**6)
    missing: str = option(
        "error", "of a side without scores of the cohort; mean: it has the mean of all sides", choices=("error", "mean")
    )
    force: bool = option(False, "normalise again even if nothing has changed")


def work(options: Options) -> None:
    """Normalise and commit the directory."""
    if (options.enrol is None) != (options.cohort is None):
        raise InputError("expected both --enrol and --cohort, whose model2sent say the sentences, or none of the two")
    files = [_file(one) for one in (options.scores, options.enrol_scores, options.test_scores)]
    tables = [path / name for path in (options.enrol, options.cohort) if path for name in TABLES]
    failures = files[0].with_name("failures.tsv")
    inputs = [*files, *(path for path in (*tables, failures) if path.is_file())]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from steps.metrics.as_norm import as_norm
        from steps.metrics.trial_files import read_listed_scores, write_scores
        from utils.json_files import json_text

        trials, scores = read_listed_scores(files[0])
        sentences, known = _sentences(options)
        sides = Sides(trials, sentences, known, options)
        enrol, counts = sides.of_models(*read_listed_scores(files[1]), files[1])
        test, others = sides.of_tests(*read_listed_scores(files[2]), files[2])
        write_scores(stage.dir / "scores", trials, as_norm(scores, enrol, test))
        if failures.is_file():
            (stage.dir / failures.name).write_bytes(failures.read_bytes())
        about = {"trials": len(trials), "models": counts, "tests": others}
        (stage.dir / "as_norm.json").write_text(f"{json_text(about, stage.dir, indent=1)}\n", encoding="utf-8")
        log.info("%s: %d trials", stage.final, len(trials))


TABLES = ("utt2spk", "enrol_map", "model2sent")


def _file(path: Path) -> Path:
    """The file of scores of a directory, or the file itself."""
    return path / "scores" if path.is_dir() else path


def _sentences(options: Options) -> tuple[dict[str, str], dict[str, str]]:
    """Model -> sentence of the trials, and of the cohort; empty where the sentences do not count."""
    if options.enrol is None:
        return {}, {}
    from steps.data.enrolments import model_sentences, model_speakers

    own, others = model_speakers(options.enrol), model_speakers(options.cohort)
    both = sorted({*own.values()} & {*others.values()})
    if both:
        raise InputError(
            f"{options.cohort}: {len(both)} speakers of the cohort are in {options.enrol}: {' '.join(both[:5])}; a"
            " cohort is of other speakers"
        )
    n_speakers = len({*others.values()})
    if n_speakers < FEW_SPEAKERS:
        log.warning("%s: a cohort of %d speakers; means and deviations of so few are rough", options.cohort, n_speakers)
    return model_sentences(options.enrol), model_sentences(options.cohort)


@dataclass(frozen=True)
class Sides:
    """What the scores of the cohort say of both sides of the trials."""

    trials: Any
    sentences: Mapping[str, str]
    cohort_sentences: Mapping[str, str]
    options: Options

    def of_models(self, pairs, scores: "np.ndarray", where: Path) -> "tuple[CohortScores, dict[str, int]]":
        """Means and deviations (P,) of the models of the trials, from their scores (N,) against recordings."""
        if self.options.cohort is not None:
            known = DataDir(self.options.cohort).utt2spk
            foreign = [one for one in pairs.tests if one not in known]
            if foreign:
                raise InputError(
                    f"{where}: {foreign[0]}: no utterance of the cohort {self.options.cohort} ({len(foreign)} such)"
                )
        number = {model: side for side, model in enumerate(self.trials.enrolments)}
        codes = [number.get(one, -1) for one in pairs.enrolments]
        return self._sides(codes, pairs.enrol, scores, self.trials.enrol, [*self.trials.enrolments], where)

    def of_tests(self, pairs, scores: "np.ndarray", where: Path) -> "tuple[CohortScores, dict[str, int]]":
        """The same of the recordings, each with the sentence that the trial claims."""
        import numpy as np

        claimed = [_of(self.sentences, one, self.options.enrol) for one in self.trials.enrolments]
        said = [_of(self.cohort_sentences, one, self.options.cohort) for one in pairs.enrolments]
        names = sorted({*claimed, *said})
        number = {test: side for side, test in enumerate(self.trials.tests)}
        tests = np.array([number.get(one, -1) for one in pairs.tests])
        sentence = [np.array([names.index(one) for one in own]) for own in (claimed, said)]
        keys = self.trials.test.astype(np.int64) * len(names) + sentence[0][self.trials.enrol]
        sides, of_trials = np.unique(keys, return_inverse=True)
        found = tests[pairs.test].astype(np.int64) * len(names) + sentence[1][pairs.enrol]
        place = np.searchsorted(sides, found).clip(max=len(sides) - 1)
        codes = np.where((found >= 0) & (sides[place] == found), place, -1)
        labels = [f"{self.trials.tests[key // len(names)]} as {names[key % len(names)]}" for key in sides.tolist()]
        return self._sides(codes, np.arange(len(codes)), scores, of_trials, labels, where)

    def _sides(self, codes, of_scores, scores, of_trials, names, where) -> "tuple[CohortScores, dict[str, int]]":
        """Group scores (N,) by the side that each is of (-1: of none that the trials have)."""
        import numpy as np

        from steps.metrics.as_norm import CohortScores, side_scores

        sides = np.asarray(codes)[of_scores]
        kept = sides >= 0
        empty = np.flatnonzero(np.bincount(sides[kept], minlength=len(names)) == 0)
        if len(empty) and self.options.missing == "error":
            raise InputError(
                f"{where}: no scores of the cohort for {names[empty[0]]} ({len(empty)} of {len(names)} such sides);"
                " score them, or give --missing mean"
            )
        try:
            found, counts = side_scores(
                scores[kept], sides[kept], len(names), self.options.cohort_top, self.options.own_deviation
            )
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        about = {"sides": len(names), "fewest_scores": int(counts.min()), "without_scores": len(empty)}
        about["few_scores"] = int(np.count_nonzero(counts < self.options.own_deviation))
        about["scores_of_no_trial"] = int(np.count_nonzero(~kept))
        return CohortScores(found.means[of_trials], found.deviations[of_trials]), about


def _of(sentences: Mapping[str, str], model: str, where: Path | None) -> str:
    """The sentence of a model; one for all where the sentences do not count."""
    if where is None:
        return ""
    if model not in sentences:
        raise InputError(f"{where / 'model2sent'}: {model}: no line for this model, which has scores")
    return sentences[model]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
