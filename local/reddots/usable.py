"""Lists without the recordings that cannot be used: what goes with them is written into a table, a line each.

A model loses a faulty recording, and goes with all its trials where it has no other; a trial goes with its test.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from local.reddots.parts import PartList
from utils.command import logger
from utils.errors import InputError

log = logger(__name__)
LEFT_OUT = "left_out.tsv"
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
    trials, names_left = part.trials, {str(model) for model in models}
    lost_models = np.array([name not in names_left for name in trials.enrolments])
    lost_tests = np.array([name in faults for name in trials.tests])
    for lost, side, names, what in (
        (lost_models, trials.enrol, trials.enrolments, "model"), (lost_tests, trials.test, trials.tests, "test"),
    ):  # fmt: skip
        counts = np.bincount(side, minlength=len(names))
        for number in np.flatnonzero(lost):
            reason, detail = faults.get(names[number], ("no recording is left that enrols it", ""))
            left_out.add(part.name, what, names[number], reason, int(counts[number]), detail)
    kept = ~(lost_models[trials.enrol] | lost_tests[trials.test])
    if not kept.any():
        raise InputError(f"{part.files[-1]}: no trial of list {part.name} is left, since recordings cannot be used")
    return replace(part, models=models, trials=part.of(kept))
