"""A generated split and its scorer, built once."""

import pytest

from steps.score.data import ScoreData
from steps.score.evaluation import Scorer
from tests.steps.score.voices import make_data


@pytest.fixture(scope="session")
def data() -> ScoreData:
    """The generated split."""
    return make_data()


@pytest.fixture(scope="session")
def scorer(data: ScoreData) -> Scorer:
    """Its scorer, with few draws."""
    return Scorer(data, seed=0, n_draws=4)
