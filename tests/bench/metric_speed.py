"""Metrics of samples beside the same ones by scikit-learn, prdc and scipy, and all of them on large sets.

Values must agree, and ours be as fast. The large sets are measured in a process of its own. Writes a section of
RESULTS.md.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.metrics.sample_metrics import METRICS
from tests.bench.metrics_at_scale import voices
from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import RUNNER, require_one_thread, spread, take_turns
from utils.command import run_command
from utils.options import option

K = 5
SCALES = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: int = option(3000, "vectors of each set that is compared with other libraries", least=100)
    dim: int = option(512, "D of the vectors", least=8)
    rounds: int = option(3, "how often each is timed", least=1)
    samples: int = option(100_000, "sampled vectors of the large sets", least=1000)
    real: int = option(25_000, "real vectors of the large sets", least=1000)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    header = ("metric", "beside", "largest difference", "ours, s", "theirs, s", "theirs / ours")
    body = [
        f"{options.n:,} vectors of each set, {options.dim} dimensions, in turns, processor time.",
        table(header, beside_others(options)),
        f"All metrics, one process: {options.samples:,} samples (two a speaker) against {options.real:,} real vectors.",
        at_scale(options),
    ]
    record(options.results, "Speed of metrics", command_line("tests.bench.metric_speed", options), "\n\n".join(body))


def beside_others(options: Options) -> list[tuple[str, str, str, str, str, str]]:
    """Rows of the table of other libraries."""
    real, samples = (voices(options.n, options.dim, 1, seed).x for seed in (1, 2))
    rows = []
    for (metric, other), (ours, theirs) in pairs(real, samples).items():
        gap = np.abs(np.asarray(ours()) - np.asarray(theirs())).max()
        seconds = take_turns({"ours": ours, "theirs": theirs}, options.rounds, clock=time.process_time)
        ours_s, theirs_s = (spread(seconds[name], 1, 2) for name in ("ours", "theirs"))
        ratio = f"{np.median(seconds['theirs']) / np.median(seconds['ours']):.1f}"
        rows.append((metric, other, f"{gap:.1g}", ours_s, theirs_s, ratio))
    return rows


def pairs(real: np.ndarray, samples: np.ndarray) -> dict[tuple[str, str], tuple[Callable, Callable]]:
    """(metric, library) -> our function and theirs, which give the same numbers of unit vectors (N, D)."""
    import prdc
    from scipy.linalg import sqrtm
    from scipy.spatial.distance import cdist
    from sklearn.metrics.pairwise import rbf_kernel
    from sklearn.neighbors import NearestNeighbors

    from steps.metrics.coverage import density_and_coverage, precision_and_recall
    from steps.metrics.distances import nearest
    from steps.metrics.energy_score import energy_scores
    from steps.metrics.frechet import Moments, mean_and_covariance
    from steps.metrics.kernel_distance import kernel_test, median_distance

    n = len(real)

    def their_balls() -> list[float]:
        found = prdc.compute_prdc(real, samples, nearest_k=K)
        return [found[name] for name in ("precision", "recall", "density", "coverage")]

    def their_energy() -> np.ndarray:
        return cdist(real, samples).mean(axis=1) - cdist(samples, samples).sum() / (n * (n - 1)) / 2

    def their_frechet() -> float:
        (m1, s1), (m2, s2) = mean_and_covariance(real), mean_and_covariance(samples)
        return (m1 - m2) @ (m1 - m2) + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)

    def their_kernel() -> float:
        pooled = np.concatenate([real, samples])
        median = median_distance(pooled - pooled.mean(axis=0), np.random.default_rng(0))
        total = 0.0
        for scale in SCALES:
            xx, yy, xy = (
                rbf_kernel(a, b, 1 / (2 * (scale * median) ** 2))
                for a, b in ((real, real), (samples, samples), (real, samples))
            )
            total += (xx.sum() - n + yy.sum() - n) / (n * (n - 1)) - 2 * xy.mean()
        return total / len(SCALES)

    def their_nearest() -> np.ndarray:
        return NearestNeighbors(n_neighbors=1, algorithm="brute", metric="cosine").fit(real).kneighbors(samples)[0]

    return {
        ("precision, recall, density, coverage", "prdc"): (
            lambda: [*precision_and_recall(real, samples, K), *density_and_coverage(real, samples, K)],
            their_balls,
        ),
        ("nearest distances", "scikit-learn"): (lambda: nearest(samples, real), their_nearest),
        ("energy score", "scipy"): (lambda: energy_scores(samples, real), their_energy),
        ("Fréchet distance", "scipy"): (lambda: Moments.of(real).distance(samples), their_frechet),
        ("MMD^2, no permutations", "scikit-learn"): (
            lambda: kernel_test(real, samples, np.random.default_rng(0), 0).squared,
            their_kernel,
        ),
    }


def at_scale(options: Options) -> str:
    """All metrics on large sets: a table of seconds, and whether time and memory are within bounds."""
    words = ["--samples", options.samples, "--real", options.real, "--dim", options.dim]
    command = [sys.executable, "-m", "tests.bench.metrics_at_scale", *map(str, words)]
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", RUNNER, *command], capture_output=True, text=True)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    seconds, (kilobytes, processor) = time.perf_counter() - begin, map(float, done.stdout.split()[-2:])
    rows = [words for line in done.stderr.splitlines() if (words := line.split(" ", 2))[0] in METRICS]
    megabytes = kilobytes * 1024 / 1e6
    return "\n\n".join(
        [
            table(("metric", "s of processor time", "not measured"), rows),
            f"Together {seconds:.0f} s ({processor:.0f} s of processor time; {target(seconds, '< 600')}) and"
            f" {megabytes:.0f} MB at most ({target(megabytes, '< 3000')}).",
        ]
    )


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
