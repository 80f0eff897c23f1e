"""The top-level RESULTS.md: one section for each benchmark, replaced by its next run, in a fixed order.

    record(Path("RESULTS.md"), "Training speed", command_line("tests.bench.train_speed", options), body)

A section names the command that wrote it and the machine and versions that it ran on.
"""

import dataclasses
import importlib.metadata
import os
import platform
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from utils.errors import InputError
from utils.option_values import as_dict
from utils.run_info import git_revision

PATH = Path("RESULTS.md")
SECTIONS = (
    "Quality of the generators",
    "Generators beside rivals",
    "Calibration",
    "Three sources",
    "Following people's words",
    "Descriptions of persons",
    "The first minutes",
    "Training speed",
    "Start in closed form",
    "Training on a GPU",
    "Data speed",
    "Sampling speed",
    "Scoring speed",
    "Growth",
    "Rows by the million",
    "Launchers",
    "Embeddings of real speakers",
    "Trials of all pairs",
    "Dynamic time warping",
    "Best paths through phrases",
    "Training of i-vectors",
    "Judges of attributes",
    "Planted faults",
    "Speed of metrics",
    "Sampled speakers beside real strangers",
    "Cohorts of sampled speakers",
    "PLDA trained on sampled speakers",
    "Downstream programs",
    "Extraction speed",
    "Extraction on a GPU",
    "Who speaks?",
    "Short phrases",
    "Speech recognition",
    "Scans of Mamba: time",
    "Scans of Mamba: errors",
    "Scans of Mamba: memory",
    "Scans of Mamba: training",
    "Feature speed",
    "Detectors of speech",
    "Speed of units",
    "Resynthesis",
    "Language models of units",
    "Arrays: journals merged, work divided",
    "Many short files",
    "Kills of a whole recipe",
    "EM of Gaussian mixtures",
    "Likelihood ratios of trials",
    "Field cases",
    "Hostile input",
    "Mutated input",
)
PREFACE = """# Results

Every section was written by the command that stands in it, on the machine and with the versions that it names. Ratios
compare what ran in turn in one process, so that a busy machine slows both sides.
"""
PACKAGES = ("numpy", "torch", "kaldiio")
Row = tuple[object, str, str]  # what, measured, target


def record(path: Path, title: str, command: str, body: str) -> None:
    """Replace the section `title` of the file `path` by `command`, the machine and the Markdown `body`."""
    if title not in SECTIONS:
        raise InputError(f"{title!r} is no section of {path}; expected one of {', '.join(SECTIONS)}")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    sections = {name: found[0] for name in SECTIONS if (found := _section(name).search(text))}
    content = f"## {title}\n\n```sh\n{command}\n```\n\n{machine()}\n\n{body.strip()}"
    sections[title] = f"<!-- begin {title} -->\n{content}\n<!-- end {title} -->"
    blocks = [PREFACE.strip(), *(sections[name] for name in SECTIONS if name in sections)]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _section(title: str) -> re.Pattern[str]:
    return re.compile(rf"<!-- begin {re.escape(title)} -->.*?<!-- end {re.escape(title)} -->", re.DOTALL)


def command_line(module: str, options: Any) -> str:
    """The command that runs `module` with these options: those that differ from their defaults, and the threads."""
    plain = as_dict(options)
    words = ["python3", "-m", module]
    for field in dataclasses.fields(options):
        if getattr(options, field.name) != field.default and field.name != "results":
            value = plain[field.name]
            words += [f"--{field.name}", ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    threads = os.environ.get("OMP_NUM_THREADS")
    return (f"OMP_NUM_THREADS={threads} " if threads else "") + shlex.join(words)


def machine() -> str:
    """Processor, cores, memory and versions, in one line."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    facts = [f"{os.cpu_count()} cores", f"{memory:.0f} GiB", f"Python {platform.python_version()}", *versions]
    return f"{models[0] if models else platform.machine()}, {', '.join(facts)}, revision {git_revision()[:10]}."


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column stands left, the others right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def target(value: float, bound: str) -> str:
    """Whether `value` keeps a bound such as ">= 300" or "< 2", in words: the bound, and met or missed."""
    relation, _, limit = bound.partition(" ")
    met = value >= float(limit) if relation == ">=" else value < float(limit)
    return f"{bound}: {'met' if met else 'MISSED'}"
