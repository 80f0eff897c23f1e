"""An experiment that has been copied goes on from its own archives, with the bytes that it would have had before."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from local.capspeech.embedding_tables import EmbeddingTables
from local.corpus_rules import RULES, Rules
from steps.data import build_index
from steps.generators import merge_samples, plan_samples, sample, train
from tests.steps.generators.experiment import Experiment, write_experiment
from tests.steps.generators.test_sample import words
from utils.archive_writer import ArchiveWriter
from utils.archives import ArchiveReader, read_vectors


def begin(root: Path) -> Experiment:
    """What stages 0 to 2 leave in the root of a recipe, which is the working directory."""
    (root / "conf").mkdir()
    (root / "conf/generators.txt").write_text("gaussian gaussian -\n")
    made = write_experiment(Path("exp"))
    shutil.rmtree(made.index)
    for directory in (made.root / "ark", made.text_vectors):
        (directory / "run_info.json").write_text("{}")
    return made


def spoil(folder: Path) -> None:
    """Put other vectors into all archives below a folder, at the same bytes."""
    for script in {path.with_suffix(".ark"): path for path in folder.rglob("*vec*.scp")}.values():
        if script.with_suffix(".ark").is_file():
            keys, x = read_vectors(script)
            order = sorted(keys, key=lambda key: ArchiveReader(script).location(key).offset)
            with ArchiveWriter(script.with_suffix(".ark"), script.with_suffix(".unused")) as writer:
                writer.write(order, np.full_like(x, 7))


def go_on(made: Experiment) -> dict[str, bytes]:
    """Stages 3 to 5 where it lies. Returns what they leave but for their bookkeeping, by path."""
    build_index.work(build_index.Options(made.root / "data", made.index))
    assert train.main(made.options("gaussian")) == 0
    for command in (plan_samples, sample, merge_samples):
        assert command.main(words(made, made.root / "gaussian", made.root / "samples/groups", "--n_samples", "2")) == 0
    left = [path for name in ("index", "gaussian", "samples") for path in (made.root / name).rglob("*")]
    kept = [path for path in left if path.is_file() and path.name not in (".done", "run_info.json", "config.yaml")]
    return {str(path.relative_to(made.root)): path.read_bytes() for path in kept}


@pytest.mark.parametrize("rerun", [False, True])
def test_a_copy_goes_on_as_the_original(tmp_path, monkeypatch, rerun):
    original, copy = tmp_path / "original", tmp_path / "another/checkout"
    original.mkdir()
    monkeypatch.chdir(original)
    made = begin(original)
    if rerun:
        wanted = go_on(made)
    shutil.copytree(original, copy, copy_function=shutil.copyfile)
    if not rerun:
        wanted = go_on(made)
    times = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    spoil(original)
    monkeypatch.chdir(copy)
    assert go_on(made) == wanted
    if rerun:
        done = [path for path in times if ".groups" not in str(path) and path.stat().st_mtime_ns != times[path]]
        assert [path for path in done if path.is_file()] == []


def test_samples_that_were_copied_are_read_as_embeddings(tmp_path, monkeypatch):
    """Their xvector.csv is one of the tables that stage 0 takes."""
    (tmp_path / "root").mkdir()
    monkeypatch.chdir(tmp_path / "root")
    go_on(begin(tmp_path / "root"))
    shutil.copytree("exp/samples/groups", tmp_path / "copy")
    (tmp_path / "copy/xvector.scp").unlink()
    tables = EmbeddingTables(tmp_path / "copy", Rules.load(RULES))
    assert {tables.resolve(entry).path for entry in tables.entries.values()} == {str(tmp_path / "copy/xvector.ark")}
