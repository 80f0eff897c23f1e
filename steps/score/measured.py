"""The metrics of `steps.metrics.sample_metrics` for a source of samples: figures, intervals, real speakers beside them.

    found = measure_sources({"mdn": SampleSource(comparison)}, names, halves=20, nj=2)["mdn"]
    found["figures"]["crowding.g2g"]    # {"value": .28, "ci95": [.27, .29], "real": .29, ...}

`real` is the ceiling: the same figure with real speakers in the place of the samples, no more of them than sampled.
`floor`, where groups count: real training speakers whose groups were dealt anew, as of a generator that does not
read. Intervals are over speakers, by random halves (see `half_values`), at most `MOST_HALVED` of each set: of more,
they would be narrower. The halves of the real sets are the same for all sources, so that differences are of pairs.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from steps.metrics.sample_metrics import METRICS, SampleMetric, measure, reference
from steps.metrics.significance import holm, p_of_halves
from steps.metrics.speaker_vectors import Comparison, NotMeasured, SpeakerVectors
from steps.score.attribute_metric import AttributeMetric
from steps.score.text_metrics import TextMetrics
from utils.command import progress
from utils.errors import InputError, brief
from utils.forked import map_forked

MOST_HALVED = 2000  # speakers of each set
FEWER_HALVES = {"told_apart": 10, "attributes": 10, "heard_mix": 10, "text_agreement": 0}  # of metrics that take long
GROUPED = ("groups", "frechet_groups", "energy", "calibration", "attributes")  # of groups, where these are known
KINDS = ("quick", "full")
LEVEL = 0.05
ATTRIBUTES = "attributes"
AGREEMENT, PIT = "text_agreement", "pit"
OF_GENERATOR = (AGREEMENT, PIT)  # whose ceiling and floor are the generator's own, not those of real speakers
Figures = dict[str, float]
Function = Callable[[Comparison], Figures]
OWN = SampleMetric("", "train", "Bishop 2006, 4.3.4", better="high", needs=("groups",))
NAMELESS = "labels"  # the same as `attributes`, where nobody knows what the parts of a group's name are called
ALL_METRICS: Mapping[str, SampleMetric] = {name: METRICS[name] for name in METRICS if name != NAMELESS} | {
    ATTRIBUTES: OWN,
    AGREEMENT: SampleMetric("", "test", "Lin 1991", needs=("generator",)),
    PIT: SampleMetric("", "test", "Gneiting et al. 2008", better="low", needs=("generator",)),
}


def chosen_metrics(names: Sequence[str], default: str) -> list[str]:
    """The metrics of --metrics: names, or `quick` or `full` for all of a kind. Raises InputError for others."""
    wanted = list(names) or [default]
    found: list[str] = []
    for name in wanted:
        if name not in (*KINDS, *ALL_METRICS):
            raise InputError(f"--metrics: no metric {brief(name)}; expected {', '.join((*KINDS, *ALL_METRICS))}")
        of_kind = [one for one in ALL_METRICS if name == "full" or ALL_METRICS[one].quick]
        found += of_kind if name in KINDS else [name]
    return list(dict.fromkeys(found))


@dataclass
class Values:
    """What a metric finds: figures by name, their values (halves,) of halves of the speakers; or why nothing."""

    figures: Figures = field(default_factory=dict)
    halves: dict[str, np.ndarray] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class SampleSource:
    """Samples beside real speakers.

    Attributes:
        attributes: the metric of attributes, where these are judged. texts: those of a generator, where one is scored.
    """

    comparison: Comparison
    attributes: AttributeMetric | None = None
    texts: TextMetrics | None = None

    def size(self, name: str) -> int:
        """How many real speakers stand in the place of the samples, which decides the figures of these."""
        stand_in = getattr(self.comparison, ALL_METRICS[name].stand_in)
        return min(self.comparison.samples.n_speakers, stand_in.n_speakers)

    def sampled(self, name: str, comparison: Comparison) -> Figures:
        """The figures of samples."""
        if name in OF_GENERATOR:
            return self._of_generator(name, comparison, "sampled")
        return self._attributes(comparison) if name == ATTRIBUTES else measure(name, comparison)

    def real(self, name: str, comparison: Comparison) -> Figures:
        """The figures of real speakers in the place of the samples."""
        if name in OF_GENERATOR:
            return self._of_generator(name, comparison, "real")
        return self._attributes(_of_same_groups(comparison)) if name == ATTRIBUTES else reference(name, comparison)

    def blind(self, name: str, comparison: Comparison) -> Figures:
        """The figures of real training speakers whose groups were dealt anew; none where groups do not count."""
        if name in OF_GENERATOR:
            return self._of_generator(name, comparison, "blind")
        train = comparison.train
        if name not in GROUPED or train.groups is None or comparison.samples.groups is None:
            return {}
        dealt = SpeakerVectors(train.x, train.speakers, comparison.rng(7).permutation(train.groups))
        return self.sampled(name, replace(comparison, samples=dealt))

    def _of_generator(self, name: str, comparison: Comparison, role: str) -> Figures:
        if self.texts is None:
            raise NotMeasured("samples without the generator and the texts that they are of; score the model itself")
        return (self.texts.agreement if name == AGREEMENT else self.texts.pit)(comparison, role)

    def _attributes(self, comparison: Comparison) -> Figures:
        if self.attributes is None:
            raise NotMeasured("no attributes are judged")
        return self.attributes(comparison)


def measure_sources(
    sources: Mapping[str, SampleSource], names: Sequence[str], halves: int, nj: int
) -> dict[str, dict[str, Any]]:
    """All metrics of each source of samples, computed `nj` at a time.

    Returns:
        source -> figures (see above), skipped (metric -> reason), halves (figure -> values of halves of the speakers).
    """
    tasks: dict[tuple, Callable[[], Values]] = {}
    for source, one in sources.items():
        for name in names:
            drawn = min(halves, FEWER_HALVES.get(name, halves))
            tasks[source, name] = partial(values_of, partial(one.sampled, name), one.comparison, drawn)
            real, key = beside(source, name, one)
            tasks.setdefault(real, partial(values_of, partial(one.real, name), one.comparison, drawn))
            tasks.setdefault(key, partial(values_of, partial(one.blind, name), one.comparison, 0))
    for one in sources.values():
        _ = one.comparison.train.whitening  # before there are forks
    done = progress(map_forked(lambda task: task(), list(tasks.values()), nj), len(tasks), "measuring")
    found = dict(zip(tasks, done, strict=True))
    return {source: _of_source(found, source, one, names) for source, one in sources.items()}


def beside(source: str, name: str, one: SampleSource) -> tuple[tuple, tuple]:
    """What names the ceiling and the floor of a metric, which sources share where they are those of real speakers."""
    if name in OF_GENERATOR:
        return ("real", name, source), ("blind", name, source)
    groups = one.comparison.samples.groups if name == ATTRIBUTES else None
    asked = None if groups is None else tuple(np.unique(groups).tolist())
    return ("real", name, one.size(name), asked, id(one.comparison.test)), ("blind", name, id(one.comparison.test))


def _of_same_groups(comparison: Comparison) -> Comparison:
    """Real training speakers in the place of the samples, those of groups that samples have."""
    real, groups = comparison.real("train"), comparison.samples.groups
    if groups is None or real.samples.groups is None:
        return real
    return replace(real, samples=real.samples.rows(np.isin(real.samples.groups, np.unique(groups))))


def values_of(function: Function, comparison: Comparison, halves: int) -> Values:
    """The figures of a metric, and those of halves."""
    try:
        figures = function(comparison)
    except (NotMeasured, InputError) as error:
        return Values(reason=str(error))
    cut = _cut(comparison)
    try:
        drawn = [function(cut.half(number)) for number in range(halves)]
    except (NotMeasured, InputError):  # a half is too small for it: no interval
        drawn = []
    known = {figure: value for figure, value in figures.items() if math.isfinite(value)}
    unknown = ", ".join(sorted(figures.keys() - known))
    values = {figure: np.array([one.get(figure, math.nan) for one in drawn]) for figure in known if drawn}
    sure = {figure: drawn for figure, drawn in values.items() if np.isfinite(drawn).all() and not is_p_value(figure)}
    return Values(known, sure, f"no finite number for these vectors: {unknown}" if unknown else "")


def is_p_value(figure: str) -> bool:
    """Is this figure a p value, which says itself what it proves? It has no interval, and is not compared."""
    return figure.endswith("_p")


def _cut(comparison: Comparison) -> Comparison:
    sets = {}
    for place, what in enumerate(("samples", "train", "test")):
        one = getattr(comparison, what)
        order = comparison.rng(8, place).permutation(one.n_speakers)[:MOST_HALVED]
        sets[what] = one if one.n_speakers <= MOST_HALVED else one.of_speakers(order)
    return Comparison(**sets, seed=comparison.seed)


def _of_source(found: Mapping[tuple, Values], source: str, one: SampleSource, names: Iterable[str]) -> dict[str, Any]:
    figures, skipped, halves = {}, {}, {}
    for name in names:
        mine = found[source, name]
        real, blind = (found[key] for key in beside(source, name, one))
        if mine.reason:
            skipped[name] = mine.reason
        for figure, value in mine.figures.items():
            key = name if figure == name else f"{name}.{figure}"
            figures[key] = _beside(value, mine, real, blind, figure) | {"better": ALL_METRICS[name].better}
            if figure in mine.halves and figure in real.halves:
                halves[key] = {"samples": mine.halves[figure].tolist(), "real": real.halves[figure].tolist()}
    _judge(figures)
    return {"figures": figures, "skipped": skipped, "halves": halves}


def _beside(value: float, mine: Values, real: Values, blind: Values, figure: str) -> dict[str, Any]:
    """A figure with those of real speakers; `p` that it differs from theirs is not corrected yet."""
    found: dict[str, Any] = {"value": value}
    if figure in mine.halves:
        found["ci95"] = _around(value, mine.halves[figure])
    if figure in real.figures:
        found["real"] = real.figures[figure]
        if figure in mine.halves and figure in real.halves:
            found["real_ci95"] = _around(found["real"], real.halves[figure])
            difference, drawn = value - found["real"], mine.halves[figure] - real.halves[figure]
            found["difference_ci95"] = _around(difference, drawn)
            found["p"] = p_of_halves(difference, drawn, max(abs(value), abs(found["real"])))
    return found | ({"floor": blind.figures[figure]} if figure in blind.figures else {})


def _around(value: float, halves: np.ndarray) -> list[float]:
    width = 1.96 * float(halves.std(ddof=1))
    return [value - width, value + width]


def _judge(figures: dict[str, dict[str, Any]]) -> None:
    """Correct p for all figures of the source, and say which are not as those of real speakers."""
    tested = [one for one in figures.values() if "p" in one]
    for one, p in zip(tested, holm(np.array([one["p"] for one in tested])), strict=True):
        one["p"] = float(p)
        worse = {"near": True, "low": one["value"] > one["real"], "high": one["value"] < one["real"]}[one["better"]]
        one["as_real"] = not (p < LEVEL and worse)
