"""How often real strangers and sampled speakers are accepted at the same threshold, with intervals over speakers.

Real speakers alone set a threshold: where misses and false acceptances of strangers are equally frequent, or where a
given share of the strangers is accepted. The interval of the equal error rate draws speakers on both sides of the
trials at once (`steps.metrics.bootstrap`). Those of acceptance keep the threshold, and draw the real speakers, who are
enrolments and strangers, and the sampled ones; the difference of the two has the same draws.
"""

from typing import Any

import numpy as np

from steps.metrics.bootstrap import drawn_shares, interval, joint_bootstrap
from steps.metrics.detection import DetCurve, equal_error_rate
from steps.metrics.trials import ScoredTrials, Trials
from steps.verify.trial_design import OWN, SAMPLED, STRANGER

SUBSETS = ("all", "same gender")
SHARE = 0.01  # of the strangers, accepted at the second threshold
LEAST = 10  # trials of strangers, fewer of which set no threshold


def sources(trials: Trials) -> np.ndarray:
    """OWN, STRANGER or SAMPLED for each trial (P,); a list without such kinds has targets and strangers."""
    names = np.array([name.split("-")[0] for name in trials.kinds], dtype=object)[trials.kind]
    names[~np.isin(names, (STRANGER, SAMPLED))] = STRANGER
    names[trials.targets] = OWN
    return names


def subsets(trials: Trials) -> dict[str, np.ndarray]:
    """Which trials (P,) each of SUBSETS has."""
    return dict(zip(SUBSETS, (np.ones(len(trials), dtype=bool), trials.same_gender), strict=True))


def measure(trials: Trials, scored: ScoredTrials, draws: int, seed: int) -> dict[str, Any]:
    """Figures of each of SUBSETS that has trials enough; `scored` are the trials with scores and speakers."""
    source = sources(trials)
    figures = {}
    for name, chosen in subsets(trials).items():
        counts = {kind: int(np.count_nonzero(chosen & (source == kind))) for kind in (OWN, STRANGER, SAMPLED)}
        if counts[OWN] and counts[STRANGER] >= LEAST:
            figures[name] = {"trials": counts} | _figures(scored.of(chosen), source[chosen], draws, seed)
    return figures


def _figures(scored: ScoredTrials, source: np.ndarray, draws: int, seed: int) -> dict[str, Any]:
    """Equal error rate, and acceptance at both thresholds, of trials whose sources (P,) are given."""
    real = _of_real_speakers(scored, source != SAMPLED)
    error = float(equal_error_rate(DetCurve.of(real.scores, real.targets)))
    drawn = equal_error_rate(joint_bootstrap([real], draws, np.random.default_rng(seed)).curve)
    own, strangers = (scored.scores[source == kind] for kind in (OWN, STRANGER))
    found: dict[str, Any] = {"eer": error, "eer_ci95": interval(drawn), "at": {}}
    for name, share in {"eer": error, f"{SHARE:.0%}": SHARE}.items():
        threshold = np.sort(strangers)[-max(1, round(share * len(strangers)))]
        found["at"][name] = {
            "threshold": float(threshold),
            "misses": float(np.mean(own < threshold)),
            **_acceptance(scored, source, threshold, draws, np.random.default_rng(seed)),
        }
    return found


def _acceptance(
    scored: ScoredTrials, source: np.ndarray, threshold: float, draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """The shares of strangers and of sampled speakers that are accepted, and the difference, with intervals."""
    people = np.unique(np.concatenate([scored.enrol_speakers, scored.test_speakers[source != SAMPLED]]))
    enrol = _draw(len(people), draws, rng)
    found, drawn = {}, {}
    for kind in (STRANGER, SAMPLED):
        rows = np.flatnonzero(source == kind)
        if not len(rows):
            continue
        testers = people if kind == STRANGER else np.unique(scored.test_speakers[rows])
        test = enrol if kind == STRANGER else _draw(len(testers), draws, rng)
        pairs = (
            np.searchsorted(people, scored.enrol_speakers[rows]),
            np.searchsorted(testers, scored.test_speakers[rows]),
        )
        accepted = scored.scores[rows] >= threshold
        hits, trials = np.zeros((2, len(people), len(testers)))
        np.add.at(hits, pairs, accepted)
        np.add.at(trials, pairs, 1)
        drawn[kind] = drawn_shares(hits, trials, enrol, test)
        found |= {kind: float(accepted.mean()), f"{kind}_ci95": interval(drawn[kind])}
    if SAMPLED in drawn:
        found["difference"] = found[SAMPLED] - found[STRANGER]
        found["difference_ci95"] = interval(drawn[SAMPLED] - drawn[STRANGER])
    return found


def _draw(n: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of n speakers is drawn (draws, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)


def _of_real_speakers(scored: ScoredTrials, rows: np.ndarray) -> ScoredTrials:
    """Some of the trials, all of real speakers, which are numbered anew: the bootstrap is not to draw sampled ones."""
    sides = scored.enrol_speakers[rows], scored.test_speakers[rows]
    names, codes = np.unique(np.concatenate(sides), return_inverse=True)
    n = len(sides[0])
    return ScoredTrials(scored.scores[rows], scored.targets[rows], codes[:n], codes[n:], len(names))
