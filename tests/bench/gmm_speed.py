"""EM of Gaussian mixtures beside scikit-learn and pomegranate: time, likelihoods, memory, two jobs.

Frames are generated. Times are of this process's processor, of what takes turns; those of two jobs are of the clock,
and need a machine that does nothing else. Writes a section of RESULTS.md.
"""

import gc
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.em import update
from steps.gmm.em_options import EmOptions
from steps.gmm.statistics import FrameScorer
from steps.training.heap import freed_memory_kept
from tests.bench.results import PATH, Row, command_line, record, table, target
from tests.bench.timing import require_one_thread, run_module, spread, take_turns
from tests.steps.features.speech import write_speech
from utils.command import run_command
from utils.options import option

TITLE = "EM of Gaussian mixtures"
UTTERANCE = 500  # frames
FREE = EmOptions(variance_floor=0, least_frames=0)  # as scikit-learn does
ITERATIONS = 2  # of a fit of scikit-learn that is timed
PASSES = 10  # whose likelihoods are compared
MEMORY_TARGET, JOBS_TARGET, EQUAL = 1000, 1.7, 1e-4


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    frames: int = option(50_000, "frames whose EM is timed", least=100, most=10**7)
    many: int = option(500_000, "frames of whole trainings, for memory and two jobs", least=1000, most=10**8)
    dim: int = option(60, "features", least=1, most=1000)
    components: int = option(1024, "Gaussians", least=2, most=65536)
    rounds: int = option(3, "how often everything is timed", least=1, most=100)
    pomegranate: bool = option(True, "time pomegranate too, which takes longest")
    jobs: bool = option(True, "measure memory and two jobs too")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    warnings.simplefilter("ignore")  # scikit-learn's: two iterations do not converge
    x = make_frames(options.frames, options)
    gmm = trained(x, options)
    head = ("of", "measured", "goal")
    with freed_memory_kept():  # as in a training, and for all programs
        times = time_iterations(x, gmm, options)
    parts = [
        f"{options.frames:,} frames of {options.dim} features, {options.components} diagonal Gaussians, one thread. An"
        " iteration is an E and an M step. Processor time, median and range.",
        table(head, times),
        f"Log-likelihood a frame in {PASSES} iterations, from the same mixture, largest difference from scikit-learn's"
        " in float64:",
        table(head, compare_likelihoods(x, gmm)),
    ]
    if options.jobs:
        with tempfile.TemporaryDirectory() as name:
            parts += [
                "Whole trainings from one Gaussian on, data on disk:",
                table(head, measure_jobs(Path(name), options)),
            ]
    record(options.results, TITLE, command_line("tests.bench.gmm_speed", options), "\n\n".join(parts))


def make_centres(options: Options) -> np.ndarray:
    """Centres (components, dim) of the frames, some deviations apart."""
    return 0.4 * np.random.default_rng(0).normal(size=(options.components, options.dim))


def make_frames(n: int, options: Options) -> np.ndarray:
    """Frames (n, dim) float32 around as many centres as there are Gaussians."""
    centres, rng = make_centres(options), np.random.default_rng(1)
    deviations = 0.7 * np.exp(0.2 * rng.normal(size=centres.shape))
    which = rng.integers(0, options.components, n)
    return (centres[which] + deviations[which] * rng.normal(size=(n, options.dim))).astype(np.float32)


def trained(x: np.ndarray, options: Options) -> DiagGmm:
    """A mixture after three iterations from means near the centres; from others some would end at single frames."""
    c = options.components
    means = make_centres(options) + 0.1 * np.random.default_rng(2).normal(size=(c, options.dim))
    gmm = DiagGmm(np.full(c, 1 / c), means, np.ones((c, options.dim)))
    for _ in range(3):
        gmm = update(gmm, FrameScorer(gmm).sums([x]), x.var(axis=0, dtype=float), EmOptions(least_frames=0)).gmm
    return gmm


def time_iterations(x: np.ndarray, gmm: DiagGmm, options: Options) -> list[Row]:
    """Time an iteration of each program. Returns rows of a table."""
    exact = x.astype(np.float64)
    actions: dict[str, Callable[[], object]] = {
        "ours, float32": lambda: iterate(gmm, x, np.float32),
        "ours, float64": lambda: iterate(gmm, x, np.float64),
        "scikit-learn, fit": lambda: theirs(gmm, exact.dtype, ITERATIONS).fit(exact),
        "scikit-learn, bare steps": lambda: bare_steps(theirs(gmm, exact.dtype, 1), exact),
        "scikit-learn, bare steps of float32": lambda: bare_steps(theirs(gmm, x.dtype, 1), x),
    }
    if options.pomegranate:
        actions["pomegranate"] = of_pomegranate(gmm, x)
    # what pomegranate leaves is collected between the turns, in nobody's time
    seconds = take_turns(actions, options.rounds, between=gc.collect, clock=time.process_time)
    seconds["scikit-learn, fit"] = seconds["scikit-learn, fit"] / ITERATIONS
    goals = {"scikit-learn, fit": 5, "scikit-learn, bare steps": 2.5, "pomegranate": 20}
    ours = np.median(seconds["ours, float32"])
    rows: list[Row] = [(f"an iteration, {name}, s", spread(own, digits=2), "") for name, own in seconds.items()]
    for name, least in goals.items():
        if name in seconds:
            ratio = np.median(seconds[name]) / ours
            rows.append((f"{name} : ours, float32", f"{ratio:.1f}", target(ratio, f">= {least}")))
    ratio = np.median(seconds["scikit-learn, bare steps of float32"]) / ours
    return [*rows, ("scikit-learn, bare steps of float32 : ours, float32", f"{ratio:.1f}", "")]


