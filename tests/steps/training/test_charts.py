"""Charts of losses: what of the metrics is drawn and listed, epochs once and in order, and what is refused."""

import json
from pathlib import Path

import pytest

from steps.training import charts


def write_metrics(model: Path, rows: list[dict]) -> Path:
    model.mkdir(parents=True)
    (model / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return model


def sid_rows(epochs: range, offset: float = 0.0) -> list[dict]:
    """The metrics of these epochs as steps/sid writes them."""
    known = {"train_loss": 3.0, "train_accuracy": 0.1, "dev_loss": 2.0, "dev_accuracy": 0.3, "test_loss": 2.5}
    rows = [{"epoch": epoch, **{key: value + offset - epoch / 10 for key, value in known.items()}} for epoch in epochs]
    return [row | {"lr": 0.1} | ({} if row["epoch"] else {"train_loss": None}) for row in rows]


def draw(out: Path, *models: Path, more: tuple[str, ...] = ()) -> int:
    return charts.main(["--models", ",".join(map(str, models)), "--out", str(out), *more])


def numbers(out: Path) -> dict:
    return json.loads((out / "charts.json").read_text())


def test_one_model_from_the_first_epoch(tmp_path):
    model = write_metrics(tmp_path / "conv$1d", sid_rows(range(4)))
    assert draw(tmp_path / "out", model) == 0
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {"conv$1d.png"}
    found = numbers(tmp_path / "out")["conv$1d"]
    assert found["epoch"] == [1, 2, 3] and found["dev_loss"] == pytest.approx([1.9, 1.8, 1.7]) and "lr" in found
    assert draw(tmp_path / "all", model, more=("--first_epoch", "0")) == 0
    found = numbers(tmp_path / "all")["conv$1d"]
    assert found["epoch"] == [0, 1, 2, 3] and found["train_loss"][0] is None


def test_no_epoch_is_there_twice(tmp_path):
    joined = sid_rows(range(4)) + sid_rows(range(2, 6), offset=0.5)
    assert draw(tmp_path / "out", write_metrics(tmp_path / "model", joined)) == 0
    found = numbers(tmp_path / "out")["model"]
    assert found["epoch"] == [1, 2, 3, 4, 5] and found["dev_loss"] == pytest.approx([1.9, 2.3, 2.2, 2.1, 2.0])


def test_models_of_any_task_are_drawn_together_and_a_second_time_nothing_is_done(tmp_path):
    models = [
        write_metrics(tmp_path / "_mamba2", sid_rows(range(3))),
        write_metrics(tmp_path / "short", sid_rows(range(2))),
        write_metrics(tmp_path / "mdn", [{"epoch": 1, "train_nll": 2.0, "dev_nll": 3.0, "lr": 0.1}]),
        write_metrics(tmp_path / "open", [{"epoch": 1, "train_loss": 2.0, "dev_eer": 0.1, "skill": 3}]),
    ]
    out = tmp_path / "out"
    assert draw(out, *models) == 0
    assert {path.stem for path in out.glob("*.png")} == {"_mamba2", "short", "mdn", "open", "all"}
    grid = charts.models_grid(
        {name: charts.read_curves(path / "metrics.jsonl", 1) for name, path in zip("abcd", models, strict=True)}
    )
    drawn = {chart.label: list(chart.lines) for row in grid for chart in row if chart.lines}
    assert drawn["dev: loss"] == ["a", "b"] and drawn["train: loss"] == ["a", "b", "d"]
    assert drawn["dev: equal error rate"] == ["d"] and drawn["skill"] == ["d"] and drawn["train: NLL, nats"] == ["c"]
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert draw(out, *models) == 0 and {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('{"epoch": 1}\n{"epoch": "two"}\n', "metrics.jsonl:2: expected an object with a whole number as epoch"),
        ('{"epoch": 1, "dev_loss": "low"}\n', "metrics.jsonl:1: dev_loss: expected a number up to 1e+100, found 'low'"),
        ('{"epoch": 1, "dev_loss": %s}\n' % ("9" * 400), "metrics.jsonl:1: dev_loss: expected a number up to 1e+100"),
        ('{"epoch": 1, "dev_loss": NaN}\n', "metrics.jsonl:1: dev_loss: expected a number up to 1e+100, found nan"),
        ('{"epoch": %s, "dev_loss": 1}\n' % ("9" * 400), "metrics.jsonl:1: epoch: expected a number up to"),
        ('{"epoch": 1, "lr": 0.1}\n', "metrics.jsonl: no figure of any epoch"),
        ('{"epoch": 1\n', "metrics.jsonl:1: not JSON"),
        ('{"epoch": 0, "dev_loss": 1}\n', "no epoch from 1 on"),
        ("", "no epoch from 1 on"),
    ],
)
def test_metrics_that_cannot_be_drawn_are_named(tmp_path, capsys, lines, said):
    model = write_metrics(tmp_path / "model", [])
    (model / "metrics.jsonl").write_text(lines)
    assert draw(tmp_path / "out", model) == 1
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_models_that_are_not_there_or_share_a_name_are_refused(tmp_path, capsys):
    model = write_metrics(tmp_path / "a" / "model", sid_rows(range(3)))
    same = write_metrics(tmp_path / "b" / "model", sid_rows(range(3)))
    assert draw(tmp_path / "out", model, tmp_path / "none") == 1
    assert draw(tmp_path / "out", model, same) == 1
    said = capsys.readouterr().err.splitlines()
    assert "metrics.jsonl: no such file" in said[0] and "two models of this name" in said[1] and len(said) == 2
