"""Verification trials between sampled and real speakers: would a system take one for the other?

Targets are two vectors of each real training speaker, non-targets a sampled against a real speaker; scores are cosines.
New speakers are accepted as often as real strangers are, R against R' or T against R: more often if they are near
copies, never if they lie where no voice does. So no figure should be 0; each belongs where real speakers have it (the
error rates as in NIST's evaluations, see `detection`; false acceptance at the threshold where the real trials alone
have equal error rates).
"""

from typing import NamedTuple

import numpy as np

from steps.metrics.detection import Cost, DetCurve, equal_error_rate, min_dcf
from steps.metrics.detection_figures import COST
from steps.metrics.trials import AllPairs


class GeneratedTrials(NamedTuple):
    """Figures of sampled speakers.

    Attributes:
        eer, min_dcf: of real targets and trials of a sampled with a real speaker.
        false_acceptance: share of the latter that is accepted.
        false_acceptance_among: share of the trials of two sampled speakers that is accepted.
    """

    eer: float
    min_dcf: float
    false_acceptance: float
    false_acceptance_among: float


def generated_trials(enrol: np.ndarray, test: np.ndarray, samples: np.ndarray, cost: Cost = COST) -> GeneratedTrials:
    """Figures of one vector of each sampled speaker.

    Args:
        enrol, test: (S, D) two unit vectors of each real speaker. samples: (G, D) unit vectors.
    """
    real, own = enrol @ test.T, np.eye(len(enrol), dtype=bool)
    threshold = equal_error_threshold(DetCurve.of(real.ravel(), own.ravel()))
    strangers = (samples @ enrol.T).ravel()
    curve = DetCurve.of(np.concatenate([real[own], strangers]), np.repeat([True, False], [len(enrol), len(strangers)]))
    pairs = [block.scores >= threshold for block in AllPairs(np.arange(len(samples))).cosines(samples)]
    return GeneratedTrials(
        float(equal_error_rate(curve)),
        float(min_dcf(curve, cost)),
        float((strangers >= threshold).mean()),
        float(np.concatenate(pairs).mean()),
    )


def equal_error_threshold(curve: DetCurve) -> float:
    """The lowest threshold of a curve (T,) at which false alarms are not more frequent than misses."""
    return float(curve.thresholds[np.argmax(curve.false_alarms <= curve.misses)])
