"""The command that measures networks: each in a process of its own, and rows for those that memory does not hold."""

import json
from pathlib import Path

import pytest

from steps.sid.profile import Options, main, network_options
from steps.sid.profile_pages import draw
from utils.errors import InputError

SMALL = "width=32,layers=1,head_dim=16,d_state=8,embedding_dim=16"


def test_memory_and_time_of_one_network(tmp_path, caplog, capsys):
    """In one call, since the first process takes seconds to load torch."""
    words = ["--out", str(tmp_path / "out"), "--models", "mamba2", "--lengths", "50,800,200000", "--batches", "2"]
    words += ["--set", SMALL, "--most_gb", "0.1", "--runs", "1", "--use_gpu", "false"]
    assert main(words) == 0
    rows = json.loads((tmp_path / "out/profile.json").read_text())["rows"]
    found = {(row["mode"], row["frames"]): row for row in rows}
    assert [found[mode, 200_000]["state"] for mode in ("train", "infer")] == ["out of memory"] * 2
    for mode in ("train", "infer"):
        short, long = found[mode, 50], found[mode, 800]
        assert short["state"] == long["state"] == "done" and 0 < short["seconds"] < 60
        assert short["mib"] < long["mib"] < 102
    assert found["infer", 800]["mib"] < found["train", 800]["mib"]
    # features, and what 16-fold lengths add: at least the frames of one layer of 32 channels, forward and backward
    assert found["train", 800]["mib"] > 2 * 800 * (80 + 2 * 32) * 4 / 2**20
    table = (tmp_path / "out/profile.tsv").read_text().splitlines()
    assert len(table) == 7 and table[0].startswith("model\tmode\tbatch\tframes\tstate\tseconds\tmib")
    page = (tmp_path / "out/profile.md").read_text()
    assert "On cpu, 1 thread." in page and page.count("| out of memory |") == 2
    assert (tmp_path / "out/profile.png").read_bytes()[:4] == b"\x89PNG"
    assert main(words) == 0 and "is up to date" in caplog.text
    unfit = words.index("--set") + 1
    assert main([*words[:unfit], SMALL.replace("head_dim=16", "head_dim=24"), *words[unfit + 1 :]]) == 1
    assert "head_dim: expected a divisor of expand * width" in capsys.readouterr().err
    assert json.loads((tmp_path / "out/profile.json").read_text())["rows"] == rows


def test_files_of_training_say_what_is_measured(tmp_path):
    (tmp_path / "mine.yaml").write_text("network: conv1d\nwidths: [8, 16]\nlr: 0.1\nbatch_size: 7\n")
    options = Options(out=tmp_path, models=("mine",), conf_dir=tmp_path, set=(("kernel", "5"),))
    found = network_options("mine", options)
    assert (found.network, found.widths, found.kernel) == ("conv1d", (8, 16), 5)


@pytest.mark.parametrize("most", [1.4, 3, 4000])
def test_axes_have_two_numbers_or_more_however_near_the_measured_ones_are(most):
    rows = [
        {"mode": "train", "batch": 4, "model": "mamba2", "frames": frames, "mib": 6 * factor, "seconds": 0.06 * factor}
        for frames, factor in ((100, 1), (400, most))
    ]
    figure = draw(rows)
    figure.canvas.draw()
    for axes in figure.axes:
        low, high = axes.get_ylim()
        shown = [
            label.get_text() for label in axes.get_yticklabels(which="both") if low <= label.get_position()[1] <= high
        ]
        assert len([text for text in shown if text]) >= 2


@pytest.mark.parametrize("model", ["conv1d", "conv2d", "transformer", "mamba1", "mamba2", "bimamba2"])
def test_files_of_the_recipe_are_whole(model):
    conf = Path("egs/librispeech/sid/conf")
    found = network_options(model, Options(out=Path("out"), conf_dir=conf))
    assert found.network == {"conv2d": "conv2d_freq"}.get(model, model)


def test_unknown_networks_and_empty_grids_are_named(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "out"), "--models", "lstm"]) == 1
    assert "lstm: expected one of conv1d" in capsys.readouterr().err
    for words in (["--lengths", "3,3"], ["--batches", ""]):
        assert main(["--out", str(tmp_path / "out"), *words]) == 1
        assert "expected one value or more, each once" in capsys.readouterr().err
    (tmp_path / "bad.yaml").write_text("depth: 3\n")
    with pytest.raises(InputError, match="bad.yaml: depth: unknown option"):
        network_options("bad", Options(out=tmp_path, conf_dir=tmp_path))
    assert not (tmp_path / "out").exists()
