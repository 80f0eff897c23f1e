"""Figures over training seeds: their mean, and intervals that have speakers and seeds in them."""

import numpy as np
import pytest

from steps.score.over_seeds import families, over_seeds, seed_tables


def test_names_tell_families():
    names = ["mdn_seed0", "mdn_seed1", "mdn", "seed3", "flow-seed=2", "flow-seed=10", "lone_seed1"]
    assert families(names) == {"mdn": ["mdn_seed0", "mdn_seed1"], "flow": ["flow-seed=2", "flow-seed=10"]}


def source(value: float, halves: list[float]) -> dict:
    """One figure."""
    return {"figures": {"f": {"value": value, "real": 1.0}, "g": {"value": 0.0}}, "halves": {"f": {"samples": halves}}}


def test_both_variances_are_in_the_interval():
    same = [1.0, 3.0]
    only_speakers = over_seeds({"m_seed0": source(2.0, same), "m_seed1": source(2.0, same)})["m"]["f"]
    width = 1.96 * np.std(same, ddof=1)
    assert only_speakers["ci95"] == pytest.approx([2 - width, 2 + width])
    both = over_seeds({"m_seed0": source(1.0, same), "m_seed1": source(3.0, same)})["m"]
    of_seeds = 12.706 * np.std([1, 3], ddof=1) / np.sqrt(2)
    assert both["f"]["ci95"][1] - 2 == pytest.approx(np.hypot(width, of_seeds), rel=1e-3)
    assert set(both) == {"f"} and both["f"]["seeds"] == 2
    (table,) = seed_tables({"over_seeds": {"m": both}})
    assert [cell.text for cell in table.rows[0]][:2] == ["f", "2.00"]
