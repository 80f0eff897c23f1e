"""Lists of RedDots: models of enrolment (`.trn`) and trials (`.ndx`), read strictly.

    .trn    m0001_31 m0001/20150201101010101_m0001_31,m0001/20150203101010101_m0001_31,...
    .ndx    m0001_31,m0001/20150427081023853_m0001_31,Y,N,N,N       flags: TC, TW, IC, IW, of which one is Y

The kinds: TC target speaker and correct sentence (the targets), TW target speaker, wrong sentence, IC impostor,
correct sentence, IW both wrong. Each fault is an InputError with file and line.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from local.reddots.names import ModelName, parts_of, read_model, read_recording
from steps.metrics.trials import Trials
from utils.errors import InputError, brief
from utils.tables import iterate_lines

KINDS = ("TC", "TW", "IC", "IW")
FLAGS = {",".join("Y" if kind == one else "N" for kind in KINDS): number for number, one in enumerate(KINDS)}
Models = dict[ModelName, tuple[str, ...]]


def lines_of(path: Path, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """`file:line` and text of each line, without carriage returns; empty lines may stand at the end alone."""
    empty = 0
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r")
        if text.strip() and empty:
            raise InputError(f"{path}:{empty}: an empty line within the file; remove it")
        if text.strip():
            yield f"{path}:{number}", text
        else:
            empty = empty or number


def read_models(path: Path, free_sentences: bool = False) -> Models:
    """Model -> the recordings that enrol it.

    Args:
        free_sentences: recordings may say other sentences than the model's, as in a part of prompted sentences.
    """
    models: Models = {}
    for where, line in lines_of(path, iterate_lines(path)):
        words = line.split(maxsplit=1)
        if len(words) != 2:
            raise InputError(
                f"{where}: expected '<speaker>_<sentence> <recording>,<recording>,...', found {brief(line)}"
            )
        model = read_model(words[0], where)
        if model in models:
            raise InputError(f"{where}: the model {model} stands above too; remove one of the two lines")
        recordings = tuple(read_recording(cell, where) for cell in words[1].split(","))
        for recording in recordings:
            name = parts_of(recording)
            if name.speaker != model.speaker or not (free_sentences or name.sentence == model.sentence):
                expected = model.speaker if free_sentences else model
                raise InputError(f"{where}: {recording} enrols {model}; expected recordings of {expected} alone")
        if len(set(recordings)) < len(recordings):
            raise InputError(f"{where}: {model}: a recording stands twice; expected each once")
        models[model] = recordings
    return models


def read_ndx(path: Path, models: Mapping[ModelName, Collection[str]], allow_shared: bool = False) -> Trials:
    """The trials of a list; enrolments and tests are names as in RedDots.

    Args:
        models: that the list may have, with the recordings that enrol them. allow_shared: a recording that enrols a
            model may test others, but never its own.
    """
    enrolments: dict[str, int] = {}
    tests: dict[str, int] = {}
    cells: dict[str, int] = {}  # of recordings as they are written -> number of the recording
    rows = array("q")  # three numbers a trial
    for where, line in lines_of(path, iterate_lines(path)):
        model, _, rest = line.partition(",")
        cell, _, flags = rest.partition(",")
        enrol, test, kind = enrolments.get(model), cells.get(cell), FLAGS.get(flags)
        if None in (enrol, test, kind) and line.count(",") != 1 + len(KINDS):
            columns = ",".join(KINDS)
            raise InputError(f"{where}: expected '<speaker>_<sentence>,<recording>,{columns}', found {brief(line)}")
        if enrol is None:
            enrol = _add_model(enrolments, model, models, where)
        if test is None:
            test = cells[cell] = tests.setdefault(read_recording(cell, where), len(tests))
        rows.extend((enrol, test, _kind(flags, where) if kind is None else kind))
    table = np.frombuffer(rows, np.int64).reshape(-1, 3) if rows else np.empty((0, 3), np.int64)
    trials = Trials(
        list(enrolments), list(tests), table[:, 0], table[:, 1], table[:, 2] == KINDS.index("TC"), KINDS, table[:, 2]
    )
    _check_rows(path, trials)
    _check_sides(path, trials, models, allow_shared)
    return trials


def _add_model(enrolments: dict[str, int], word: str, models: Mapping[ModelName, object], where: str) -> int:
    model = read_model(word, where)
    if model not in models:
        raise InputError(
            f"{where}: no model {model} in the .trn of this part and sex; add it there, or remove the trial"
        )
    return enrolments.setdefault(str(model), len(enrolments))


def _kind(flags: str, where: str) -> int:
    """The kind of flags that stand otherwise than they mostly do."""
    kind = FLAGS.get(",".join(flag.strip() for flag in flags.split(",")))
    if kind is None:
        raise InputError(
            f"{where}: expected {len(KINDS)} flags ({', '.join(KINDS)}), one Y and else N, found {brief(flags)}"
        )
    return kind


def kinds_by_names(trials: Trials) -> np.ndarray:
    """(P,) the numbers in KINDS that the speakers and sentences in the names of models and recordings tell."""
    models = [ModelName(*name.split("_")) for name in trials.enrolments]
    tests = [parts_of(name) for name in trials.tests]
    equal = []
    for sides in (([one.speaker for one in names] for names in (models, tests)),
                  ([one.sentence for one in names] for names in (models, tests))):  # fmt: skip
        ids: dict[str, int] = {}
        enrol, test = (np.array([ids.setdefault(one, len(ids)) for one in side], np.int64) for side in sides)
        equal.append(enrol[trials.enrol] == test[trials.test])
    return np.where(equal[0], np.where(equal[1], 0, 1), np.where(equal[1], 2, 3))


def _check_rows(path: Path, trials: Trials) -> None:
    """Raise InputError for flags that disagree with names, and for a trial that stands twice."""
    told = kinds_by_names(trials)
    wrong = np.flatnonzero(told != trials.kind)
    if len(wrong):
        row = wrong[0]
        raise InputError(
            f"{path}:{row + 1}: '{trials.name(row)}' is flagged {KINDS[trials.kind[row]]}, but the names tell "
            f"{KINDS[told[row]]}; correct one of them"
        )
    pairs = trials.enrol * max(len(trials.tests), 1) + trials.test
    first = np.unique(pairs, return_index=True)[1]
    if len(first) < len(pairs):
        row = np.setdiff1d(np.arange(len(pairs)), first)[0]
        raise InputError(
            f"{path}:{row + 1}: the trial '{trials.name(row)}' stands above too; remove one of the two lines"
        )


def _check_sides(path: Path, trials: Trials, models: Mapping[ModelName, Collection[str]], allow_shared: bool) -> None:
    """Raise InputError for a trial whose recording enrols its model, or any model."""
    enrolling = {recording for recordings in models.values() for recording in recordings}
    shared = np.array([name in enrolling for name in trials.tests], bool)
    own = [models[ModelName(*name.split("_"))] for name in trials.enrolments]
    for row in np.flatnonzero(shared[trials.test]).tolist():
        if not allow_shared or trials.tests[trials.test[row]] in own[trials.enrol[row]]:
            raise InputError(
                f"{path}:{row + 1}: the recording of the trial '{trials.name(row)}' enrols a model; remove the trial"
                + ("" if allow_shared else ", or give --allow_shared true if no recording tests its own model")
            )
