"""A generated experiment, every generator of conf/generators.txt trained on it, and one that knows the real encoder."""

import contextlib
from pathlib import Path

import pytest

from steps.generators import train
from steps.text.encode import SentenceEncoder
from tests.steps.generators.experiment import Experiment, read_texts, write_experiment

RIVALS = ("pool", "pool_scaled", "pca_gmm", "nearest_text", "flow", "tacospawn")  # fits of the literature
ROOT = Path(__file__).parents[3]
SMALL = {
    "mdn": "hidden=32,epochs=5,folds=5",
    "mdn_plain": "hidden=32,epochs=5",
    "flow": 'transforms=2,hidden="8,16",epochs=2,folds=5',
    "tacospawn": "hidden=8,epochs=3",
}
NAMES = ("mdn", "mdn_plain", "gaussian", "group_gaussian", "group_gmm", "blind_gmm", "ridge_gaussian", "ridge_student")


def fit(made: Experiment, name: str, *more: str) -> Path:
    """Train one generator of conf/generators.txt or conf/generators_rivals.txt, small. Returns its directory."""
    more = (*(("--generators", "conf/generators_rivals.txt") if name in RIVALS else ()), *more)
    settings = ["--set", SMALL[name]] if name in SMALL and "--set" not in more else []
    with contextlib.chdir(ROOT):
        assert train.main(made.options(name, *settings, *more)) == 0
    return made.root / name


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """The generated experiment, with random sentence vectors."""
    return write_experiment(tmp_path_factory.mktemp("an experiment"))


@pytest.fixture(scope="session")
def models(experiment: Experiment) -> dict[str, Path]:
    """Name -> directory of every generator."""
    return {name: fit(experiment, name) for name in NAMES}


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """The same experiment, its texts read into posteriors over gender and pitch."""
    return read_texts(write_experiment(tmp_path_factory.mktemp("read")))


@pytest.fixture(scope="session")
def read_models(read: Experiment) -> dict[str, Path]:
    """Name -> directory of every generator, trained on texts that were read."""
    return {name: fit(read, name) for name in NAMES}


@pytest.fixture(scope="session")
def rivals(experiment: Experiment) -> dict[str, Path]:
    """Name -> directory of every rival."""
    return {name: fit(experiment, name) for name in RIVALS}


@pytest.fixture(scope="session")
def read_rivals(read: Experiment) -> dict[str, Path]:
    """Name -> directory of every rival, trained on texts that were read."""
    return {name: fit(read, name) for name in RIVALS}


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    """all-MiniLM-L6-v2 as installed."""
    return SentenceEncoder()


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory, encoder: SentenceEncoder) -> Experiment:
    """The same experiment with sentence vectors of the real encoder, and `ridge_gaussian` trained on it."""
    identity = {"name": encoder.name, "sha256": encoder.sha256, "dim": encoder.dim}
    made = write_experiment(tmp_path_factory.mktemp("spoken"), encode=encoder.encode, identity=identity)
    fit(made, "ridge_gaussian")
    return made
