"""Leaks between the sides of an experiment, looked for in directories as they are written.

    check_leaks(Path("data/reddots"))        # InputError where one is found

No recording enrols and tests in one list; no speaker of a list's enrolment or tests is in its background, cohort or
UBM; no trial has a model that is not enrolled.
"""

from pathlib import Path

from local.reddots.write_lists import LISTS
from steps.data.enrolments import read_enrolments
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import iterate_lines, read_table

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
    """Raise InputError for a trial of a model that is not enrolled, or that the trial's recording enrols."""
    models = {model: frozenset(utterances) for model, utterances in read_enrolments(data / f"enrol_{name}").items()}
    for line in iterate_lines(data / f"test_{name}" / "trials"):
        model, test, _ = line.split(" ", 2)
        if test in models.get(model, (test,)):
            fault = "a recording that enrols it" if model in models else "no enrolment"
            raise InputError(f"list {name}: the trial '{model} {test}' is of a model with {fault}; remove the trial")
