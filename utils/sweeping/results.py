"""The results of a sweep: the state and value of each point, and the table of them as TSV and Markdown."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from utils.errors import InputError, cut
from utils.json_files import parse_json
from utils.slurm.array_task import exit_code
from utils.sweeping.array import log_of
from utils.sweeping.point_dir import is_finished
from utils.sweeping.sweep_file import Metric, Point, Sweep
from utils.tables import read_lines, read_text

STATE_DONE = "done"


class Result(NamedTuple):
    """The state of a point; its value if it is done."""

    point: Point
    value: float | None
    state: str


def point_results(sweep: Sweep) -> list[Result]:
    """All points, the best first; last those without a value, by name."""
    results = [_read_result(sweep, point) for point in sweep.points]
    sign = -1 if sweep.metric.best == "max" else 1
    return sorted(
        results, key=lambda result: (math.inf if result.value is None else sign * result.value, result.point.name)
    )


def _read_result(sweep: Sweep, point: Point) -> Result:
    """The state of a point, by its directory and its log."""
    directory, metric = sweep.directory(point), sweep.metric
    if not is_finished(directory, point.signature):
        return Result(point, None, _state(log_of(sweep.out, point)))
    try:
        value = best_value(directory / metric.file, metric)
    except InputError as error:  # such as bytes that are no text
        return Result(point, None, cut(str(error).removeprefix(f"{directory}/")))
    return Result(point, value, f"no {metric.key} in {metric.file}" if value is None else STATE_DONE)


def best_value(path: Path, metric: Metric) -> float | None:
    """The best finite value of the metric's key in a JSON or JSON-lines file; None if there is none."""
    if not path.is_file():
        return None
    texts = read_lines(path) if path.suffix == ".jsonl" else [read_text(path)]
    values = [value for text in texts if (value := _number(text, metric.key)) is not None]
    return (min if metric.best == "min" else max)(values, default=None)


def _number(text: str, key: str) -> float | None:
    """The finite number under `key` in a JSON object; None for anything else, such as a line cut short."""
    try:
        content = parse_json(text, key)
        value = content.get(key) if isinstance(content, dict) else None
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except (InputError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _state(log: Path) -> str:
    """How the last job of a point ended that is not done."""
    if not log.exists():
        return "not started"
    code = exit_code(log)
    return "killed" if code is None else f"failed (code {code})"


def error_lines(results: Iterable[Result], out: Path) -> list[str]:
    """The distinct error lines in the logs of these points."""
    logs = [log_of(out, result.point) for result in results]
    lines = [
        line
        for log in logs
        if log.exists()
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if ": ERROR: " in line
    ]
    return sorted(set(lines))


def table(sweep: Sweep, results: Sequence[Result]) -> str:
    """All results as TSV: the point, its overrides (- where it has none), the value in full, its state and its log."""
    lines = [("point", *sweep.keys, sweep.metric.key, "state", "log")]
    for result in results:
        value = "-" if result.value is None else repr(result.value)
        log = log_of(Path(), result.point)
        lines.append((result.point.name, *_overrides(sweep, result), value, result.state, str(log)))
    return "".join("\t".join(line) + "\n" for line in lines)


def page(title: str, picture: str, sweep: Sweep, results: Sequence[Result]) -> str:
    """All results in Markdown, under a line that counts them, with the picture."""
    metric, done = sweep.metric, sum(result.state == STATE_DONE for result in results)
    header = [*sweep.keys, metric.key, "state", "log"]
    rows = [header, ["---"] * len(header)]
    for result in results:
        value = "-" if result.value is None else f"{result.value:.6g}"
        log = log_of(Path(), result.point)
        texts = [text.replace("|", "\\|") for text in _overrides(sweep, result)]
        rows.append([*texts, value, result.state, f"[log](<{log}>)"])
    lines = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    counts = f"{len(results)} points: {done} done, {len(results) - done} not."
    ranks = f"Sorted by {metric.key}, the {metric.best} in `{metric.file}` of each point."
    return f"# {title}\n\n{counts} {ranks}\n\n{lines}\n\n![{metric.key}]({picture})\n"


def _overrides(sweep: Sweep, result: Result) -> list[str]:
    return [result.point.overrides.get(key, "-") for key in sweep.keys]
