"""Fit a mixture density network in its directory, continuing what an interrupted run left there; draw its curve."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from steps.generators.contract import Workplace
from steps.generators.mdn.options import MdnOptions
from steps.generators.pairs import Pairs

if TYPE_CHECKING:
    from steps.generators.mdn.generator import MdnGenerator


def fit_mdn(train: Pairs, dev: Pairs, options: MdnOptions, place: Workplace) -> "MdnGenerator":
    """Train on `train`, stop by `dev`; checkpoints, `metrics.jsonl` and `curve.png` go to the directory of `place`."""
    from steps.generators.mdn.trainer import METRICS, Trainer

    generator = Trainer(train, dev, options, place).run()
    if place.first:
        draw_curve(place.directory / METRICS, place.directory / "curve.png")
    return generator


def draw_curve(metrics: Path, picture: Path) -> None:
    """Draw training and dev NLL against epochs from the lines of `metrics`."""
    from matplotlib.figure import Figure

    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    best = min(rows, key=lambda row: row["dev_nll"])
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    trained = [row for row in rows if row["train_nll"] is not None]
    axes.plot([row["epoch"] for row in trained], [row["train_nll"] for row in trained], label="training speakers")
    axes.plot([row["epoch"] for row in rows], [row["dev_nll"] for row in rows], label="dev speakers")
    axes.plot(best["epoch"], best["dev_nll"], "o", label=f"kept: epoch {best['epoch']}")
    axes.set_xlabel("epoch (0: closed-form start)")
    axes.set_ylabel("NLL, nats per embedding")
    axes.legend()
    figure.savefig(picture, dpi=110, metadata={"Software": None})
