"""Self-contained experiments: the trials of a part with a background of speakers who are on neither side of them.

Without folds an experiment is a whole list, and its background the speakers who are in none of its trials. With folds
of speakers it is a part of a list:

    <list>-f0      where all trials are within folds: those of fold 0; the background is all other folds
    <list>-f0f1    else: trials between folds 0 and 1, and those within fold 0 (trials within a fold belong to the pair
                   of this fold and the next one); the background is all folds but these two

So all backgrounds of one list have the same number of folds, whatever the kind of a trial.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from local.reddots.names import parts_of
from local.reddots.parts import PartList
from steps.metrics.trials import Trials
from utils.errors import InputError

LEAST_FOLDS = 3  # where trials cross folds


@dataclass(frozen=True, eq=False)
class Experiment:
    """Trials with a background.

    Attributes:
        name: of the list that it is. part: that it is of. trials: with names of models and recordings.
        background: speakers.
    """

    name: str
    part: PartList
    trials: Trials
    background: frozenset[str]

    def enrolments(self) -> dict[str, tuple[str, ...]]:
        """The models of the trials, with their recordings."""
        used = set(self.trials.enrolments)
        return {str(model): recordings for model, recordings in self.part.models.items() if str(model) in used}


def speakers_of(part: PartList) -> set[str]:
    """All speakers of a list, on either side."""
    return {model.speaker for model in part.models} | {parts_of(name).speaker for name in part.trials.tests}


def whole_lists(parts: Iterable[PartList], speakers: Iterable[str]) -> list[Experiment]:
    """A list an experiment, with the other speakers as its background."""
    everyone = frozenset(speakers)
    return [Experiment(part.name, part, part.trials, everyone - speakers_of(part)) for part in parts]


def deal_folds(speakers: Iterable[str], sexes: Mapping[str, str], n_folds: int) -> dict[str, str]:
    """Speaker -> fold: both sexes are dealt out one by one, sorted by name."""
    ordered = sorted(speakers, key=lambda speaker: (sexes.get(speaker, ""), speaker))
    if len(ordered) < n_folds:
        raise InputError(f"--n_folds {n_folds}: there are {len(ordered)} speakers; expected one a fold or more")
    return {speaker: str(number % n_folds) for number, speaker in enumerate(ordered)}


def by_folds(part: PartList, folds: Mapping[str, str], where: object) -> list[Experiment]:
    """The experiments of a list by folds of speakers, sorted by name; `where`: what tells the folds, for messages."""
    absent = sorted(speakers_of(part) - folds.keys())
    if absent:
        raise InputError(f"{where}: no fold of {absent[0]}, whom list {part.name} has ({len(absent)} such speakers)")
    names = sorted(set(folds.values()), key=int)
    numbers = {name: number for number, name in enumerate(names)}
    enrol = np.array([numbers[folds[name.split("_")[0]]] for name in part.trials.enrolments])[part.trials.enrol]
    test = np.array([numbers[folds[parts_of(name).speaker]] for name in part.trials.tests])[part.trials.test]
    crossing = bool((enrol != test).any())
    if len(names) < (LEAST_FOLDS if crossing else 2):
        least = f"{LEAST_FOLDS}, since there are trials between folds" if crossing else "2"
        raise InputError(
            f"{where}: {len(names)} folds, so that list {part.name} has no background; expected at least {least}"
        )
    return [
        Experiment(
            f"{part.name}-{''.join(f'f{names[number]}' for number in used)}",
            part,
            part.of(rows),
            frozenset(speaker for speaker, fold in folds.items() if numbers[fold] not in used),
        )
        for used, rows in _cells(enrol, test, len(names), crossing)
        if rows.any()
    ]


def _cells(
    enrol: np.ndarray, test: np.ndarray, n_folds: int, crossing: bool
) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """The folds of each experiment, and which trials (P,) it has, by the folds (P,) of their two sides."""
    if not crossing:
        return [((fold,), enrol == fold) for fold in range(n_folds)]
    cells = []
    for first, second in combinations(range(n_folds), 2):
        own = first if second == first + 1 else second if (second + 1) % n_folds == first else None
        between = ((enrol == first) & (test == second)) | ((enrol == second) & (test == first))
        cells.append(((first, second), between | ((enrol == test) & (enrol == own))))
    return cells
