"""Does a cohort of sampled speakers help AS-norm as much as one of real speakers of the same size?

Segments of librispeech-251, embedded by Resemblyzer as in egs/librispeech/plda. In each split of the speakers the main
recipe's generator learns from the training speakers and samples new ones; the trials are all pairs of segments of the
test speakers. Their cosines are normalised by cohorts of training speakers and of sampled ones, each drawn several
times. Writes a section of RESULTS.md; what is finished in --work stays finished.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.data.spoken_vectors import SpokenVectors, read_spoken
from steps.metrics.as_norm import CohortScores, as_norm, cohort_scores
from steps.metrics.bootstrap import Replicates, interval, joint_bootstrap
from steps.metrics.detection import Cost, DetCurve, equal_error_rate, min_dcf
from steps.metrics.trials import AllPairs, ScoredTrials
from tests.bench.plda import RECIPE, corpus_directory
from tests.bench.quality import run
from tests.bench.results import PATH, command_line, record, table
from utils.command import logger, progress, run_command
from utils.data_dir import DataDir
from utils.options import option
from utils.vectors import unit_rows

log = logger(__name__)
TITLE = "Cohorts of sampled speakers"
COST = Cost(0.01)
NONE = "no normalisation"


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    corpus: Path | None = option(None, "LibriSpeech; default: that of librispeech-251 below PSEUDOSPEAKERS_DATA")
    work: Path = option(Path("exp/bench/cohort"), "directory for data and models")
    splits: tuple[int, ...] = option((1, 2, 3), "seeds of splits of the speakers")
    size: int = option(100, "speakers of a cohort", least=2, most=10_000)
    cohorts: int = option(5, "draws of each kind of cohort", least=1, most=1000)
    top: int = option(50, "nearest speakers of a cohort that normalise", least=2, most=10_000)
    draws: int = option(200, "of test speakers, for the intervals", least=2, most=100_000)
    results: Path = option(PATH, "file to write the section into")


def work(options: Options) -> None:
    """Train, normalise, write the section."""
    prepare(options)
    found = [judge(options, split) for split in progress(options.splits, len(options.splits), "splits")]
    record(options.results, TITLE, command_line("tests.bench.sampled_cohort", options), section(options, found))


def prepare(options: Options) -> None:
    """Embeddings of all segments, and texts: stages 0 and 1 of the main recipe."""
    words = ["--corpus", "librispeech", "--data_dir", str(corpus_directory(options.corpus).absolute())]
    words += ["--data", str((options.work / "data").absolute()), "--exp", str((options.work / "exp").absolute())]
    words += ["--conf_dir", "conf", "--generators", "conf/generators.txt", "--stop_stage", "1"]
    subprocess.run(["./main.sh", *words], cwd=RECIPE, check=True, stdout=sys.stderr)


def train_and_sample(options: Options, split: int) -> tuple[Path, Path]:
    """Stages 2 to 5 of one split. Returns the directories of its sets and of the samples."""
    from steps.data.build_index import main as build_index
    from steps.data.split_speakers import main as split_speakers
    from steps.generators.sample import main as sample
    from steps.generators.train import main as train

    out, texts = options.work / f"split{split}", options.work / "data" / "descriptions"
    run(split_speakers, "--data", options.work / "data/all", "--out", out, "--split_seed", split, *SHARES)
    run(build_index, "--data", out, "--out", out / "index")
    inputs = ["--index", out / "index", "--descriptions", texts, "--text_vectors", options.work / "exp/text"]
    generators = ["--generators", RECIPE / "conf/generators.txt"]
    run(train, *inputs, "--out", out, *generators, "--name", "mdn", "--use_gpu", "false")
    run(sample, "--model", out / "mdn", "--descriptions", texts, "--n_samples", options.size, "--out", out / "samples")
    return out, out / "samples"


SHARES = ("--fractions", ".5,.05,.45", "--allow_missing_groups", "true")  # train, dev, test


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Vectors of the speakers of each kind of cohort.

    Attributes:
        vectors: kind -> (S, D). women: kind -> (S,) bool.
    """

    vectors: dict[str, np.ndarray]
    women: dict[str, np.ndarray]

    def draw(self, kind: str, size: int, seed: int) -> np.ndarray:
        """Unit vectors (size, D) of speakers, half of them women; all of them where there are no more."""
        rng, women = np.random.default_rng(seed), self.women[kind]
        sides = [np.flatnonzero(women == one) for one in (True, False)]
        rows = [rng.choice(side, min(size // 2, len(side)), replace=False) for side in sides]
        return unit_rows(self.vectors[kind][np.concatenate(rows)].astype(np.float64))


def cohorts_of(real: SpokenVectors, sampled: SpokenVectors, genders: dict[str, str]) -> Cohorts:
    """Real speakers as means of their segments and as one segment each, and sampled speakers."""
    names, means, _ = real.speaker_means()
    first = [int(np.flatnonzero(real.speakers == name)[0]) for name in names]
    women = np.array([genders[name] == "f" for name in names])
    new = np.array([genders[name] == "f" for name in sampled.speakers])
    return Cohorts(
        {REAL: means, ONE: real.x[first], SAMPLED: sampled.x, MANY: sampled.x},
        {REAL: women, ONE: women, SAMPLED: new, MANY: new},
    )


REAL, ONE, SAMPLED, MANY = KINDS = (
    *("real, mean of segments", "real, one segment each"),
    *("sampled", "sampled, ten times as many"),
)
TIMES = {MANY: 10}
Judged = dict[str, list[tuple[DetCurve, Replicates]]]


def judge(options: Options, split: int) -> Judged:
    """The curve, and those of draws of test speakers, of each kind of cohort and of each of its draws."""
    out, samples = train_and_sample(options, split)
    genders = DataDir(options.work / "data/all").table("spk2gender") | DataDir(samples).table("spk2gender")
    cohorts = cohorts_of(read_spoken(out / "train"), read_spoken(samples), genders)
    log.info("split %d: generator trained, speakers sampled", split)
    return compare(read_spoken(out / "test"), cohorts, options)


def compare(test: SpokenVectors, cohorts: Cohorts, options: Options) -> Judged:
    """The same of the pairs of a test set."""
    x = unit_rows(test.x.astype(np.float64))
    found: Judged = {NONE: [curves(pairs(test, x), options)]}
    for kind in KINDS:
        found[kind] = []
        for seed in range(options.cohorts):
            side = cohort_scores(x, cohorts.draw(kind, TIMES.get(kind, 1) * options.size, seed), options.top)
            found[kind].append(curves(pairs(test, x, side), options))
    return found


def pairs(test: SpokenVectors, x: np.ndarray, side: CohortScores | None = None) -> ScoredTrials:
    """All pairs of segments, with cosines, normalised where there are scores of a cohort."""
    blocks = AllPairs(test.speakers)

    def score(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        cosines = x[rows] @ x[columns].T
        if side is None:
            return cosines
        enrol, tests = (CohortScores(*(values[one] for values in side)) for one in (rows, columns))
        return as_norm(cosines, CohortScores(*(values[:, None] for values in enrol)), tests)

    parts = list(blocks.scored(score))
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in ("scores", "targets", *SIDES)]
    return ScoredTrials(*joined, blocks.n_speakers)


SIDES = ("enrol_speakers", "test_speakers")


def curves(trials: ScoredTrials, options: Options) -> tuple[DetCurve, Replicates]:
    """The curve of trials, and those of draws of speakers, the same draws for all cohorts."""
    drawn = joint_bootstrap([trials], options.draws, np.random.default_rng(0))
    return DetCurve.of(trials.scores, trials.targets), drawn


def section(options: Options, found: Sequence[Judged]) -> str:
    """What came out, in words and a table."""
    rows = list(rows_of(found))
    header = ["cohort", "EER, %", "range", "less than without, points", "minDCF(.01)", "range", "less than without"]
    about = ABOUT.format(n_splits=len(found), size=options.size, cohorts=options.cohorts, top=options.top)
    return f"{about}\n\n{table(header, rows)}\n\n{answer(found)}"


def rows_of(found: Sequence[Judged]) -> Iterator[list[str]]:
    """A row a kind of cohort."""
    for kind in (NONE, *KINDS):
        row = [kind]
        for metric, scale, digits in METRICS:
            values = np.array([[scale * metric(curve) for curve, _ in one[kind]] for one in found])
            gain, (low, high) = difference(found, kind, NONE, metric)
            ends = f"{values.min():.{digits}f} to {values.max():.{digits}f}"
            less = f"{scale * gain:+.{digits}f} [{scale * low:+.{digits}f} to {scale * high:+.{digits}f}]"
            row += [f"{values.mean():.{digits}f}", ends, "" if kind == NONE else less]
        yield row


METRICS: tuple[tuple[Any, float, int], ...] = (
    (equal_error_rate, 100, 2),
    (lambda curve: min_dcf(curve, COST), 1, 3),
)


def difference(found: Sequence[Judged], kind: str, other: str, metric: Any) -> tuple[float, tuple[float, float]]:
    """The mean difference of a metric between two kinds over splits and draws of cohorts, and its 95 % interval."""
    values, drawn = [], []
    for name in (kind, other):
        values.append(np.mean([np.mean([metric(curve) for curve, _ in one[name]]) for one in found]))
        drawn.append(np.mean([np.mean([metric(of.curve) for _, of in one[name]], axis=0) for one in found], axis=0))
    return float(values[0] - values[1]), interval(drawn[0] - drawn[1])


def answer(found: Sequence[Judged]) -> str:
    """Whether a sampled cohort does as well as a real one, with the interval of the difference."""
    texts = []
    for other in (REAL, ONE):
        parts = []
        for (metric, scale, digits), name in zip(METRICS, ("points of EER", "of minDCF"), strict=True):
            gain, (low, high) = difference(found, SAMPLED, other, metric)
            bounds = f"[{scale * low:+.{digits}f} to {scale * high:+.{digits}f}]"
            parts.append(f"{scale * gain:+.{digits}f} {bounds} {name}")
        texts.append(f"against `{other}` {' and '.join(parts)}")
    return f"Sampled less real cohorts (below zero, the sampled one is better): {'; '.join(texts)}."


ABOUT = (
    "AS-norm of cosines of Resemblyzer on segments of 1.5 s of librispeech-251. Splits: {n_splits}; half the speakers"
    " train the main recipe's generator and are the real cohorts; the trials are all pairs of segments of 45 % that"
    " neither the generator nor a cohort knows. Cohorts of {size} speakers, half of them women, {cohorts} draws of each"
    " kind; the {top} nearest normalise. Ranges: over splits and draws of cohorts. Brackets: 95 % intervals over test"
    " speakers of the mean difference, with the same draws on both sides; the splits share speakers, so they are a"
    " little narrow. All segments of a speaker are of one session."
)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
