"""Tables and a picture of measured networks: profile.tsv, profile.json, profile.md and profile.png."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.json_files import json_text
from utils.option_values import as_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIB = 1 << 20
TITLES = {"train": "a training step", "infer": "inference"}
COLUMNS = ("model", "mode", "batch", "frames", "state", "seconds", "mib", "bytes_per_frame", "parameters", "device")
Row = dict[str, Any]


def write_profile(directory: Path, rows: Sequence[Row], options: Any) -> None:
    """Write tables and picture of rows with model, mode, batch, frames and state, and what was measured of them."""
    rows = [_with_units(row) for row in rows]
    content = {"options": as_dict(options) | {"set": dict(options.set)}, "rows": rows}
    text = json_text(content, directory / "profile.json", indent=1, ensure_ascii=False)
    (directory / "profile.json").write_text(f"{text}\n", encoding="utf-8")
    table = ["\t".join(COLUMNS), *("\t".join(_cell(row.get(name)) for name in COLUMNS) for row in rows)]
    (directory / "profile.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    (directory / "profile.md").write_text("\n".join(_page(rows, options)) + "\n", encoding="utf-8")
    draw(rows).savefig(directory / "profile.png", dpi=110, metadata={"Software": None})


def _with_units(row: Row) -> Row:
    """The row with mebibytes, and bytes for each frame of each utterance, instead of bytes."""
    if "bytes" not in row:
        return row
    frames = row["batch"] * row["frames"]
    kept = {name: value for name, value in row.items() if name != "bytes"}
    return kept | {"mib": round(row["bytes"] / MIB, 1), "bytes_per_frame": round(row["bytes"] / frames)}


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _page(rows: Sequence[Row], options: Any) -> list[str]:
    """A table for each mode: a line for each network and batch, two columns for each length."""
    devices = sorted({row["device"] for row in rows if "device" in row}) or ["no device"]
    threads = f", {options.threads} thread{'s' * (options.threads > 1)}" if "cpu" in devices else ""
    lines = ["# Memory and time of networks", "", f"On {', '.join(devices)}{threads}. Peak MiB and seconds."]
    found = {(row["model"], row["mode"], row["batch"], row["frames"]): row for row in rows}
    for mode in options.modes:
        heads = [f"{frames} frames: {unit}" for frames in options.lengths for unit in ("MiB", "s")]
        lines += ["", f"## {TITLES[mode].capitalize()}", "", _line("network", "parameters", "batch", *heads)]
        lines.append(_line(*["---"] * (3 + len(heads))))
        for model in options.models:
            sizes = [row["parameters"] for row in rows if row["model"] == model and "parameters" in row]
            for batch in options.batches:
                cells = [
                    _cell(found[model, mode, batch, frames].get(name)) if "mib" in found[model, mode, batch, frames]
                    else found[model, mode, batch, frames]["state"]
                    for frames in options.lengths for name in ("mib", "seconds")
                ]  # fmt: skip
                lines.append(_line(model, _cell(sizes[0] if sizes else None), str(batch), *cells))
    return lines


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def draw(rows: Sequence[Row]) -> "Figure":
    """Memory and seconds of each mode against length, a line for each network, a marker for each batch."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    modes, batches = (list(dict.fromkeys(row[name] for row in rows)) for name in ("mode", "batch"))
    models = list(dict.fromkeys(row["model"] for row in rows))
    figure = Figure(figsize=(10, 4 * len(modes)), layout="constrained")
    grid = figure.subplots(len(modes), 2, squeeze=False)
    for mode, pair in zip(modes, grid, strict=True):
        for axes, (name, label) in zip(pair, (("mib", "peak MiB"), ("seconds", "seconds")), strict=True):
            for number, model in enumerate(models):
                for style, batch in enumerate(batches):
                    own = [row for row in rows if (row["model"], row["mode"], row["batch"]) == (model, mode, batch)]
                    own = sorted((row["frames"], row[name]) for row in own if row.get(name))
                    look = {
                        "color": f"C{number % 10}",
                        "marker": "osD^vP*X"[style % 8],
                        "alpha": 0.5 + 0.5 / (1 + style),
                    }
                    axes.plot(*zip(*own, strict=True), label=f"{model}, batch {batch}", **look) if own else None
            axes.set(xscale="log", yscale="log", xlabel="frames", ylabel=label, title=TITLES[mode])
            lengths = sorted({row["frames"] for row in rows})
            axes.set_xticks(lengths, [str(length) for length in lengths])
            axes.xaxis.minorticks_off()
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7), numticks=12))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
            axes.grid(axis="y", color="#e0e0e0", linewidth=0.6)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize="small")
    return figure
