"""All metrics of samples beside real speakers, by name, each with what real speakers reach in the place of the samples.

    comparison = Comparison(SpeakerVectors.of(samples), train, test, seed=0)
    measure("told_apart", comparison)        # {"told_apart": .93, ...}
    reference("told_apart", comparison)      # the same of real training speakers: what a perfect generator reaches
    intervals("told_apart", comparison)      # 95 % over speakers
    permutation_p("distances", comparison)   # how often speakers dealt anew to samples and real are as far out

A metric that lacks an input raises NotMeasured, with the reason. A figure is good where real speakers have it, unless
`better` says "low".
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from steps.metrics.speaker_vectors import Comparison, NotMeasured

HALVES = 20
PERMUTATIONS = 99
CHONG = "Chong and Forsyth 2020"


@dataclass(frozen=True)
class SampleMetric:
    """A metric.

    Attributes:
        function: `module:function` in steps/metrics, of a `Comparison`, which gives figures by name.
        stand_in: the real set that takes the place of the samples for the reference: the one that the function does not
            compare them with.
        better: "near" the reference, or "low".
        needs: what samples must have: "utterances", two or more a speaker; "groups".
        quick: whether it is cheap enough for every score.
        apart: whether half of the training speakers give directions, so that only the others stand in for samples.
        source: of the formula.
    """

    function: str
    stand_in: str
    source: str
    better: str = "near"
    needs: tuple[str, ...] = ()
    quick: bool = False
    apart: bool = False


METRICS: Mapping[str, SampleMetric] = {
    "distances": SampleMetric("sample_figures:distances", "test", "Stanton et al. 2022", quick=True),
    "crowding": SampleMetric("sample_figures:crowding", "train", "Stanton et al. 2022", quick=True),
    "same_speaker": SampleMetric("sample_figures:same_speaker", "test", "Stanton et al. 2022", needs=("utterances",)),
    "trials": SampleMetric("sample_tests:trials", "test", "NIST 2010"),
    "speaker_trials": SampleMetric("sample_tests:speaker_trials", "test", "NIST 2010", needs=("utterances",)),
    "distinctiveness": SampleMetric("sample_tests:distinctiveness", "test", "Noé et al. 2020", needs=("utterances",)),
    "frechet": SampleMetric("sample_figures:frechet", "train", CHONG),
    "frechet_groups": SampleMetric("sample_figures:frechet_groups", "train", CHONG, needs=("groups",)),
    "balls": SampleMetric("sample_figures:balls", "train", "Kynkäänniemi et al. 2019; Naeem et al. 2020", quick=True),
    "groups": SampleMetric("sample_figures:groups", "train", "Naeem et al. 2020", needs=("groups",), quick=True),
    "heard_mix": SampleMetric("sample_tests:heard_mix", "train", "Bishop 2006, 4.3.4"),
    "kernel": SampleMetric("sample_tests:kernel", "train", "Gretton et al. 2012"),
    "told_apart": SampleMetric("sample_tests:told", "train", "Lopez-Paz and Oquab 2017"),
    "energy": SampleMetric("sample_tests:energy", "train", "Gneiting and Raftery 2007", better="low", quick=True),
    "calibration": SampleMetric("sample_tests:calibration", "train", "Gneiting et al. 2008", quick=True),
    "labels": SampleMetric("sample_tests:labels", "train", "Bishop 2006, 4.3.4", needs=("groups",)),
    "memorisation": SampleMetric("sample_figures:memorisation", "test", "Meehan et al. 2020", quick=True),
    "shape": SampleMetric("sample_figures:shape", "train", "Smirnov 1948", quick=True),
    "spread": SampleMetric("sample_figures:spread", "train", "Efron and Tibshirani 1993", quick=True, apart=True),
}


def measure(name: str, comparison: Comparison) -> dict[str, float]:
    """The figures of a metric. Raises NotMeasured where it lacks an input."""
    module, _, function = METRICS[name].function.partition(":")
    return getattr(importlib.import_module(f"steps.metrics.{module}"), function)(comparison)


def reference(name: str, comparison: Comparison) -> dict[str, float]:
    """The same figures of real speakers in the place of the samples, of no more than there are sampled ones."""
    real = comparison.real(METRICS[name].stand_in)
    stand_in = real.samples.dealt(1) if METRICS[name].apart else real.samples
    order = comparison.rng(6).permutation(stand_in.n_speakers)[: comparison.samples.n_speakers]
    return measure(name, replace(real, samples=stand_in.of_speakers(order)))


def half_values(name: str, comparison: Comparison, halves: int = HALVES) -> dict[str, np.ndarray]:
    """The figures (halves,) of random halves of the speakers of all sets.

    Their deviation is the standard error of the figure of all speakers: of half of n, without replacement, the variance
    is that of n times n / d - 1 = 1, with d = n / 2 left out (J. Shao and C. Wu, "A general theory for jackknife
    variance estimation", Annals of Statistics 17, 1989). A bootstrap would copy speakers, and a copy is its own nearest
    neighbour. Those of two systems with the same real sets and seed are paired.
    """
    found = [one for one in (_of_half(name, comparison, number) for number in range(halves)) if one]
    if len(found) < 2:
        raise NotMeasured("half of the speakers are too few for this metric, so that it has no interval")
    return {figure: np.array([one[figure] for one in found if figure in one]) for figure in found[0]}


def _of_half(name: str, comparison: Comparison, number: int) -> dict[str, float]:
    """The figures of a half; none where it has too few speakers."""
    try:
        return measure(name, comparison.half(number))
    except NotMeasured:
        return {}


def intervals(name: str, comparison: Comparison, halves: int = HALVES) -> dict[str, tuple[float, float]]:
    """95 % intervals of the figures over speakers: 1.96 deviations of those of halves to both sides."""
    values, found = half_values(name, comparison, halves), measure(name, comparison)
    widths = {figure: 1.96 * float(values[figure].std(ddof=1)) for figure in found if figure in values}
    return {figure: (found[figure] - width, found[figure] + width) for figure, width in widths.items()}


def permutation_p(name: str, comparison: Comparison, permutations: int = PERMUTATIONS) -> dict[str, float]:
    """How often the speakers of samples and stand-in, dealt anew, have a figure as far out, to either side; at most 1.

    Exact for any metric: where samples are as new real speakers, p values below a level are as frequent as the level
    says (B. Phipson and G. Smyth, "Permutation p-values should never be zero", 2010). As many speakers of both, and one
    row of each where samples have no more, so that they may be exchanged.
    """
    stand_in = METRICS[name].stand_in
    comparison = _exchangeable(comparison, stand_in)
    found = measure(name, comparison)
    drawn = [measure(name, comparison.permuted(stand_in, comparison.rng(4, one))) for one in range(permutations)]
    return {figure: _two_sided(value, np.array([one[figure] for one in drawn])) for figure, value in found.items()}


def _exchangeable(comparison: Comparison, stand_in: str) -> Comparison:
    """As many speakers of the samples as of the stand-in, and one row of each if samples have one."""
    samples, real, rng = comparison.samples, getattr(comparison, stand_in), comparison.rng(5)
    n = min(samples.n_speakers, real.n_speakers)
    if (samples.counts == 1).all():
        real = real.one_each(rng)
    samples, real = (one.of_speakers(rng.permutation(one.n_speakers)[:n]) for one in (samples, real))
    return replace(comparison, samples=samples, **{stand_in: real})


def _two_sided(value: float, drawn: np.ndarray) -> float:
    slack = 1e-9 * max(abs(value), 1e-9)
    counts = [np.count_nonzero(side >= -slack) for side in (drawn - value, value - drawn)]
    return min(1.0, 2 * (1 + min(counts)) / (1 + len(drawn)))
