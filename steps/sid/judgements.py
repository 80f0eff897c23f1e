"""What systems did on closed and open sets, read from the directories of `steps.sid.classify` and of trial scores.

The directories are `<closed>/<system>/<condition>` and `<open>/<system>/<condition>/<scoring>`. One document holds all
figures:

    closed   system -> condition -> figures of identification, `genders`, `confused` pairs, `sessions`
    open     system -> condition -> scoring -> `all` | `same gender` -> figures of detection
    design   what `design.json` says of the trials
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steps.metrics.detection_figures import det_points, detection_figures
from steps.metrics.identification import identification_figures, most_confused
from steps.metrics.trial_files import DESIGN, enrolment_speakers, read_trial_scores, read_trials
from steps.metrics.trials import ScoredTrials, Trials
from steps.sid.classify import COLUMNS, PREDICTIONS
from utils.errors import InputError
from utils.json_files import read_json
from utils.tables import read_lines, read_table

SCORES = "scores"
MOST_CONFUSED = 10
ALL, SAME = SUBSETS = ("all", "same gender")
Curves = dict[tuple[str, str], dict[str, tuple[np.ndarray, np.ndarray]]]  # (condition, scoring) -> system -> DET curve


class SpeakerDraws(NamedTuple):
    """How intervals are drawn: the number of draws of speakers, and their seed."""

    n: int
    seed: int


def find(root: Path, depth: int, name: str) -> list[Path]:
    """The directories at a depth below `root` that have a file of this name, in order."""
    found = sorted(path.parent for path in root.glob("/".join(["*"] * depth + [name])) if path.is_file())
    if not found:
        raise InputError(
            f"{root}: no {'/'.join(['<name>'] * depth)}/{name} here; run the commands that make them first"
        )
    return found


def closed_figures(directories: Iterable[Path], draws: SpeakerDraws) -> dict[str, dict[str, Any]]:
    """The part `closed` of the document."""
    found: dict[str, dict[str, Any]] = {}
    for directory in directories:
        rows = read_predictions(directory / PREDICTIONS)
        ranks = np.array([int(row["rank"]) for row in rows])
        speakers = [row["speaker"] for row in rows]
        figures = identification_figures(ranks, speakers, *draws)
        genders = np.array([row["gender"] for row in rows])
        figures["genders"] = {
            gender: identification_figures(ranks[own], [speakers[row] for row in np.flatnonzero(own)], *draws)
            for gender in ("f", "m")
            if (own := genders == gender).any()
        }
        pairs = most_confused(speakers, [row["predicted"] for row in rows], MOST_CONFUSED)
        figures["confused"] = [pair._asdict() for pair in pairs]
        figures["sessions"] = dict(sorted(Counter(row["session"] for row in rows).items()))
        left_out = directory / "left_out.tsv"
        figures["left_out"] = len(read_lines(left_out)) - 1 if left_out.is_file() else 0
        found.setdefault(directory.parent.name, {})[directory.name] = figures
    return found


def read_predictions(path: Path) -> list[dict[str, str]]:
    """The rows of a table of `steps.sid.classify`."""
    lines = [line.split("\t") for line in read_lines(path)]
    if not lines or tuple(lines[0]) != COLUMNS or len(lines) < 2:
        raise InputError(f"{path}: expected a table of {', '.join(COLUMNS)}; make it anew with steps.sid.classify")
    for number, fields in enumerate(lines[1:], 2):
        if len(fields) != len(COLUMNS) or not fields[COLUMNS.index("rank")].isdecimal():
            raise InputError(f"{path}:{number}: expected {len(COLUMNS)} fields with a rank, found {fields}")
    return [dict(zip(COLUMNS, fields, strict=True)) for fields in lines[1:]]


def open_figures(
    trials_dir: Path, directories: Iterable[Path], draws: SpeakerDraws
) -> tuple[dict[str, Any], dict[str, Any], Curves]:
    """The parts `open` and `design` of the document, and the DET curves of all trials."""
    trials = read_trials(trials_dir / "trials")
    enrolments = enrolment_speakers(trials_dir, trials.enrolments)
    utt2spk = read_table(trials_dir / "test" / "utt2spk")
    found: dict[str, Any] = {}
    curves: Curves = {}
    for directory in directories:
        system, condition, scoring = directory.parts[-3:]
        scored = trials.scored(read_trial_scores(directory / SCORES, trials), enrolments, utt2spk)
        of_subsets = {name: detection_figures(part, *draws) for name, part in subsets(trials, scored).items()}
        found.setdefault(system, {}).setdefault(condition, {})[scoring] = of_subsets
        curves.setdefault((condition, scoring), {})[system] = det_points(scored)
    design = trials_dir / DESIGN
    return found, read_json(design) if design.is_file() else {}, curves


def subsets(trials: Trials, scored: ScoredTrials) -> dict[str, ScoredTrials]:
    """All trials, and, where genders are known, those of one gender."""
    same = trials.same_gender
    return {ALL: scored} | ({SAME: scored.of(same)} if (same & ~trials.targets).any() else {})


def one_session(document: Mapping[str, Any]) -> bool:
    """Whether some figure may measure the channel: sessions of training and test, or of a target, may be the same."""
    seen = any(
        set(figures["sessions"]) != {"new"}
        for of_system in document["closed"].values()
        for figures in of_system.values()
    )
    targets = {name: n for name, n in document["design"].items() if name.startswith("targets ")}
    within = sum(n for name, n in targets.items() if name != "targets across chapters")
    return seen or bool(document["open"]) and (not targets or within > 0)
