"""Draw the losses and accuracies of trained models, each epoch's, from their `metrics.jsonl`.

Writes, for each model, <name>.png: a panel for each figure with a line for train, dev and test; where there are several
models also all.png: a panel for each figure of each set with a line for each model; and charts.json, the same numbers.
A key of the metrics is `<set>_<figure>`, such as dev_loss, of any task. An epoch that stands there twice, as in files
that were joined, counts as the last line says. Epoch 0 is the state before training: it is drawn on request, since
some trainings begin with a model of its own, such as the closed-form start of the mdn.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from steps.training.curve import METRICS
from utils.command import logger, run_command
from utils.errors import InputError, absence, brief
from utils.json_files import json_text, parse_json
from utils.options import option
from utils.stage_dir import StageDir
from utils.tables import read_lines

log = logger(__name__)
SETS = ("train", "dev", "test")
ALL, NUMBERS = "all", "charts.json"
NOT_DRAWN = ("epoch", "lr")
MOST = 1e100  # of a number that is drawn
FIGURES = {"nll": "NLL, nats", "eer": "equal error rate"}  # as labels name them; others by their key

Curves = dict[str, list[float | None]]  # key of the metrics, and `epoch` -> a value for each epoch


class Trace(NamedTuple):
    """One key of the metrics of a model."""

    curves: Curves
    key: str


class Chart(NamedTuple):
    """A panel: the label of its vertical axis, and its lines by name."""

    label: str
    lines: dict[str, Trace]


Grid = list[list[Chart]]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    models: tuple[Path, ...] = option(help="directories of trained models, separated by commas")
    out: Path = option(help="directory to write")
    first_epoch: int = option(1, "first epoch that is drawn; 0: the state before training too", least=0, most=10**6)
    force: bool = option(False, "draw again even if nothing has changed")


def work(options: Options) -> None:
    """Read the metrics of all models, draw them and commit the directory."""
    paths = metrics_files(options.models)
    decisive = {"models": list(paths), "first_epoch": options.first_epoch}
    with StageDir(options.out, decisive, paths.values(), options.force, command="steps.training.charts") as stage:
        if stage.done:
            return
        curves = {name: read_curves(path, options.first_epoch) for name, path in paths.items()}
        text = json_text(curves, stage.dir / NUMBERS, indent=1, ensure_ascii=False)
        (stage.dir / NUMBERS).write_text(f"{text}\n", encoding="utf-8")
        for name, own in curves.items():
            draw(stage.dir / f"{name}.png", name, model_grid(own))
        if len(curves) > 1:
            draw(stage.dir / f"{ALL}.png", f"{len(curves)} models", models_grid(curves))
        log.info("%s: %d models", stage.final, len(curves))


def metrics_files(models: Sequence[Path]) -> dict[str, Path]:
    """Name of each model, that of its directory -> its metrics."""
    files: dict[str, Path] = {}
    for model in models:
        name, path = model.absolute().name, model / METRICS
        if not path.is_file():
            raise InputError(f"{path}: {absence(path, 'file')}; expected a directory that a training has written")
        if name in files or name == ALL:
            why = f"the picture of all models is {ALL}.png" if name == ALL else "two models of this name"
            raise InputError(f"--models: {brief(name)}: {why}; rename the directory")
        files[name] = path
    if not files:
        raise InputError("--models: no model; expected directories, separated by commas")
    return files


def read_curves(path: Path, first_epoch: int) -> Curves:
    """The metrics of each epoch from `first_epoch` on, in the order of the epochs, each epoch once."""
    rows: dict[int, Mapping[str, Any]] = {}
    for number, line in enumerate(read_lines(path), 1):
        row = parse_json(line, str(path), number)
        if not isinstance(row, dict) or type(row.get("epoch")) is not int:
            raise InputError(f"{path}:{number}: expected an object with a whole number as epoch, found {brief(row)}")
        for key, value in row.items():
            if value is not None and not (type(value) in (int, float) and abs(value) <= MOST):
                raise InputError(f"{path}:{number}: {key}: expected a number up to {MOST:g}, found {brief(value)}")
        rows[row["epoch"]] = row
    epochs = sorted(epoch for epoch in rows if epoch >= first_epoch)
    if not epochs:
        raise InputError(f"{path}: no epoch from {first_epoch} on; nothing is learned there yet")
    keys = dict.fromkeys(key for epoch in epochs for key in rows[epoch])
    if keys.keys() <= {*NOT_DRAWN}:
        raise InputError(f"{path}: no figure of any epoch; expected such as train_loss and dev_loss")
    return {key: [rows[epoch].get(key) for epoch in epochs] for key in keys}


def figure_of(key: str) -> tuple[str, str]:
    """Figure and set of a key: dev_loss is the loss of dev; a key without a set is of no set."""
    name, _, figure = key.partition("_")
    return (figure, name) if name in SETS and figure else (key, "")


def keys_by_figure(curves: Curves) -> dict[str, dict[str, str]]:
    """Figure -> set -> key, the sets in the order of SETS."""
    found: dict[str, dict[str, str]] = {}
    for key in curves:
        if key not in NOT_DRAWN:
            figure, name = figure_of(key)
            found.setdefault(figure, {})[name] = key
    return {figure: {name: sets[name] for name in (*SETS, "") if name in sets} for figure, sets in found.items()}


def model_grid(curves: Curves) -> Grid:
    """A panel for each figure, with a line for each set."""
    return [
        [Chart(FIGURES.get(figure, figure), {name or figure: Trace(curves, key) for name, key in sets.items()})]
        for figure, sets in keys_by_figure(curves).items()
    ]


def models_grid(models: Mapping[str, Curves]) -> Grid:
    """A row for each figure, in it a panel for each set, with a line for each model that has it."""
    keys = keys_by_figure({key: [] for curves in models.values() for key in curves})
    names = [name for name in (*SETS, "") if any(name in sets for sets in keys.values())]
    return [
        [
            Chart(
                f"{name}: {FIGURES.get(figure, figure)}".removeprefix(": "),
                {model: Trace(curves, sets[name]) for model, curves in models.items() if sets.get(name) in curves},
            )
            for name in names
        ]
        for figure, sets in keys.items()
    ]


def draw(picture: Path, title: str, grid: Grid) -> None:
    """Draw charts in rows and columns; one that has no line is left blank."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows, columns = len(grid), len(grid[0])
    with rc_context({"text.parse_math": False}):  # a $ in a name is a $
        figure = Figure(figsize=(max(7, 4.5 * columns), 3.4 * rows + 0.4), layout="constrained")
        for row, charts in zip(figure.subplots(rows, columns, squeeze=False, sharey="row"), grid, strict=True):
            for axes, chart in zip(row, charts, strict=True):
                axes.set_visible(bool(chart.lines))
                for name, line in chart.lines.items():
                    values = [math.nan if value is None else value for value in line.curves[line.key]]
                    mark = "o" if len(values) == 1 else ""
                    axes.plot(line.curves["epoch"], values, marker=mark, label=f" {name}")  # "_" would hide a name
                axes.set(xlabel="epoch", ylabel=chart.label)
                axes.xaxis.get_major_locator().set_params(integer=True)
                if chart.lines:
                    axes.legend(fontsize=8)
        figure.suptitle(title)
        figure.savefig(picture, dpi=110, metadata={"Software": None})


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
