"""Figures of trials whose error rates are known."""

import numpy as np
import pytest

from steps.metrics.det_picture import draw_det
from steps.metrics.detection_figures import det_points, detection_figures
from steps.metrics.trials import ScoredTrials
from utils.report_page import png_of


def trials(scores: list[float], targets: list[bool]) -> ScoredTrials:
    """Trials of twenty speakers."""
    numbers = np.arange(len(scores)) % 20
    return ScoredTrials(np.array(scores), np.array(targets), numbers, (numbers + ~np.array(targets)) % 20, 20)


def test_an_error_rate_that_is_known():
    """One in ten targets lies below one in ten non-targets: EER 10 %, one miss and ten false alarms."""
    scores = [0.0] + [10.0 + i for i in range(9)] + [-1.0] * 90 + [5.0] * 10
    found = detection_figures(trials(scores, [True] * 10 + [False] * 100), 100, 0)
    assert (found["targets"], found["nontargets"], found["speakers"]) == (10, 100, 20)
    assert found["eer"] == pytest.approx(0.1) and (found["eer_misses"], found["eer_false_alarms"]) == (1, 10)
    assert found["min_dcf"] == pytest.approx(0.1) and (found["min_dcf_misses"], found["min_dcf_false_alarms"]) == (1, 0)
    assert found["eer_ci95"][0] <= 0.1 <= found["eer_ci95"][1]


def test_a_picture_of_curves():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(2, 1, 3000), rng.normal(0, 1, 3000)])
    points = det_points(trials(scores.tolist(), [True] * 3000 + [False] * 3000))
    assert len(points[0]) <= 410 and (np.diff(points[0]) <= 0).all() and (np.diff(points[1]) >= 0).all()
    assert np.abs(points[0] - points[1]).min() < 0.01
    figure = draw_det({"open": {"_a": points, "b" * 60: points}, "open, $perturbed": {"_a": points}, "3": {}})
    assert [len(axis.get_lines()) for axis in figure.axes] == [3, 2, 1]
    assert png_of(figure).startswith(b"\x89PNG")
