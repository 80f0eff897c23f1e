"""A part of a corpus of trials, such as part 01 of RedDots: its trials, who speaks on each side, and of which sex.

    <data>/test_<part>     trials, utt2spk
    <data>/enrol_<part>    utt2spk, enrol_map (without it a model is a speaker), spk2gender
<data>/spk2fold        speaker and fold, where the lists have folds of speakers
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.data.enrolments import ENROL_MAP, model_speakers
from steps.metrics.trial_files import read_trials
from steps.metrics.trials import ScoredTrials, Trials
from utils.data_dir import check_genders
from utils.errors import InputError
from utils.tables import read_table

UNKNOWN = "unknown"  # sex of a speaker of whom spk2gender says nothing


@dataclass(frozen=True, eq=False)
class TrialPart:
    """The trials of a part.

    Attributes:
        name: of the part. where: the file of the trials. trials: all of them.
        models: enrolment -> speaker. tests: test -> speaker. sexes: of all speakers of models, f, m or UNKNOWN.
    """

    name: str
    where: Path
    trials: Trials
    models: Mapping[str, str]
    tests: Mapping[str, str]
    sexes: Mapping[str, str]

    @classmethod
    def read(cls, data: Path, name: str) -> "TrialPart":
        """Read a part."""
        enrol, test = data / f"enrol_{name}", data / f"test_{name}"
        for path in (enrol / "utt2spk", test / "utt2spk", test / "trials"):
            if not path.is_file():
                raise InputError(
                    f"{path}: no such file; part {name} needs enrol_{name} and test_{name} in --data {data}"
                )
        trials, models, tests = read_trials(test / "trials"), model_speakers(enrol), read_table(test / "utt2spk")
        for ids, table, what, source in (
            (trials.enrolments, models, "model", enrol),
            (trials.tests, tests, "test utterance", test),
        ):
            missing = [one for one in ids if one not in table]
            if missing:
                raise InputError(f"{test / 'trials'}: {missing[0]}: no such {what} in {source} ({len(missing)} such)")
        genders = read_table(enrol / "spk2gender") if (enrol / "spk2gender").is_file() else {}
        check_genders(genders, enrol / "spk2gender")
        sexes = {speaker: genders.get(speaker, UNKNOWN) for speaker in sorted(set(models.values()))}
        try:
            trials.scored(np.zeros(len(trials)), models, tests)
        except InputError as error:
            raise InputError(f"{test / 'trials'}: {error}") from error
        return cls(name, test / "trials", trials, models, tests, sexes)

    @property
    def speakers(self) -> list[str]:
        """All speakers of both sides."""
        sides = [(self.models, self.trials.enrolments), (self.tests, self.trials.tests)]
        return sorted({table[one] for table, ids in sides for one in ids})

    def scored(self, scores: np.ndarray) -> ScoredTrials:
        """The trials with scores (P,)."""
        return self.trials.scored(scores, self.models, self.tests)

    def of_sides(self, values: Mapping[str, int]) -> np.ndarray:
        """What each speaker's number is, of the model's speaker and of the test's of each trial (2, P)."""
        trials = self.trials
        model = np.array([values[self.models[one]] for one in trials.enrolments])
        test = np.array([values[self.tests[one]] for one in trials.tests])
        return np.stack([model[trials.enrol], test[trials.test]])

    def sex(self) -> np.ndarray:
        """The sex (P,) of each trial's model."""
        return np.array([self.sexes[self.models[one]] for one in self.trials.enrolments])[self.trials.enrol]


def part_files(data: Path, name: str) -> list[Path]:
    """The files of a part that are there."""
    enrol, test = data / f"enrol_{name}", data / f"test_{name}"
    paths = [test / "trials", test / "utt2spk", *(enrol / one for one in ("utt2spk", ENROL_MAP, "spk2gender"))]
    return [path for path in paths if path.is_file()]


class Folds(NamedTuple):
    """Folds of speakers.

    Attributes:
        names: of the folds. of: speaker -> number of its fold.
    """

    names: list[str]
    of: dict[str, int]


def folds_of(speakers: Sequence[str], table: Path | None, n_folds: int, seed: int) -> Folds:
    """The folds of a table, or those that the speakers are dealt into at random, `n_folds` at most."""
    if table is None:
        order = np.random.default_rng(seed).permutation(len(speakers)) % n_folds
        names = [str(number) for number in range(n_folds)]
        return Folds(names, dict(zip(speakers, order.tolist(), strict=True)))
    known = read_table(table)
    missing = [speaker for speaker in speakers if speaker not in known]
    if missing:
        raise InputError(f"{table}: {missing[0]}: no fold of this speaker ({len(missing)} such speakers)")
    names = sorted({known[speaker] for speaker in speakers})
    return Folds(names, {speaker: names.index(known[speaker]) for speaker in speakers})
