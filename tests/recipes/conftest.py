"""One undisturbed run of the recipe on a slice of real embeddings, which several tests look at; runs that end."""

from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import pytest

from tests.processes import kill_session
from tests.recipes.recipe import Recipe, write_conf
from tests.recipes.slice import write_slice


@pytest.fixture(scope="session")
def make_recipe(capspeech_libri: Path, tmp_path_factory: pytest.TempPathFactory):
    """Gives recipes on the slice, in folders that a shell would trip over.

    Their paths have one length: where config.yaml breaks its lines depends on it.
    """
    root = tmp_path_factory.mktemp("recipes")
    corpus = write_slice(capspeech_libri, root / "corpus of mine")
    conf = write_conf(root / "conf")
    count = iter(range(10, 100))

    def make() -> Recipe:
        options = "--corpus", "capspeech", "--data_dir", str(corpus), "--embedding_dir", str(corpus / "embeddings")
        return Recipe(root / f"it's $HOME {next(count)}", conf, *options)

    return make


class Finished(NamedTuple):
    """A recipe that has run, what it said, and the digests of what it left."""

    recipe: Recipe
    said: str
    digests: dict[str, str]


@pytest.fixture(scope="session")
def finished(make_recipe) -> Finished:
    """The undisturbed run. Tests may add to its directories, and restore what they change."""
    recipe = make_recipe()
    said = recipe.run()
    return Finished(recipe, said, recipe.digests())


@pytest.fixture
def started() -> Iterator[list[Popen]]:
    """Runs to be listed here when they start: what a failed test leaves of them is killed."""
    runs: list[Popen] = []
    yield runs
    for run in runs:
        kill_session(run.pid)
        run.communicate()
