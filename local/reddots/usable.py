"""Lists without the recordings that cannot be used: what goes with them is written into a table, a line each.

A model loses a faulty recording, and goes with all its trials where it has no other; a trial goes with its test.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from local.reddots.parts import PartList
from utils.command import logger
from utils.errors import InputError

log = logger(__name__)
LEFT_OUT = "left_out.tsv"
UNUSABLE, UNLISTED = "none of its recordings can be used", "no line in the .trn of this list"
HEADER = ("list", "what", "name", "reason", "trials", "detail")


@dataclass
class LeftOutRows:
    """What is not used: rows of list, what (enrolment, test, model, other), name, reason, trials that go, detail."""

    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, part: str, what: str, name: str, reason: str, trials: int, detail: str) -> None:
        self.rows.append((part, what, name, reason, str(trials), detail))

    def write(self, path: Path) -> None:
        """Write all rows, sorted, under a header, and log how many there are."""
        path.write_text("".join("\t".join(row) + "\n" for row in (HEADER, *sorted(self.rows))), encoding="utf-8")
        for (what, reason), count in sorted(Counter((row[1], row[3]) for row in self.rows).items()):
            names = sorted({row[2] for row in self.rows if row[1] == what and row[3] == reason})
            more = ", ..." if len(names) > 3 else ""
            log.warning("left out: %d of %s, %s: %s%s", count, what, reason, ", ".join(names[:3]), more)


def without_faults(part: PartList, faults: Mapping[str, tuple[str, str]], left_out: LeftOutRows) -> PartList:
    """The list of what can be used. Raises InputError where nothing is left."""
    models = {}
    for model, recordings in part.models.items():
        kept = tuple(name for name in recordings if name not in faults)
        for name in recordings:
            if name in faults:
                left_out.add(part.name, "enrolment", name, faults[name][0], 0, faults[name][1])
        if kept:
            models[model] = kept
    trials, tried = part.trials, set(part.trials.enrolments)
    listed, left = ({str(model) for model in some} for some in (part.models, models))
    of_models = {name: (UNUSABLE if name in listed else UNLISTED, "") for name in trials.enrolments if name not in left}
    of_tests = {name: faults[name] for name in trials.tests if name in faults}
    lost_models = _note(part, "model", trials.enrolments, trials.enrol, of_models, left_out)
    lost_tests = _note(part, "test", trials.tests, trials.test, of_tests, left_out)
    for model in sorted(left - tried):
        left_out.add(part.name, "model", model, "no trial", 0, "")
    rows = ~(lost_models | lost_tests)
    if not rows.any():
        raise InputError(f"{part.files[-1]}: no trial of list {part.name} is left, since recordings cannot be used")
    return replace(part, models={model: models[model] for model in models if str(model) in tried}, trials=part.of(rows))


def _note(
    part: PartList,
    what: str,
    names: Sequence[str],
    side: np.ndarray,
    reasons: Mapping[str, tuple[str, str]],
    left_out: LeftOutRows,
) -> np.ndarray:
    """Add a row for each name of one side (P,) of the trials that has a reason to go. Returns (P,) which trials go."""
    counts = np.bincount(side, minlength=len(names))
    for number, name in enumerate(names):
        if name in reasons:
            left_out.add(part.name, what, name, reasons[name][0], int(counts[number]), reasons[name][1])
    return np.array([name in reasons for name in names], bool)[side]
