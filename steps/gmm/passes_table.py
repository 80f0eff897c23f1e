"""The table of the passes of a training, and its picture: log-likelihood a frame under a growing mixture.

`passes.tsv` has a line a pass: group, pass, Gaussians, log-likelihood a frame under the mixture that the pass begins
with, and what its update has floored and pruned. Times are in the log: they differ from run to run.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

TABLE, PICTURE = "passes.tsv", "passes.png"
COLUMNS = ("gaussians", "log_likelihood", "floored", "pruned", "seconds")  # of a table of passes


def write_passes(path: Path, histories: Mapping[str, np.ndarray]) -> None:
    """Write the table.

    Args:
        histories: group -> (passes, columns).
    """
    lines = ["\t".join(("group", "pass", *COLUMNS[:-1]))]
    for group, history in histories.items():
        for number, (gaussians, likelihood, floored, pruned, _) in enumerate(history, 1):
            lines.append(f"{group}\t{number}\t{gaussians:.0f}\t{likelihood:.6f}\t{floored:.0f}\t{pruned:.0f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw_passes(path: Path, histories: Mapping[str, np.ndarray]) -> None:
    """Draw log-likelihoods against passes; a dotted line stands where the number of Gaussians grows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for group, history in histories.items():
        numbers = np.arange(1, len(history) + 1)
        axes.plot(numbers, history[:, 1], marker=".", label=f"{group}: {history[-1, 0]:.0f} Gaussians")
        for number in numbers[1:][np.diff(history[:, 0]) > 0]:
            axes.axvline(number - 0.5, color="0.7", linewidth=0.6, linestyle="dotted")
    axes.set(xlabel="pass", ylabel="log-likelihood a frame, nats")
    axes.legend()
    figure.savefig(path, dpi=110, metadata={"Software": None})
