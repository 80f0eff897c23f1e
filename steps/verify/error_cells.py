"""The figures of every cell of a report: a part of the trials, a sex, a system, a kind of non-targets.

A cell has all targets of its part and sex (of the model's speaker), and the non-targets of one kind, or of all.
Intervals draw speakers (`steps.metrics.bootstrap`). A trial without a score counts as rejected in error rates, as it
would be at a door, and is left out of Cllr.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from steps.metrics.bootstrap import interval, joint_bootstrap
from steps.metrics.detection import Cost, DetCurve, cllr, min_cllr
from steps.metrics.detection_figures import cost_figures, det_points, eer_figures, trial_counts
from steps.metrics.trials import ONE_KIND, ScoredTrials
from steps.verify.trial_parts import UNKNOWN, TrialPart

ALL = "all"  # sexes, or kinds of non-targets
COSTS = {"min_dcf_01": Cost(0.01, 10, 1), "min_dcf_001": Cost(0.001, 1, 1)}
METRICS = ("eer", *COSTS, "cllr", "min_cllr")
FIRST = ("IC", "TW", "IW")  # kinds of non-targets of RedDots, in the order of its tables
Curves = dict[str, tuple[np.ndarray, np.ndarray]]


class ErrorCell(NamedTuple):
    """Which trials a figure is of."""

    part: str
    sex: str
    system: str
    kind: str


class TrialSet(NamedTuple):
    """The trials of a part, a sex and a kind: which (P,) they are, and a name for each."""

    sex: str
    kind: str
    rows: np.ndarray


def trial_sets(part: TrialPart) -> Iterator[TrialSet]:
    """The sets of trials of a part: of all sexes, and of each if one is known; of each kind, and of all."""
    sexes = part.sex()
    of_sex = {ALL: np.ones(len(sexes), dtype=bool)}
    if {*part.sexes.values()} != {UNKNOWN}:
        of_sex |= {sex: sexes == sex for sex in sorted({*part.sexes.values()})}
    trials = part.trials
    kinds = {trials.kinds[number]: number for number in np.unique(trials.kind[~trials.targets])}
    names = sorted(kinds, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    of_kind = {name: trials.kind == kinds[name] for name in names}
    if names != [ONE_KIND]:
        of_kind[ALL] = np.ones(len(trials), dtype=bool)
    for sex, own in of_sex.items():
        for kind, chosen in of_kind.items():
            yield TrialSet(sex, kind, own & (chosen | trials.targets))


def measure(scored: ScoredTrials, rows: np.ndarray, draws: int, seed: int) -> dict[str, Any]:
    """The figures of some (P,) of the trials, whose scores are NaN where there is none.

    A set without targets, non-targets or scores has counts alone, and says what is missing in `empty`.
    """
    chosen = scored.of(rows)
    known = ~np.isnan(chosen.scores)
    figures = trial_counts(chosen) | {
        "unscored_targets": int(np.count_nonzero(~known & chosen.targets)),
        "unscored_nontargets": int(np.count_nonzero(~known & ~chosen.targets)),
    }
    present = {"targets": chosen.targets[known].any(), "non-targets": (~chosen.targets[known]).any()}
    if not all(present.values()):
        return figures | {"empty": f"no {' and no '.join(name for name, there in present.items() if not there)}"}
    judged = with_rejected(chosen)
    curve = DetCurve.of(judged.scores, judged.targets)
    drawn = joint_bootstrap([judged], draws, np.random.default_rng(seed))
    figures |= eer_figures(judged, curve, drawn.curve)
    for name, cost in COSTS.items():
        figures |= cost_figures(judged, curve, drawn.curve, cost, name)
    heard = chosen.of(known)
    if not known.all():
        curve = DetCurve.of(heard.scores, heard.targets)
        drawn = joint_bootstrap([heard], draws, np.random.default_rng(seed))
    figures |= {"cllr": cllr(heard.scores, heard.targets), "cllr_ci95": interval(drawn.cllr)}
    return figures | {"min_cllr": float(min_cllr(curve))}


def with_rejected(scored: ScoredTrials) -> ScoredTrials:
    """The trials, with a score below all others where there is none."""
    missing = np.isnan(scored.scores)
    if not missing.any():
        return scored
    lowest = scored.scores[~missing].min()
    return replace(scored, scores=np.where(missing, lowest - max(1.0, abs(lowest)), scored.scores))


def measure_part(
    part: TrialPart, scores: Mapping[str, np.ndarray], draws: int, seed: int
) -> tuple[dict[ErrorCell, dict[str, Any]], dict[str, Curves]]:
    """The figures of all cells of a part, and of all sexes the curve of each kind and system."""
    found: dict[ErrorCell, dict[str, Any]] = {}
    curves: dict[str, Curves] = {}
    sets = list(trial_sets(part))
    for system, values in scores.items():
        scored, known = part.scored(values), {}
        for sex, kind, rows in sets:
            same = rows.tobytes()  # as all trials, where all speakers are of one sex
            if same not in known:
                known[same] = measure(scored, rows, draws, seed)
            figures = found[ErrorCell(part.name, sex, system, kind)] = known[same]
            if sex == ALL and "empty" not in figures:
                curves.setdefault(kind, {})[system] = det_points(with_rejected(scored.of(rows)))
    return found, curves
