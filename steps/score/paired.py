"""Paired comparison of two scores: differences with intervals and p values, figure by figure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steps.metrics.bootstrap import MEANS
from steps.metrics.significance import holm, p_of_halves
from steps.score.halves import FILE, read_halves
from steps.score.measured import LEVEL, is_p_value
from utils.errors import InputError

DENSITY = "log_density"
P_VALUE = "a p value, which says itself what it proves"
BETTER = ("near", "low", "high")
PAIRED = {"real": "the real speakers differ", "seed": "the seeds differ", "n_halves": "--n_halves differ"}


@dataclass(frozen=True)
class Scores:
    """The figures of one source of samples or model.

    Attributes:
        directory, name: where from. measured: figure -> value, real, better. halves: as `read_halves` has them.
        densities: speaker -> log density in nats; none where the source has no density.
    """

    directory: Path
    name: str
    measured: Mapping[str, Mapping[str, Any]]
    halves: Mapping[str, Any]
    densities: Mapping[str, float]

    @classmethod
    def of(cls, directory: Path, name: str, scores: Mapping[str, Any]) -> "Scores":
        """Of what scores.json has of a source."""
        try:
            densities = dict(scores.get(DENSITY, {}).get("per_speaker", {}))
            found = cls(directory, name, dict(scores.get("measured", {})), read_halves(directory, name), densities)
            _check(found)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{directory}: {name}: not the scores that steps.score.score writes ({error!r}); score it again"
            ) from error
        return found


def _check(scores: Scores) -> None:
    """Raise an error, of any of the kinds that wrong types lead to, unless all figures are as they are written."""
    np.array([*scores.densities.values()], dtype=float)
    for figure, one in scores.measured.items():
        float(one["value"]), float(one.get("real", 0.0))
        if one["better"] not in BETTER:
            raise ValueError(f"{figure}: better: {one['better']}")
    for figure, kinds in scores.halves["figures"].items():
        shapes = {np.array(kinds[kind], dtype=float).shape for kind in ("samples", "real")}
        if len(shapes) > 1 or len(shapes.pop()) != 1:
            raise ValueError(f"{figure}: halves of several lengths")
    _ = [scores.halves[key] for key in PAIRED]


class Pair(NamedTuple):
    """A figure of two scores.

    Attributes:
        a, b: its values. real: that of real speakers, None where none is known.
        difference: how much better A is; below 0 B is. low, high: its 95 % interval. p: corrected.
        better: "A", "B", or "" where chance explains the difference.
    """

    figure: str
    a: float
    b: float
    real: float | None
    difference: float
    low: float
    high: float
    p: float
    better: str


def compare_scores(first: Scores, second: Scores) -> tuple[list[Pair], dict[str, str]]:
    """All figures that can be compared, and the others with the reason."""
    unhalved = [side for side, one in (("A", first), ("B", second)) if one.halves["real"] is None]
    differing = next((text for key, text in PAIRED.items() if first.halves[key] != second.halves[key]), "")
    reason = f"{unhalved[0]} has no {FILE}; score it again" if unhalved else differing
    pairs, left_out = [], {}
    for figure in dict.fromkeys((*first.measured, *second.measured)):
        absent = [side for side, one in (("A", first), ("B", second)) if figure not in one.measured]
        if absent:
            left_out[figure] = f"{absent[0]} has no such figure"
        elif reason:
            left_out[figure] = reason
        elif not all(figure in one.halves["figures"] for one in (first, second)):
            left_out[figure] = P_VALUE if is_p_value(figure) else "halves of the speakers were too few for it"
        else:
            pairs.append(_of_halves(figure, first, second))
    density = _of_densities(first.densities, second.densities)
    if isinstance(density, Pair):
        pairs.insert(0, density)
    else:
        left_out[DENSITY] = density
    corrected = holm(np.array([pair.p for pair in pairs])).tolist() if pairs else []
    return [_judged(pair, p) for pair, p in zip(pairs, corrected, strict=True)], left_out


def _judged(pair: Pair, p: float) -> Pair:
    side = ("A" if pair.difference > 0 else "B") if p < LEVEL else ""
    return pair._replace(p=p, better=side)


def _of_halves(figure: str, first: Scores, second: Scores) -> Pair:
    """The gain of A over B, and its deviation over the same halves of the real speakers.

    Where a figure belongs at that of real speakers, the gain is |B - real| - |A - real|; its halves have the signs of
    the whole.
    """
    values = [one.measured[figure]["value"] for one in (first, second)]
    references = [one.measured[figure].get("real") for one in (first, second)]
    better = first.measured[figure]["better"]
    halves = [{kind: np.array(rows) for kind, rows in one.halves["figures"][figure].items()} for one in (first, second)]
    if better == "near":
        signs = [np.sign(value - real) for value, real in zip(values, references, strict=True)]
        centres, drawn_centres = references, [one["real"] for one in halves]
    else:
        signs = [1.0 if better == "low" else -1.0] * 2
        centres, drawn_centres = [0.0, 0.0], [0.0, 0.0]
    a, b = (sign * (value - centre) for sign, value, centre in zip(signs, values, centres, strict=True))
    drawn = [sign * (one["samples"] - centre) for sign, one, centre in zip(signs, halves, drawn_centres, strict=True)]
    difference, spread = float(b - a), drawn[1] - drawn[0]
    width = 1.96 * float(spread.std(ddof=1))
    real = references[0] if references[0] == references[1] else None
    p = p_of_halves(difference, spread, max(map(abs, values)))
    return Pair(figure, *values, real, difference, difference - width, difference + width, p, "")


def _of_densities(first: Mapping[str, float], second: Mapping[str, float]) -> Pair | str:
    """Log densities in nats of the same speakers, by a paired bootstrap; or why they cannot be compared."""
    from scipy.stats import norm

    if not first or not second:
        return f"{'A' if not first else 'B'} has no log density"
    if first.keys() != second.keys():
        return "the test speakers differ"
    a, b = (np.array([one[name] for name in first]) for one in (first, second))
    rows = np.random.default_rng(0).integers(len(a), size=(MEANS, len(a)))
    drawn = (a - b)[rows].mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    p = 2 * norm.sf(abs(np.mean(a - b)) / max(drawn.std(), 1e-300))
    return Pair(DENSITY, float(a.mean()), float(b.mean()), None, float((a - b).mean()), low, high, float(p), "")
