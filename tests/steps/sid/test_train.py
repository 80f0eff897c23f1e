"""Training on features as a command: what is learned, written, left out and refused, and that a rerun does nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from steps.networks.speaker_model import load_model
from steps.sid import train
from tests.steps.sid.feature_sets import BINS, FEATURES, make_set

ROOT = Path(__file__).parents[3]
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


def run_in_process(feats: Path, out: Path, *more: str, **settings: object) -> subprocess.Popen:
    """Start the command; its log can be read from stderr."""
    values = ",".join(f"{key}={value}" for key, value in (SMALL | settings).items())
    command = [
        sys.executable,
        "-m",
        "steps.sid.train",
        "--feats",
        str(feats),
        "--out",
        str(out),
        "--set",
        values,
        *more,
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment)


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


ALL = {
    "network": "mamba2", "width": 16, "layers": 2, "d_state": 8, "head_dim": 8, "chunk": 16, "stride": 1,
    "epochs": 2, "dropout": 0.1, "precision": "bf16", "recompute": "true", "accumulate": 2, "average": 2,
    "schedule": "cosine", "warm_up": 3, "save_every": 2, "updates_per_epoch": 5, "batching": "buckets",
    "balance": "weights",
}  # fmt: skip


def test_killed_and_resumed_it_ends_with_the_same_bytes(feats, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(feats, whole, **ALL) == 0
    assert {"averaged.safetensors", "best.safetensors", "last.safetensors"} <= set(files(whole))
    process = run_in_process(feats, parts, **ALL)
    for line in process.stderr:
        if "epoch 1:" in line:
            time.sleep(0.1)
            process.kill()
    assert process.wait() == -signal.SIGKILL and not parts.exists()
    assert run(feats, parts, **ALL) == 0
    assert files(parts) == files(whole)


def test_two_processes_equal_one_with_the_double_batch(feats, tmp_path):
    """Batch norm and class weights too; 20 updates in unequal parts, of utterances of all lengths."""
    settings = {"batching": "buckets", "balance": "weights", "epochs": 2, "updates_per_epoch": 10, "batch_size": 15}
    settings |= {"lr": 0.001}
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert run(feats, alone, **settings) == 0
    process = run_in_process(feats, together, "--num_gpus", "2", "--use_gpu", "false", **settings)
    assert process.communicate()[1] and process.returncode == 0
    one, two = (load_file(path / "weights.safetensors") for path in (alone, together))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-4
    for a, b in zip(rows(alone)[1:], rows(together)[1:], strict=True):
        assert a == pytest.approx(b, rel=1e-3, abs=1e-4)


def test_several_models_in_one_array_of_jobs(tmp_path):
    """Each job has the file of its own model; these files are refused, which says so at once."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(f"network: {name}\n")
    exp = tmp_path / "exp"
    command = ["steps/sid/train.sh", "--models", "one,two", "--conf_dir", str(tmp_path), str(tmp_path), str(exp)]
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert failed.returncode == 1
    for number, name in enumerate(("one", "two"), 1):
        said = f"{tmp_path}/{name}.yaml: network: expected one of"
        assert said in (exp / "log" / f"train.{number}.log").read_text() and said in failed.stderr
    for models, said in (
        ("one,three", "--models three: no "),
        ("one,one", "a name comes twice"),
        ("..", "expected names"),
    ):
        command[2] = models
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert refused.returncode == 1 and said in refused.stderr and refused.stderr.count("\n") == 1


def test_speakers_that_are_not_in_train_are_judged_by_their_eer(feats, tmp_path):
    root = tmp_path / "feats"
    make_set(root / "train", range(8), 6)
    make_set(root / "dev", range(10, 16), 4)
    assert run(root, tmp_path / "model", epochs=2) == 0
    last = rows(tmp_path / "model")[-1]
    assert 0 <= last["dev_eer"] < 0.4 and not any(key.startswith(("dev_loss", "test")) for key in last)


def test_what_cannot_be_used_is_listed(feats, tmp_path):
    root = tmp_path / "feats"
    make_set(root / "train", range(4), 6)
    make_set(root / "dev", range(3, 5), 3)
    num_frames = root / "train" / "utt2num_frames"
    shortest = min((int(line.split()[1]), line.split()[0]) for line in num_frames.read_text().splitlines())
    assert run(root, tmp_path / "model", epochs=1, min_seconds=(shortest[0] + 1) / 100) == 0
    listed = (tmp_path / "model" / "failures.tsv").read_text().splitlines()[1:]
    assert f"{shortest[1]}\tshort\t{shortest[0]} frames, fewer than {shortest[0] + 1}" in listed
    assert [line for line in listed if "\tspeaker\t" in line] == [
        f"s04-dev{number}\tspeaker\ts04 is not in train" for number in range(3)
    ]


def broken(root: Path, name: str) -> None:
    """Spoil the sets in one way."""
    if name == "nan":
        make_set(root / "train", range(3), 4, spoil=("s01-train2", 7, float("nan")))
    else:
        make_set(root / "train", range(1) if name == "one speaker" else range(3), 4)
    make_set(root / "dev", range(7, 8) if name == "one other" else range(3), 1)
    if name == "other features":
        text = (root / "dev" / "features.json").read_text()
        (root / "dev" / "features.json").write_text(text.replace("16000", "8000"))


@pytest.mark.parametrize(
    ("name", "said", "settings"),
    [
        ("nan", "train: s01-train2: frame 8 has nan, which is no finite float16", {}),
        ("one speaker", "one speaker; expected two or more", {}),
        ("other features", "dev: features of other options than", {}),
        ("one other", "there is nothing to measure", {}),
        ("good", "decides: eer: ", {"decides": "eer"}),
        ("good", "each is shorter than 9900 frames", {"min_seconds": 99}),
        ("good", "unknown option; valid ones are", {"crop": 3}),
        ("good", "bf16=true: is now precision=bf16", {"bf16": "true"}),
        ("good", "least_crop_seconds: ", {"least_crop_seconds": 5}),
    ],
)
def test_bad_input_is_one_line(tmp_path, capsys, name, said, settings):
    broken(tmp_path / "feats", name)
    assert run(tmp_path / "feats", tmp_path / "model", epochs=1, **settings) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert said in line and not (tmp_path / "model").exists()
