"""The figures of verification as tables and as a picture."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from steps.verify.trial_design import OWN, SAMPLED, STRANGER

COLOURS = {OWN: "#1b9e77", STRANGER: "#9aa0a6", SAMPLED: "#1a5fb4"}
LABELS = {OWN: "the speaker's own utterances", STRANGER: "other real speakers", SAMPLED: "sampled speakers"}
BARS = 60
ABOUT = (
    "A trial compares an enrolled real speaker with a test: the own other utterances (targets), those of other"
    " real speakers (strangers), or a sampled speaker. Real speakers alone set the threshold. Intervals: 95 %,"
    " {draws:,} draws of speakers; those of acceptance keep the threshold."
)


def markdown(figures: Mapping[str, Any], draws: int) -> str:
    """summary.md: a row for each list of scores and subset of its trials, in two tables."""
    about = ABOUT.format(draws=draws)
    lines = ["# Real strangers and sampled speakers", "", about, "", *_errors(figures), "", *_acceptance(figures)]
    if any("detection" in found for _, _, found in _rows(figures)):
        lines += ["", *_detection(figures)]
    return "\n".join(lines) + "\n"


def _errors(figures: Mapping[str, Any]) -> Iterator[str]:
    yield "| scores | trials | targets | strangers | sampled | equal error rate | 95 % |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for name, subset, found in _rows(figures):
        counts = " | ".join(f"{found['trials'][kind]:,}" for kind in (OWN, STRANGER, SAMPLED))
        yield f"| {name} | {subset} | {counts} | {_percent(found['eer'])} | {_range(found['eer_ci95'])} |"


def _acceptance(figures: Mapping[str, Any]) -> Iterator[str]:
    columns = "strangers accepted | 95 % | sampled accepted | 95 % | sampled less strangers, 95 % | targets missed"
    yield f"| scores | trials | threshold at | {columns} |"
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, subset, found in _rows(figures):
        for place, at in found["at"].items():
            where = "equal errors" if place == "eer" else f"{place} of strangers"
            cells = [_percent(at[STRANGER]), _range(at[f"{STRANGER}_ci95"]), "-", "-", "-"]
            if SAMPLED in at:
                cells[2:] = _percent(at[SAMPLED]), _range(at[f"{SAMPLED}_ci95"]), _range(at["difference_ci95"])
            yield f"| {name} | {subset} | {where} | {' | '.join(cells)} | {_percent(at['misses'])} |"


def _detection(figures: Mapping[str, Any]) -> Iterator[str]:
    yield "| scores | trials | minDCF(0.01) | 95 % | misses and false alarms there |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for name, subset, found in _rows(figures):
        own = found["detection"]
        errors = f"{own['min_dcf_misses']:,} and {own['min_dcf_false_alarms']:,}"
        low, high = own["min_dcf_ci95"]
        yield f"| {name} | {subset} | {own['min_dcf']:.3f} | {low:.3f} to {high:.3f} | {errors} |"


def _rows(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    return ((name, subset, found) for name, subsets in figures.items() for subset, found in subsets.items())


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _range(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.2%} to {bounds[1]:.2%}"


def draw_scores(path: Path, scores: Mapping[str, np.ndarray], source: np.ndarray, figures: Mapping[str, Any]) -> None:
    """scores.png: a panel for each list of scores (P,) with the distribution of each source (P,) and the threshold."""
    figure = Figure(figsize=(9.6, 3.4), dpi=160, layout="constrained")
    axes = figure.subplots(1, len(scores), squeeze=False)[0]
    for axis, (name, values) in zip(axes, scores.items(), strict=True):
        low, high = np.quantile(values, [0.001, 1])
        borders = np.linspace(low, high + 1e-9, BARS + 1)
        for kind, colour in COLOURS.items():
            mine = values[source == kind]
            if len(mine):
                inside = np.clip(mine, low, high)  # the outermost bar holds the scores beyond
                weights = np.full(len(mine), 100 / len(mine))
                axis.hist(inside, borders, weights=weights, color=colour, alpha=0.55, label=LABELS[kind])
        threshold = next(iter(figures[name].values()))["at"]["eer"]["threshold"]
        axis.axvline(threshold, color="#202124", linewidth=1.2, linestyle="dashed", label="equal errors")
        axis.set_title(name, fontsize=10, parse_math=False)
        axis.set_xlabel("score")
        axis.set_ylabel("trials of the kind, %")
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=9, frameon=False)
    figure.savefig(path, metadata={"Software": None})
