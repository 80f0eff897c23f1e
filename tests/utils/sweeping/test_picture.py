"""The picture of a sweep: which key is what, and that all points are in it."""

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from utils.sweeping.picture import NOT_GIVEN, Roles, choose_roles, draw, values_of
from utils.sweeping.results import STATE_DONE, Result
from utils.sweeping.sweep_file import Metric, Point, Sweep

METRIC = Metric("m.json", "loss", "min")


def grid(**values: list[str]) -> tuple[Sweep, list[Result]]:
    """A sweep over a grid, and its results; each value is some function of the overrides."""
    overrides = [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]
    points = [Point(str(number), point, (), "") for number, point in enumerate(overrides)]
    results = [Result(point, float(number), STATE_DONE) for number, point in enumerate(points)]
    return Sweep(Path("out"), tuple(values), METRIC, points, {}), results


@pytest.mark.parametrize(
    ("values", "roles"),
    [
        ({"k": ["1", "5"]}, Roles("k", (), None)),
        ({"seed": ["0", "1"]}, Roles("seed", (), None)),
        ({"k": ["1"]}, Roles(None, (), None)),
        ({"c": ["x", "y", "z"], "k": ["1", "5"], "seed": ["0", "1"]}, Roles("k", ("c",), None)),
        ({"k": ["1", "5"], "lr": ["1", "2", "3"], "e": ["9"]}, Roles("lr", ("k",), None)),
        ({"c": ["x", "y"], "k": ["1", "5"], "d": ["u", "v"]}, Roles("k", ("c",), "d")),
        ({"c": ["x", "y"], "k": ["1", "5"], "e": ["2", "3"], "d": ["u", "v"]}, Roles("k", ("c", "e"), "d")),
    ],
)
def test_numbers_lie_on_the_axis_and_seeds_are_dots(values, roles):
    sweep, results = grid(**values)
    assert choose_roles(sweep.keys, results) == roles
    assert imread(io.BytesIO(draw(sweep, results))).shape[1] > 600


def test_values_are_ordered_as_numbers():
    _, results = grid(k=["10", "9", "1e-05", "word", NOT_GIVEN])
    assert values_of("k", results) == ["1e-05", "9", "10", NOT_GIVEN, "word"]


def test_every_point_leaves_a_mark_and_the_bytes_are_the_same():
    sweep, results = grid(k=["1", "5", "15"], seed=["0", "1"])
    whole = draw(sweep, results)
    assert draw(sweep, results) == whole
    failed = [*results[:-1], Result(results[-1].point, None, "failed (code 1)")]
    without, crossed = (imread(io.BytesIO(draw(sweep, shown))) for shown in (failed[:-1], failed))
    assert np.any(without[30:] != crossed[30:])  # below the title, which counts them
    assert draw(sweep, [Result(point, None, "killed") for point in sweep.points])


@pytest.mark.hostile("Values of a sweep with $, which matplotlib takes for formulas")
def test_values_that_look_like_formulas():
    sweep, results = grid(name=["$\\frac{$", "$x^$"], k=["1", "5"], conf=["a$b$", "$"])
    assert draw(sweep, results)
