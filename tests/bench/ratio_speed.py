"""Trials of adapted mixtures beside a loop of scikit-learn's `score` calls: time, equality, and what fast ways lose.

Frames are generated: speakers move the means of a background, and every recording moves them a little more. Times are
of this process's processor; what is compared takes turns. Writes a section of RESULTS.md.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.likelihood_ratios import Movement, RatioScorer
from steps.gmm.map_adaptation import adapt
from steps.gmm.map_options import MapOptions
from steps.gmm.score_options import LINEAR, LLR, METHODS, SELECTED
from steps.gmm.statistics import FrameScorer
from steps.metrics.detection import DetCurve, equal_error_rate
from steps.metrics.trial_files import read_trial_scores, read_trials
from steps.training.heap import freed_memory_kept
from tests.bench.results import PATH, Row, command_line, record, table, target
from tests.bench.timing import require_one_thread, spread, take_turns
from utils.command import run_command
from utils.options import option

TITLE = "Likelihood ratios of trials"
GOALS, EQUAL = {LLR: 2.5, SELECTED: 6, LINEAR: 50}, 1e-4
LOOP = "loop of score calls"
ENROLMENT = 3  # recordings
KINDS = ("IC", "TW", "IW")  # of trials that are no targets: impostor or target, correct or wrong sentence


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    tests: int = option(240, "test recordings; all models claim each", least=2, most=10**6)
    frames: int = option(200, "of a recording", least=2, most=10**5)
    speakers: int = option(40, "models", least=2, most=10**4)
    dim: int = option(60, "features", least=1, most=1000)
    components: int = option(1024, "Gaussians", least=2, most=65536)
    looped: int = option(12, "trials of the loop that are timed", least=1, most=10**6)
    rounds: int = option(3, "how often everything is timed", least=1, most=100)
    trials: Path | None = option(None, "real trials, whose error rates are compared too")
    scores: Path | None = option(None, "their scores: a directory with gmm_llr, gmm_selected and gmm_linear")
    results: Path = option(PATH, "file whose section is written")


class Generated:
    """A background, models of speakers, and test recordings of them by turns."""

    def __init__(self, options: Options):
        self.options, self.rng = options, np.random.default_rng(0)
        c = options.components
        means = self.rng.normal(size=(c, options.dim))
        self.ubm = DiagGmm(np.full(c, 1 / c), means, 0.5 * np.exp(0.2 * self.rng.normal(size=means.shape)))
        self.scorer = FrameScorer(self.ubm)
        self.shifts = [0.15 * self.rng.normal(size=means.shape) for _ in range(options.speakers)]
        self.models = [self._model(speaker) for speaker in range(options.speakers)]
        self.tests = [self._recording(number % options.speakers) for number in range(options.tests)]

    def _recording(self, speaker: int) -> np.ndarray:
        """Frames (T, D)."""
        o = self.options
        which = self.rng.integers(0, o.components, o.frames)
        moved = self.ubm.means + self.shifts[speaker] + 0.12 * self.rng.normal(size=o.dim)
        noise = np.sqrt(self.ubm.variances[which]) * self.rng.normal(size=(o.frames, o.dim))
        return (moved[which] + noise).astype(np.float32)

    def _model(self, speaker: int) -> DiagGmm:
        """The background adapted to a speaker."""
        return adapt(self.ubm, self.scorer.sums([self._recording(speaker) for _ in range(ENROLMENT)]), MapOptions())


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    with freed_memory_kept():  # as in a job, and for both sides
        made = Generated(options)
        movements = [Movement(made.scorer, model) for model in made.models]
        ways = {name: RatioScorer(made.scorer, name) for name in METHODS}
        chosen = [(number % options.tests, number % options.speakers) for number in range(options.looped)]
        loop = loop_of(made, chosen)
        actions: dict[str, Callable[[], object]] = {LOOP: loop}
        actions |= {name: partial(way.means, made.tests, movements) for name, way in ways.items()}
        seconds = take_turns(actions, options.rounds, clock=time.process_time)
    scores = {name: way.means(made.tests, movements) for name, way in ways.items()}
    per_trial = {name: own / (options.tests * options.speakers) for name, own in seconds.items() if name != LOOP}
    per_trial[LOOP] = seconds[LOOP] / options.looped
    rows = rows_of(per_trial, scores, np.array(loop()), chosen, options)
    about = (
        f"{options.tests} recordings of {options.frames} frames of {options.dim} features, each claimed"
        f" by {options.speakers} models of {options.components} Gaussians, one thread; {options.looped} trials of the"
        " loop, each two calls, for the model and the background. Processor time, median and range. Recordings and"
        " models are in memory."
    )
    parts = [about, table(("of", "measured", "goal"), rows)]
    if options.trials and options.scores:
        parts += [
            f"Equal error rates of real trials, {options.trials}, in %:",
            table(("method", *KINDS), real_rows(options.trials, options.scores)),
        ]
    body = "\n\n".join(parts)
    record(options.results, TITLE, command_line("tests.bench.ratio_speed", options), body)


def loop_of(made: Generated, chosen: list[tuple[int, int]]) -> Callable[[], list[float]]:
    """What scores some trials, (test, model) each, as scikit-learn does, one by one."""
    from sklearn.mixture import GaussianMixture

    def theirs(gmm: DiagGmm) -> GaussianMixture:
        found = GaussianMixture(gmm.n_components, covariance_type="diag")
        found.weights_, found.means_, found.precisions_cholesky_ = gmm.weights, gmm.means, 1 / np.sqrt(gmm.variances)
        return found

    ubm, models = theirs(made.ubm), [theirs(model) for model in made.models]
    tests = [frames.astype(np.float64) for frames in made.tests]
    return lambda: [models[model].score(tests[test]) - ubm.score(tests[test]) for test, model in chosen]


def rows_of(
    per_trial: dict[str, np.ndarray],
    scores: dict[str, np.ndarray],
    looped: np.ndarray,
    chosen: list[tuple[int, int]],
    options: Options,
) -> list[Row]:
    """Rows of the table: times, ratios to the loop, differences from it, equal error rates."""
    rows: list[Row] = [(f"a trial, {name}, ms", spread(own, 1e3, 3), "") for name, own in per_trial.items()]
    for name, least in GOALS.items():
        ratio = np.median(per_trial[LOOP]) / np.median(per_trial[name])
        rows.append((f"{LOOP} : {name}", f"{ratio:.1f}", target(ratio, f">= {least}")))
    worst = max(abs(scores[LLR][test, model] - value) for (test, model), value in zip(chosen, looped, strict=True))
    rows.append((f"{LLR}, largest difference from the loop", f"{worst:.1e}", target(worst, f"< {EQUAL:g}")))
    rates = {name: 100 * rate_of(own, options) for name, own in scores.items()}
    rows.append((f"equal error rate, {LLR}, %", f"{rates[LLR]:.2f}", ""))
    for name in (SELECTED, LINEAR):
        rows.append((f"equal error rate, {name}, %", f"{rates[name]:.2f}", f"{rates[name] - rates[LLR]:+.2f}"))
    return rows


def rate_of(scores: np.ndarray, options: Options) -> float:
    """The equal error rate of scores (U, M)."""
    targets = np.arange(options.tests)[:, None] % options.speakers == np.arange(options.speakers)
    return float(equal_error_rate(DetCurve.of(scores.ravel(), targets.ravel())))


def real_rows(listed: Path, scores: Path) -> Iterator[list[str]]:
    """Rows of the table of real trials: targets against each kind of the others."""
    trials = read_trials(listed)
    for name in METHODS:
        found = read_trial_scores(scores / f"gmm_{name}" / "scores", trials)
        row = [name]
        for kind in KINDS:
            rows = trials.targets | (np.array(trials.kinds)[trials.kind] == kind)
            row.append(f"{100 * float(equal_error_rate(DetCurve.of(found[rows], trials.targets[rows]))):.2f}")
        yield row


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
