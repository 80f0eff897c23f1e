"""The parts of a corpus in RedDots's files: models and trials of both sexes, one list for each way to enrol.

    ndx/m_part_01.trn  ndx/m_part_01.ndx                              list 01
    ndx/m_part_04_td.trn  ndx/m_part_04_tp.trn  ndx/m_part_04.ndx     lists 04_td and 04_tp, with the trials of 04

Files of women begin with f; they may be empty, or not be there. Whatever stands behind `_part_` is the part's name.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from local.reddots.list_files import KINDS, Models, read_models, read_ndx
from local.reddots.names import ModelName, parts_of, sex_in_name
from steps.metrics.trials import Trials
from utils.errors import InputError, absence

SEXES = ("f", "m")
FILE = re.compile(r"([mf])_part_([0-9A-Za-z]+)(_[0-9A-Za-z]+)?\.(trn|ndx)")


@dataclass(frozen=True, eq=False)
class PartList:
    """The models and trials of one list.

    Attributes:
        name: 01, or with the way to enrol 04_td. files: that it was read from.
        models: with the recordings that enrol them; the trials may have others, which another way enrols.
        trials: enrolments are names of models, tests are names of recordings; kinds are KINDS.
        sexes: speakers of models -> f or m, as the names of files tell.
    """

    name: str
    files: tuple[Path, ...]
    models: Models
    trials: Trials
    sexes: Mapping[str, str]

    def enrolling(self) -> set[str]:
        """All recordings that enrol a model."""
        return {recording for recordings in self.models.values() for recording in recordings}

    def of(self, rows: np.ndarray) -> Trials:
        """Some of the trials (rows: numbers, or P answers), with the models and tests that occur in them."""
        return rows_of(self.trials, rows)


def rows_of(trials: Trials, rows: np.ndarray) -> Trials:
    """Some of the trials, with the enrolments and tests that occur in them."""
    sides = []
    for names, numbers in ((trials.enrolments, trials.enrol[rows]), (trials.tests, trials.test[rows])):
        used, codes = np.unique(numbers, return_inverse=True)
        sides.append(([names[number] for number in used.tolist()], codes.reshape(-1)))
    (enrolments, enrol), (tests, test) = sides
    return Trials(enrolments, tests, enrol, test, trials.targets[rows], trials.kinds, trials.kind[rows])


def read_parts(folder: Path, wanted: Iterable[str] = (), allow_shared: bool = False) -> list[PartList]:
    """The lists of a directory `ndx`, sorted by name; those of some parts alone if they are named.

    `allow_shared`: as of `read_ndx`.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: {absence(folder, 'directory')}; expected lists m_part_01.trn, m_part_01.ndx, ...")
    found = {path.name: FILE.fullmatch(path.name) for path in sorted(folder.iterdir())}
    others = [name for name, match in found.items() if not match and name.endswith((".trn", ".ndx"))]
    if others:
        raise InputError(f"{folder / others[0]}: expected a name as m_part_01.trn or f_part_04_td.trn; rename it")
    names = sorted({match[2] for match in found.values() if match})
    wanted = list(wanted)
    missing = [name for name in wanted if name not in names]
    if missing or not names:
        raise InputError(f"{folder}: no lists of part {', '.join(missing) or '01'}; found {', '.join(names) or 'none'}")
    listed = [
        one for name in names if not wanted or name in wanted for one in _read_part(folder, name, found, allow_shared)
    ]
    for one in listed:
        if not len(one.trials):
            raise InputError(f"{one.files[-1]}: no trials in the lists of part {one.name}, of either sex")
    return listed


def _read_part(folder: Path, name: str, found: Mapping[str, re.Match | None], allow_shared: bool) -> list[PartList]:
    """The lists of one part, one for each way to enrol."""
    of_part = [match for match in found.values() if match and match[2] == name]
    ways = sorted({match[3] or "" for match in of_part if match[4] == "trn"})
    if "" in ways and len(ways) > 1:
        raise InputError(f"{folder}: part {name} has both {name}.trn and {name}{ways[1]}.trn; remove one of them")
    stray = next((match[0] for match in of_part if match[4] == "ndx" and match[3]), None)
    if stray or not ways:
        raise InputError(
            f"{folder / (stray or f'm_part_{name}.trn')}: expected {name}.ndx with {name}.trn or {name}_td.trn"
        )
    models: dict[str, Models] = {way: {} for way in ways}
    sexes: dict[str, str] = {}
    trials: list[Trials] = []
    files: list[Path] = []
    for sex in SEXES:
        paths = {way: folder / f"{sex}_part_{name}{way}.trn" for way in ways}
        ndx = folder / f"{sex}_part_{name}.ndx"
        here = [path for path in (*paths.values(), ndx) if path.name in found]
        if not here:
            continue
        if len(here) < len(paths) + 1:
            lacking = next(path for path in (*paths.values(), ndx) if path.name not in found)
            raise InputError(
                f"{lacking}: missing, but {here[0].name} is there; restore it, or empty it if it has no lines"
            )
        files += here
        own: dict[ModelName, set[str]] = {}
        for way, path in paths.items():
            read = read_models(path, free_sentences=bool(way))
            _add_sexes(sexes, sex, read, path)
            models[way] |= read
            for model, recordings in read.items():
                own.setdefault(model, set()).update(recordings)
        trials.append(read_ndx(ndx, own, allow_shared))
    joined = _join(trials)
    return [PartList(f"{name}{way}", tuple(files), models[way], joined, sexes) for way in ways]


def _add_sexes(sexes: dict[str, str], sex: str, models: Models, path: Path) -> None:
    for number, model in enumerate(models, 1):
        named = sex_in_name(model.speaker)
        if named not in (None, sex) or sexes.setdefault(model.speaker, sex) != sex:
            why = "the name tells the other sex" if named not in (None, sex) else "the other sex's list has it too"
            raise InputError(f"{path}:{number}: {model} in a list of sex {sex}, but {why}; move or rename it")


def _join(parts: list[Trials]) -> Trials:
    """The trials of both sexes as one list."""
    tests: dict[str, int] = {}
    enrolments: list[str] = []
    enrol, test = [], []
    for one in parts:
        numbers = np.array([tests.setdefault(name, len(tests)) for name in one.tests], np.int64)
        test.append(numbers[one.test] if len(numbers) else one.test)
        enrol.append(one.enrol + len(enrolments))
        enrolments += one.enrolments
    columns = [np.concatenate(column) for column in (enrol, test, [t.targets for t in parts], [t.kind for t in parts])]
    return Trials(enrolments, list(tests), columns[0], columns[1], columns[2], KINDS, columns[3])


def speaker_sexes(parts: Iterable[PartList], recordings: Iterable[str]) -> dict[str, str]:
    """Speaker -> f or m, where a list of models or the speaker's name tells it; recordings: of all speakers."""
    sexes: dict[str, str] = {}
    for part in parts:
        sexes |= part.sexes
    named = {speaker: sex_in_name(speaker) for speaker in {parts_of(name).speaker for name in recordings}}
    return sexes | {speaker: sex for speaker, sex in named.items() if sex}
