"""What samples are heard as, beside what they were asked for: the confusion of attributes, and the figures of groups.

    document["heard"] = heard_shares(scorer.data, scorer.judges, scorer.seed, examples)

The judges' likeliest value counts (`judges.posteriors`). Real training speakers, each of whom counts as one, stand
beside the samples, since judges err with them too.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steps.score.data import ScoreData
from steps.score.evaluation import Examples
from steps.score.judges import POOLED, Judge, posteriors
from steps.score.pictures import DARK, INK, Drawn, panel, shown
from steps.score.results import plain
from steps.score.understanding import in_order, speaker_weights

MOST_ROWS = 5000  # samples, or real vectors, that are judged
REAL = "real"


def heard_shares(
    data: ScoreData, judges: Mapping[str, Judge], seed: int, examples: Mapping[str, Examples]
) -> dict[str, Any]:
    """What is heard, as plain numbers.

    Args:
        judges: see `fit_judges`.
    Returns:
        attributes: attribute -> values (C), and of `real` and each of `models` the shares (C, C) of the values that
            are heard, a row for each value asked for; a row of no sample is of nulls.
        groups: group -> `train` and `test` speakers; and of `real` and each of `models`, attribute -> the share that
            is heard as asked.
    """
    rows = np.sort(np.random.default_rng([seed, 5]).permutation(len(data.train.x))[:MOST_ROWS])
    real = data.train.where(rows)
    sets = [(None, real.x, real.groups, speaker_weights(real.speaker_codes))]
    for model, one in examples.items():
        sets.append((model, one.x[:MOST_ROWS], one.groups[:MOST_ROWS], np.ones(min(len(one.x), MOST_ROWS))))
    pooled = judges[POOLED]
    classes = {name: in_order(values) for name, values in zip(pooled.attributes, pooled.classes, strict=True)}
    attributes = {name: {"values": values, "models": {}} for name, values in classes.items()}
    groups: dict[str, dict] = {group: {**_speakers(data, group), "models": {}} for group in data.groups}
    for model, x, asked_groups, weights in sets:
        found, asked = posteriors(judges, x), data.values(asked_groups)
        for column, (name, own) in enumerate(zip(pooled.attributes, pooled.classes, strict=True)):
            heard = np.array(own)[found[name].argmax(axis=1)]
            of_attribute = attributes[name]
            shares = _shares(asked[:, column], heard, weights, classes[name])
            (of_attribute if model is None else of_attribute["models"])[model or REAL] = shares
            right = heard == asked[:, column]
            for group, of_group in groups.items():
                mine = asked_groups == group
                share = float(np.average(right[mine], weights=weights[mine])) if mine.any() else np.nan
                (of_group if model is None else of_group["models"]).setdefault(model or REAL, {})[name] = share
    return plain({"attributes": attributes, "groups": groups})


def _speakers(data: ScoreData, group: str) -> dict[str, int]:
    sets = {"train": data.train, "test": data.test}
    return {name: len(np.unique(one.speakers[one.groups == group])) for name, one in sets.items()}


def _shares(asked: np.ndarray, heard: np.ndarray, weights: np.ndarray, values: list[str]) -> list[list[float]]:
    """Shares (C, C) of what is heard where each value is asked for."""
    table = np.array([[weights[(asked == row) & (heard == column)].sum() for column in values] for row in values])
    totals = table.sum(axis=1, keepdims=True)
    return np.where(totals > 0, table / np.where(totals > 0, totals, 1), np.nan).tolist()


def confusion_panels(heard: Mapping[str, Any], model: str) -> Drawn:
    """For each attribute, what is heard of real speakers and of the samples of a model, in per cent of each row."""
    drawn = []
    for name, found in heard["attributes"].items():
        values = found["values"]
        size = len(values)
        figure, axes = panel(1.5 + 0.42 * size, columns=2, sharey=True)
        tables = (("real speakers", found[REAL]), (shown(model), found["models"][model]))
        for axis, (title, rows) in zip(axes, tables, strict=True):
            table = np.array(rows, dtype=float).reshape(size, size)  # null is NaN
            axis.imshow(table, cmap="cividis", vmin=0, vmax=1, aspect="auto")
            for (row, column), share in np.ndenumerate(table):
                text = "-" if np.isnan(share) else f"{100 * share:.0f}"
                colour = "white" if share < DARK else INK
                axis.text(column, row, text, ha="center", va="center", fontsize=10, color=colour)
            turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if size > 4 else {}
            axis.set_xticks(range(size), [shown(value) for value in values], **turned)
            axis.set_title(title, fontsize=9.5)
            axis.tick_params(length=0)
            axis.spines[:].set_visible(False)
        axes[0].set_yticks(range(size), [shown(value) for value in values])
        axes[0].set_ylabel("asked for", fontsize=9)
        figure.supxlabel("heard", fontsize=9)
        figure.suptitle(shown(name.replace("_", " ")), fontsize=10, fontweight="bold")
        drawn.append((f"{name.replace('_', ' ')}: {_in_words(found, model)}", figure))
    return drawn


def _in_words(found: Mapping[str, Any], model: str) -> str:
    """The diagonals of the tables."""
    said = []
    for title, rows in (("real", found[REAL]), (model, found["models"][model])):
        right = [(value, row[place]) for place, (value, row) in enumerate(zip(found["values"], rows, strict=True))]
        told = ", ".join(f"{value} {100 * share:.0f} %" for value, share in right if share is not None)
        said.append(f"{title} heard as asked: {told}")
    return "; ".join(said)
