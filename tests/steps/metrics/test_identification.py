"""Closed-set figures on scores so few that all of it can be seen."""

import numpy as np
import pytest

from steps.metrics.identification import identification_figures, most_confused, ranks


def test_ranks_count_those_who_are_as_good():
    scores = np.array([[3.0, 1, 2], [3, 1, 2], [1, 1, 1]])
    assert ranks(scores, np.array([0, 1, 2])).tolist() == [1, 3, 3]


def test_figures_of_a_few_utterances():
    found = identification_figures(np.array([1, 1, 1, 2, 9, 1]), ["a", "a", "a", "a", "b", "b"], 500, 0)
    assert (found["utterances"], found["speakers"]) == (6, 2)
    assert (found["top1_errors"], found["top5_errors"]) == (2, 1)
    assert found["top1"] == pytest.approx(4 / 6) and found["top5"] == pytest.approx(5 / 6)
    assert found["macro"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert found["macro_ci95"] == (0.5, 0.75) and found["top1_ci95"] == (0.5, 0.75)


def test_pairs_that_are_confused_most_come_first():
    true, named = ["a", "a", "b", "b", "c", "c"], ["b", "a", "a", "a", "a", "c"]
    assert [tuple(pair) for pair in most_confused(true, named, 5)] == [("a", "b", 1, 2), ("a", "c", 0, 1)]
    assert len(most_confused(true, named, 1)) == 1 and most_confused(["a"], ["a"], 3) == []
