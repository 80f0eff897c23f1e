"""Maps: the plane that tells labels apart, and what is drawn where labels are few, one, or strange."""

import numpy as np
import pytest

from steps.score.map_pictures import MOST_PANELS, every, first_two, label_maps, maps, telling_apart
from utils.report_page import png_of


def clouds(n: int, labels: int, dim: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors whose last dimension but one tells labels apart, with far more spread in the first two."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(n) % labels
    x = rng.normal(size=(n, dim)) * np.r_[20, 10, np.ones(dim - 2)]
    x[:, -2] += 8 * numbers
    return x.astype(np.float32), np.array([f"label{number:02d}" for number in range(labels)])[numbers]


def test_the_plane_shows_what_differs_and_not_what_varies():
    x, labels = clouds(300, 3)
    at = telling_apart(x, labels)(x)
    means = np.array([at[labels == label].mean(axis=0) for label in np.unique(labels)])
    within = np.array([at[labels == label].std(axis=0) for label in np.unique(labels)])
    assert np.ptp(means[:, 0]) > 8 * within[:, 0].max()


@pytest.mark.parametrize(("n", "labels", "dim"), [(40, 1, 12), (40, 2, 12), (30, 30, 12), (9, 2, 1), (8, 3, 2)])
def test_any_corpus_has_a_plane(n: int, labels: int, dim: int):
    x, names = clouds(n, labels, max(dim, 2))
    x = x[:, -dim:]
    at = telling_apart(x, names)(x)
    assert at.shape == (n, 2) and np.isfinite(at).all()
    drawn = label_maps((x, names), (x, names), (x[:2], names[:2]), "mdn")
    assert len(drawn) == min(labels, MOST_PANELS) and all(len(png_of(figure)) > 1000 for _, figure in drawn[:2])


@pytest.mark.filterwarnings("error")
@pytest.mark.hostile("Groups and models with $, _ and <, of 300 characters or many values, on maps")
def test_any_name_is_drawn():
    names = np.array(["$x^2$ \\frac{", "_under", "<b>", "x" * 300, "\u58f0", *(f"v{number}" for number in range(12))])
    x = np.random.default_rng(0).normal(size=(len(names) * 2, 5)).astype(np.float32)
    labels = np.tile(names, 2)
    drawn = maps(first_two, (x, labels), {name: (x, labels) for name in names[:4]})
    assert len(drawn) == 5 and png_of(drawn[4][1])


def test_dots_are_spread_over_all_rows():
    assert np.arange(7)[every(np.zeros(7), 3)].tolist() == [0, 3, 6]
    assert len(np.arange(1000)[every(np.zeros(1000))]) == 500
