"""Detection costs and DET curves of trials of single utterances, added to the figures of a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steps.metrics.det_picture import draw_det
from steps.metrics.detection_figures import det_points, detection_figures
from steps.metrics.trials import ScoredTrials, Trials
from steps.verify.acceptance import subsets
from utils.report_page import png_of


def add_detection(
    figures: dict[str, Any], trials: Trials, scored: Mapping[str, ScoredTrials], picture: Path, draws: int, seed: int
) -> None:
    """Add `detection` to the figures of each list of scores and subset, and draw their curves."""
    panels: dict[str, dict[str, Any]] = {}
    for name, found in figures.items():
        for subset, rows in subsets(trials).items():
            if subset in found:
                chosen = scored[name].of(rows)
                found[subset]["detection"] = detection_figures(chosen, draws, seed)
                panels.setdefault(subset, {})[name] = det_points(chosen)
    picture.write_bytes(png_of(draw_det(panels)))
