"""Training on features as a command: what is learned, written, left out and refused, and that a rerun does nothing."""

import json
from pathlib import Path

import pytest
import torch

from steps.networks.speaker_model import load_model
from steps.sid import train
from tests.steps.sid.feature_sets import BINS, FEATURES, make_set

SMALL = {
    "network": "conv1d", "widths": '"16,16"', "embedding_dim": 16, "normalise": "none", "epochs": 8, "batch_size": 16,
    "crop_seconds": 0.3, "lr": 0.01, "gain_db": 0, "equaliser_db": 3, "dropout": 0, "patience": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def feats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight speakers, the same in all three sets; copies of what is learned from."""
    root = tmp_path_factory.mktemp("it's feats")
    make_set(root / "train", range(8), 10, copies=1)
    for name in ("dev", "test"):
        make_set(root / name, range(8), 3)
    return root


def run(feats: Path, out: Path, *more: str, **settings: object) -> int:
    """Train a small network in this process. Returns the exit status."""
    torch.set_num_threads(1)
    values = ",".join(f"{key}={value}" for key, value in (SMALL | settings).items())
    return train.main(["--feats", str(feats), "--out", str(out), "--set", values, *more])


def rows(model: Path) -> list[dict]:
    return [json.loads(line) for line in (model / "metrics.jsonl").read_text().splitlines()]


def files(model: Path) -> dict[str, bytes]:
    """The files that training decides."""
    return {path.name: path.read_bytes() for path in model.iterdir() if path.name not in ("run_info.json", ".done")}


def test_speakers_are_learned_and_a_second_run_does_nothing(feats, tmp_path, capsys):
    model = tmp_path / "model"
    assert run(feats, model) == 0
    last = rows(model)[-1]
    assert last["epoch"] == 8 and last["dev_accuracy"] > 0.9 and last["test_accuracy"] > 0.9
    assert last["train_accuracy"] > rows(model)[1]["train_accuracy"] and rows(model)[0]["train_accuracy"] is None
    loaded = load_model(model)
    assert loaded.speakers == [f"s{number:02}" for number in range(8)]
    assert loaded.features == FEATURES and loaded.network.bins == BINS
    assert not list(model.glob("frames")) and (model / "curve.png").is_file()
    before = {path: path.stat().st_mtime_ns for path in model.iterdir()}
    assert run(feats, model) == 0 and before == {path: path.stat().st_mtime_ns for path in model.iterdir()}
    again = tmp_path / "again"
    assert run(feats, again) == 0
    assert files(again) == files(model)
