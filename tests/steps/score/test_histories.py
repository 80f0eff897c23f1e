"""What models have left of their training: curves and calibration, as they are written or not."""

import json
from pathlib import Path

import pytest

from steps.score.histories import calibration_table, coverage_panels, read_histories, training_curves
from utils.errors import InputError
from utils.report_page import png_of

BEFORE = {"50": 0.3, "80": 0.5, "95": 0.7}
AFTER = {"50": 0.5, "80": 0.8, "95": 0.94}


def write(directory: Path, calibration: dict, *epochs: dict) -> Path:
    """A model's directory."""
    directory.mkdir()
    (directory / "calibration.json").write_text(json.dumps(calibration))
    if epochs:
        (directory / "metrics.jsonl").write_text("".join(f"{json.dumps(epoch)}\n" for epoch in epochs))
    return directory


def test_curves_and_calibration_are_told(tmp_path: Path):
    told = {
        "speakers": 16, "before": BEFORE, "after": AFTER, "temperatures": {"between": 1.24, "within": 0.9},
        "cosines": {"real": {"mean": 0.86, "deviation": 0.05}, "after": {"mean": 0.85, "deviation": 0.04}},
    }  # fmt: skip
    epochs = [
        {"epoch": 0, "train_nll": None, "dev_nll": -5.0, "lr": 0.1},
        {"epoch": 1, "train_nll": -5.0, "dev_nll": -7.0, "lr": 0.1},
        {"epoch": 2, "train_nll": -9.0, "dev_nll": -6.0, "lr": 0.1},
    ]
    models = {
        "$mdn$": write(tmp_path / "a", told, *epochs),
        "older": write(tmp_path / "b", {"speakers": 16, "temperatures": {"0.9": BEFORE, "1": AFTER}}),
        "cosines": write(tmp_path / "c", {"temperatures": {"within": 1.1}}),
        "samples": tmp_path,
    }
    found = read_histories(models)
    assert list(found.curves) == ["$mdn$"] and list(found.calibrated) == ["$mdn$", "older", "cosines"]
    ((words, figure),) = training_curves(found.curves)
    assert words == "Training of $mdn$, 3 epochs; epoch 1 was kept, with -7.0" and len(png_of(figure)) > 5000
    panels = dict(coverage_panels(found.calibrated))
    assert list(panels) == [
        "Calibration of $mdn$ on dev speakers: before: 30 / 50 / 70 % in the regions of 50 / 80 / 95 %; after: "
        "50 / 80 / 94 % in the regions of 50 / 80 / 95 %",
        "Calibration of older on dev speakers: spread x 0.9: 30 / 50 / 70 % in the regions of 50 / 80 / 95 %; spread x "
        "1: 50 / 80 / 94 % in the regions of 50 / 80 / 95 %",
    ]
    table = calibration_table(found.calibrated)
    row = dict(zip(table.header, (cell.text for cell in table.rows[0]), strict=True))
    assert row["before"] == "30 / 50 / 70 %" and row["after"] == "50 / 80 / 94 %"
    assert row["temperature: between"] == "1.24" and row["cosine: real"] == "0.860 ± 0.050"
    assert not any("nan" in cell.text.lower() for row in table.rows for cell in row)


@pytest.mark.hostile("calibration.json that is no calibration")
@pytest.mark.parametrize(
    "content", ['{"temperatures": 3}', '{"before": {"x": 1}, "after": {}}', '{"cosines": {"real": 1}}', "[]", "{"]
)
def test_a_file_that_is_no_calibration_is_told_in_a_line(tmp_path: Path, content: str):
    (tmp_path / "calibration.json").write_text(content)
    with pytest.raises(InputError, match="calibration.json"):
        read_histories({"m": tmp_path})
