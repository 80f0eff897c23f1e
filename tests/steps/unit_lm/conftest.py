"""Unit sequences and models that several tests look at."""

from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from steps.unit_lm import train
from tests.steps.unit_lm.unit_dirs import make_units

SMALL = {"embedding": 8, "hidden": 16, "heads": 2, "layers": 2, "epochs": 6, "lr": 0.03, "batch_units": 120}


class Units(NamedTuple):
    """Directories of unit sequences of different speakers."""

    train: Path
    dev: Path
    test: Path


def train_small(units: Units, out: Path, *more: str, **settings: object) -> int:
    """Train a small network in this process. Returns the exit status."""
    torch.set_num_threads(1)
    values = ",".join(f"{key}={value}" for key, value in (SMALL | settings).items())
    return train.main(["--train", str(units.train), "--dev", str(units.dev), "--out", str(out), "--set", values, *more])


@pytest.fixture(scope="session")
def units(tmp_path_factory: pytest.TempPathFactory) -> Units:
    """Six speakers to learn from, two that decide, two to model on."""
    root = tmp_path_factory.mktemp("it's units")
    sets = [("train", "abcdef"), ("dev", "gh"), ("test", "ij")]
    return Units(*(make_units(root / name, speakers, seed=seed) for seed, (name, speakers) in enumerate(sets)))


@pytest.fixture(scope="session", params=["lstm", "transformer"])
def model(request: pytest.FixtureRequest, units: Units, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained network of each kind."""
    out = tmp_path_factory.mktemp("models") / request.param
    assert train_small(units, out, network=request.param) == 0
    return out
