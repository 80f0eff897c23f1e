"""Trials of one entry: input is copied and mutated, the commands run, and every broken promise is told.

Trials(entry, "index", folder, machine).run(mutations) -> faults, none if all promises held
"""

import math
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.entries import ENTRIES, Entry
from tests.fuzz.machine import Machine, Outcome, kind_of
from tests.fuzz.mutations import Mutation, mutations
from tests.fuzz.trees import apply, kinds_of

Change = tuple[str, Mutation]  # a file, relative to the input, and what happens to it


@dataclass
class Trials:
    """The trials of one entry.

    Attributes:
        folder: holds the valid input and the trial that runs.
        refused, accepted, neither: how many trials the commands refused and accepted, and how many broke off.
        worst: most processor time (s) and memory (MB) of a trial.
    """

    name: str
    folder: Path
    machine: Machine
    refused: int = 0
    accepted: int = 0
    neither: int = 0
    worst: dict[str, float] = field(default_factory=lambda: {"seconds": 0.0, "megabytes": 0.0})

    def __post_init__(self) -> None:
        self.valid = self.folder / "valid"
        self.valid.mkdir(parents=True)
        self.entry.build(self.valid)
        files = [path for pattern in self.entry.open_to for path in sorted(self.valid.glob(pattern)) if path.is_file()]
        self.files = [str(path.relative_to(self.valid)) for path in files]

    @property
    def count(self) -> int:
        """Trials so far."""
        return self.refused + self.accepted + self.neither

    @property
    def entry(self) -> Entry:
        return ENTRIES[self.name]

    def changes(self) -> st.SearchStrategy[list[Change]]:
        """One or two mutations of files of the entry."""
        one = st.sampled_from(self.files).flatmap(lambda file: st.tuples(st.just(file), mutations(kinds_of(file))))
        return st.lists(one, min_size=1, max_size=2)

    def run(self, changes: list[Change]) -> tuple[Outcome, list[str]]:
        """One trial. Returns its outcome, and what is wrong."""
        place = self.folder / "a/trial/of many"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.valid, place, symlinks=True)
        for file, mutation in changes:
            apply(place / file, mutation)
        outcome = self.machine.run(self.entry.commands(place), place)
        faults = outcome.faults()
        if outcome.status in (0, 1) and not faults:
            faults = self.entry.check(place, outcome.status == 0)
        self.refused += outcome.status == 1
        self.accepted += outcome.status == 0
        self.neither += outcome.status not in (0, 1)
        self.worst = {key: max(value, getattr(outcome, key)) for key, value in self.worst.items()}
        return outcome, faults


def attack(
    trials: Trials, examples: int, seed: int | None = None, stop: bool = True, end: float = math.inf
) -> dict[str, tuple[list[Change], Outcome]]:
    """Run so many trials, always the same or those of a seed; fewer if the time `end` (monotonic) comes before.

    Returns one example of each kind of fault; with `stop`, the first raises AssertionError, made as small as possible.
    """
    found: dict[str, tuple[list[Change], Outcome]] = {}

    def one(changes: list[Change]) -> None:
        if time.monotonic() > end:
            return
        outcome, faults = trials.run(changes)
        if faults and stop:
            raise AssertionError(f"{trials.name}: {'; '.join(faults)}\n{changes}\n{outcome.stderr[-3000:]}")
        for fault in faults:
            found.setdefault(kind_of(fault), (changes, outcome))

    phases = (Phase.generate, Phase.shrink) if stop else (Phase.generate,)
    quiet = settings(
        max_examples=examples, derandomize=seed is None, database=None, deadline=None, phases=phases,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    test = quiet(given(trials.changes())(one))
    if seed is not None:
        from hypothesis import seed as seeded

        test = seeded(seed)(test)
    test()
    return found
