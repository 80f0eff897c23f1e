"""Leaks between the sides of an experiment, looked for in directories as they are written.

    check_leaks(Path("data/reddots"))        # InputError where one is found

No recording enrols and tests in one list; no speaker of a list's enrolment or tests is in its background, cohort or
UBM; no trial has a model that is not enrolled.
"""

from collections.abc import Iterable
from pathlib import Path

from local.reddots.write_lists import LISTS
from steps.data.enrolments import read_enrolments
from steps.metrics.trial_files import read_trials
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import read_table

OTHERS = ("background", "cohort", "ubm")


def check_leaks(data: Path, allow_shared: bool = False) -> None:
    """Raise InputError for the first leak in the lists of a directory.

    Args:
        allow_shared: a recording that enrols one model may test others, but never its own.
    """
    for name in read_table(data / LISTS):
        enrol, test = (DataDir(data / f"{side}_{name}").utt2spk for side in ("enrol", "test"))
        shared = sorted(enrol.keys() & test.keys())
        if shared and not allow_shared:
            raise InputError(
                f"list {name}: {shared[0]} enrols a model and is a test ({len(shared)} such recordings); take it out "
                "of one of the two, or give --allow_shared true if it never tests its own model"
            )
        speakers = set(enrol.values()) | set(test.values())
        for side in OTHERS:
            folder = data / f"{side}_{name}"
            found = sorted(speakers & set(DataDir(folder).utt2spk.values())) if folder.is_dir() else []
            if found:
                raise InputError(f"list {name}: the speaker {found[0]} is in its trials and in {folder.name}")
        _check_models(data, name)


def _check_models(data: Path, name: str) -> None:
    models = read_enrolments(data / f"enrol_{name}")
    trials = read_trials(data / f"test_{name}" / "trials")
    absent = sorted(set(trials.enrolments) - models.keys())
    if absent:
        raise InputError(f"list {name}: no enrolment of {absent[0]}, which trials have ({len(absent)} such models)")
    check_own_tests(name, ((model, models[model]) for model in trials.enrolments), trials)


def check_own_tests(name: str, models: Iterable[tuple[str, tuple[str, ...]]], trials) -> None:
    """Raise InputError where a model is tested with a recording that enrols it; `models` in the order of the trials."""
    tests = {test: number for number, test in enumerate(trials.tests)}
    own = {(row, tests[one]) for row, (_, recordings) in enumerate(models) for one in recordings if one in tests}
    if not own:
        return
    for pair in zip(trials.enrol.tolist(), trials.test.tolist(), strict=True):
        if pair in own:
            raise InputError(
                f"list {name}: the trial '{trials.enrolments[pair[0]]} {trials.tests[pair[1]]}' tests a model with a "
                "recording that enrols it; remove the trial"
            )
