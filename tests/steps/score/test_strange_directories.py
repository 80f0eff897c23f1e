"""Strange directories of samples and of real speakers: right figures, a metric skipped with its reason, or one line."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steps.score.figure_meanings import MEANINGS
from steps.score.measured import ALL_METRICS
from steps.score.measured_tables import bounds
from tests.steps.score.test_directories import run, write_directory
from utils.archive_writer import write_vectors
from utils.tables import write_table

HALVES = ("--n_halves", "3", "--n_heard", "0")
MEASURED = "distances,crowding,same_speaker,trials,frechet,balls,kernel,energy,calibration,memorisation,shape,spread"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real speakers of train and test, of two groups."""
    root = tmp_path_factory.mktemp("strange")
    for seed, (name, n) in enumerate({"train": 30, "test": 20}.items()):
        write_directory(root / name, n, 2, seed=seed, groups=True)
    return root


def write_rows(path: Path, x: np.ndarray) -> Path:
    """Samples without speakers."""
    path.mkdir()
    ids = [f"s{number:03d}" for number in range(len(x))]
    write_vectors(path / "xvector.ark", path / "xvector.scp", ids, x.astype(np.float32))
    return path


def scores(out: Path, name: str) -> dict[str, Any]:
    """What is known of one source; every figure is a finite number."""
    document = json.loads((out / "scores.json").read_text())["models"][name]
    for figure, one in document["measured"].items():
        numbers = [one["value"], one.get("real", 0), *one.get("ci95", []), *one.get("difference_ci95", [])]
        assert all(isinstance(value, int | float) and math.isfinite(value) for value in numbers), (figure, one)
    assert "nan" not in (out / "summary.md").read_text().lower().split()
    return document


@pytest.mark.hostile("Samples of anyone that are few, all one vector, all zeros, or 1e-19 times as long as real ones")
@pytest.mark.parametrize(
    ("make", "skipped"),
    [
        (lambda x: x[:2], {"balls", "frechet", "told_apart", "spread"}),
        (lambda x: x[:5], {"frechet", "told_apart"}),
        (lambda x: np.tile(x[:1], (90, 1)), set()),
        (lambda x: 0 * x, set()),
        (lambda x: 1e-19 * x, set()),
    ],
    ids=["two", "five", "one vector", "zeros", "short"],
)
def test_strange_samples(real: Path, tmp_path: Path, make: Callable, skipped: set[str]):
    write_rows(tmp_path / "theirs", make(1 + np.random.default_rng(1).normal(size=(40, 8))))
    names = MEASURED + (",told_apart" if skipped else "")
    assert run(real, "", tmp_path / "out", *HALVES, metrics=names, samples=str(tmp_path / "theirs")) == 0
    found = scores(tmp_path / "out", "theirs")
    assert skipped | {"same_speaker"} == found["skipped"].keys() - {
        "log_density", "gain_over_text_blind", "paraphrases", "retrieval"
    }  # fmt: skip
    assert all(found["skipped"][name] for name in skipped)


@pytest.mark.hostile("Real and sampled vectors of one dimension")
def test_vectors_of_one_dimension(tmp_path: Path):
    for name, n in (("train", 30), ("test", 20), ("theirs", 25)):
        write_directory(tmp_path / name, n, 2, dim=1, seed=n, name=name)
    assert run(tmp_path, "theirs", tmp_path / "out", *HALVES, metrics=MEASURED) == 0
    assert scores(tmp_path / "out", "theirs")["measured"]["spread.dimensions_ratio"]["value"] == pytest.approx(1)


@pytest.mark.hostile("Groups that the training speakers, or half of the samples, lack; one group of all")
def test_groups_that_some_lack(real: Path, tmp_path: Path):
    words = ("--attributes", "gender", *HALVES)
    for name, n in (("train", 30), ("test", 24)):
        write_directory(tmp_path / name, n, 1, seed=n, groups=name == "test", name=name)
    write_directory(tmp_path / "theirs", 40, 1, seed=3, groups=True, name="new")
    assert run(tmp_path, "theirs", tmp_path / "out", *words, metrics="attributes") == 0
    found = scores(tmp_path / "out", "theirs")["measured"]["attributes.gender"]
    assert found["value"] > 0.8 and "real" not in found
    for name in ("test", "theirs"):
        utterances = [line.split()[0] for line in (tmp_path / name / "utt2group").read_text().splitlines()]
        write_table(tmp_path / name / "utt2group", dict.fromkeys(utterances, "female"))
    assert run(tmp_path, "theirs", tmp_path / "out", *words, metrics="attributes") == 0
    assert "no attribute has two values" in scores(tmp_path / "out", "theirs")["skipped"]["attributes"]


def test_the_ceiling_is_that_of_the_groups_that_samples_have(real: Path, tmp_path: Path):
    for name in ("both", "women"):
        write_directory(tmp_path / name, 40, 1, seed=3, groups=True, name=name)
    table = (tmp_path / "women" / "utt2group").read_text().splitlines()
    women = {line.split()[0] for line in table if line.endswith(" female")}
    for name in ("xvector.scp", "utt2spk", "utt2group"):
        lines = (tmp_path / "women" / name).read_text().splitlines(keepends=True)
        (tmp_path / "women" / name).write_text("".join(line for line in lines if line.split()[0] in women))
    samples = ",".join(str(tmp_path / name) for name in ("both", "women"))
    words = ("--attributes", "gender", *HALVES)
    assert run(real, "", tmp_path / "out", *words, metrics="attributes", samples=samples) == 0
    both, women = (scores(tmp_path / "out", name)["measured"]["attributes.gender"] for name in ("both", "women"))
    assert women["real"] != both["real"]  # of women alone


@pytest.mark.hostile("Real speakers of anyone who all have one vector; --dev that is --train or --test")
def test_real_sets_that_are_none(real: Path, tmp_path: Path, capfd: pytest.CaptureFixture):
    write_directory(tmp_path / "one", 12, 2, name="one")
    keys = [line.split()[0] for line in (tmp_path / "one" / "utt2spk").read_text().splitlines()]
    write_vectors(
        tmp_path / "one" / "xvector.ark", tmp_path / "one" / "xvector.scp", keys, np.ones((24, 8), np.float32)
    )
    write_rows(tmp_path / "theirs", np.eye(8))
    for replaced, complaint in (
        ({"train": str(tmp_path / "one")}, f"{tmp_path}/one/xvector.scp: all embeddings are the same vector"),
        ({"test": str(tmp_path / "one")}, f"{tmp_path}/one/xvector.scp: all embeddings are the same vector"),
        ({"dev": str(real / "train")}, f"--dev {real}/train: the directory of --train"),
        ({"dev": str(real / "test")}, "the directory of --"),
    ):
        given = {"metrics": "distances", "samples": str(tmp_path / "theirs"), **replaced}
        assert run(real, "", tmp_path / "out", **given) == 1
        errors = capfd.readouterr().err.splitlines()
        assert complaint in errors[-1] and sum("ERROR" in line for line in errors) == 1


def test_each_metric_is_told_in_words():
    assert MEANINGS.keys() == ALL_METRICS.keys()


@pytest.mark.parametrize(
    ("key", "shown"),
    [("trials.eer", "0.00 to 0.120"), ("balls.coverage", "0.00 to 0.120"), ("balls.density", "-0.0500 to 0.120")],
)
def test_no_interval_of_a_share_leads_out_of_it(key: str, shown: str):
    assert bounds([-0.05, 0.12], key) == shown
