"""The curve of a training: its figures against epochs, drawn from the lines of `metrics.jsonl`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steps.training.task import Report

METRICS, CURVE = "metrics.jsonl", "curve.png"


def draw_curve(metrics: Path, picture: Path, report: "Report") -> None:
    """Draw the panels of `report` one below the other. A dot marks the best epoch beside the deciding figure."""
    from matplotlib.figure import Figure

    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    best = (max if report.higher_is_better else min)(rows, key=lambda row: row[report.decides])
    figure = Figure(figsize=(7, 4 * len(report.panels)), layout="constrained")
    charts = figure.subplots(len(report.panels), squeeze=False)[:, 0]
    for axes, panel in zip(charts, report.panels, strict=True):
        for name, label in panel.lines.items():
            known = [row for row in rows if row.get(name) is not None]
            axes.plot([row["epoch"] for row in known], [row[name] for row in known], label=label)
        if report.decides in panel.lines:
            axes.plot(best["epoch"], best[report.decides], "o", label=f"kept: epoch {best['epoch']}")
        axes.set_xlabel(report.epochs)
        axes.set_ylabel(panel.label)
        axes.legend()
    figure.savefig(picture, dpi=110, metadata={"Software": None})
