"""The curve shows each panel, and marks the epoch that was kept."""

import json

from matplotlib.figure import Figure

from steps.training.curve import draw_curve
from tests.steps.training.tiny import ACCURACY

ROWS = [
    {"epoch": 0, "train_loss": None, "dev_loss": 1.0, "accuracy": 0.3, "lr": 1},
    {"epoch": 1, "train_loss": 0.5, "dev_loss": 0.6, "accuracy": 0.9, "lr": 1},
    {"epoch": 2, "train_loss": 0.4, "dev_loss": 0.5, "accuracy": 0.8, "lr": 1},
]


def test_panels_lines_and_the_best_epoch(tmp_path, monkeypatch):
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    drawn, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, *a, **b: (drawn.append(figure), save(figure, *a, **b)))
    draw_curve(tmp_path / "metrics.jsonl", tmp_path / "curve.png", ACCURACY)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    loss, accuracy = drawn[0].axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in [*loss.lines, *accuracy.lines]}
    assert lines["train"] == [[1, 0.5], [2, 0.4]]
    assert lines["kept: epoch 1"] == [[1, 0.9]]
    assert len(loss.lines) == 2 and len(accuracy.lines) == 2