def iterate(gmm: DiagGmm, x: np.ndarray, dtype: type) -> DiagGmm:
    """An iteration of ours."""
    import torch

    sums = FrameScorer(gmm, dtype=torch.float32 if dtype is np.float32 else torch.float64).sums([x])
    return update(gmm, sums, np.ones(gmm.dim), FREE).gmm


def theirs(gmm: DiagGmm, dtype: np.dtype, iterations: int):
    """A mixture of scikit-learn that begins with ours."""
    from sklearn.mixture import GaussianMixture

    weights, means, precisions = (own.astype(dtype) for own in (gmm.weights, gmm.means, 1 / gmm.variances))
    begin = {"weights_init": weights / weights.sum(), "means_init": means, "precisions_init": precisions}
    found = GaussianMixture(gmm.n_components, covariance_type="diag", max_iter=iterations, tol=0, reg_covar=0, **begin)
    found.weights_, found.means_ = begin["weights_init"], means
    found.precisions_cholesky_ = np.sqrt(precisions)
    return found


def bare_steps(model, x: np.ndarray) -> float:
    """An E and an M step of scikit-learn. Returns the log-likelihood a frame."""
    likelihood, log_posteriors = model._e_step(x)
    model._m_step(x, log_posteriors)
    return float(likelihood)


def of_pomegranate(gmm: DiagGmm, x: np.ndarray) -> Callable[[], object]:
    """What makes an iteration of pomegranate."""
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    def normal(mean: np.ndarray, variance: np.ndarray) -> Normal:
        return Normal(mean.astype(np.float32), variance.astype(np.float32), covariance_type="diag")

    frames = torch.from_numpy(x)

    def iteration() -> None:
        normals = [normal(*pair) for pair in zip(gmm.means, gmm.variances, strict=True)]
        model = GeneralMixtureModel(normals, priors=gmm.weights.astype(np.float32))
        model.summarize(frames)
        model.from_summaries()

    return iteration


def compare_likelihoods(x: np.ndarray, gmm: DiagGmm) -> list[Row]:
    """Run the same iterations. Returns rows of a table."""
    import torch

    exact = x.astype(np.float64)
    model = theirs(gmm, exact.dtype, 1)
    expected = [bare_steps(model, exact) for _ in range(PASSES)]
    rows = []
    for dtype in (torch.float64, torch.float32):
        own, worst = gmm, 0.0
        for likelihood in expected:
            sums = FrameScorer(own, dtype=dtype).sums([x])
            worst = max(worst, abs(sums.log_likelihood / sums.n_frames - likelihood))
            own = update(own, sums, np.ones(own.dim), FREE).gmm
        name = str(dtype).removeprefix("torch.")
        rows.append((f"ours, {name}", f"{worst:.1e}", target(worst, f"< {EQUAL:g}") if name == "float64" else ""))
    return rows


def measure_jobs(directory: Path, options: Options) -> list[Row]:
    """Train on a quarter, a half and all of many frames, and on all by two jobs. Returns rows of a table."""
    rows: list[Row] = []
    for part in (4, 2, 1):
        n = options.many // part
        feats = write_frames(directory / f"feats{part}", n, options)
        child = run_module("steps.gmm.train_ubm", *words(feats, directory / f"ubm{part}", options))
        goal = target(child.megabytes, f"< {MEMORY_TARGET}") if part == 1 else ""
        rows.append((f"peak of a training on {n:,} frames, MB", f"{child.megabytes:.0f}", goal))
    found = {nj: time_jobs(feats, directory / f"by{nj}", nj, options) for nj in (1, 2)}
    for nj, (clock, processor) in found.items():
        times = f"{clock:.1f}, {processor:.1f}"
        rows.append(
            (
                f"passes over {options.many:,} frames, jobs: {nj}; s of the clock, and of the busiest job's processor",
                times,
                "",
            )
        )
    by_clock, by_processor = (one / two for one, two in zip(*found.values(), strict=True))
    rows.append(("one job : two, by the clock", f"{by_clock:.2f}", target(by_clock, f">= {JOBS_TARGET}")))
    return [*rows, ("one job : the busier of two, processor time", f"{by_processor:.2f}", "")]


def write_frames(feats: Path, n: int, options: Options) -> Path:
    """A directory of features of n frames, all of them speech."""
    frames = make_frames(n, options)
    utterances = np.array_split(frames, max(1, n // UTTERANCE))
    utt2spk = {f"s{number // 100:04d}-{number:07d}": f"s{number // 100:04d}" for number in range(len(utterances))}
    return write_speech(feats, utt2spk, utterances)


def words(feats: Path, out: Path, options: Options) -> list[str]:
    """The words of a short training: a pass after each split."""
    given = {"data": feats, "feats": feats, "out": out, "components": options.components}
    given |= {"passes_per_split": 1, "passes": 2}
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


def time_jobs(feats: Path, out: Path, nj: int, options: Options) -> tuple[float, float]:
    """So many jobs make all passes. Returns seconds of the clock, and of the processor for the busiest job."""
    own = words(feats, out, options)
    run_module("steps.gmm.plan_ubm", *own)
    begin = time.perf_counter()
    with ThreadPoolExecutor(nj) as threads:
        jobs = threads.map(
            lambda job: run_module("steps.gmm.train_ubm", *own, "--nj", nj, "--job", job), range(1, nj + 1)
        )
        busiest = max(job.processor for job in jobs)
    return time.perf_counter() - begin, busiest


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
