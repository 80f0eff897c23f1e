"""Files of trials and of scores in the format of Kaldi, and a table of both.

    trials  enrolment test target|nontarget [kind]     kind: target-correct, impostor-wrong, ...; of all lines or none
    pairs   enrolment test                             trials without answers, as ivector-plda-scoring takes them
    scores  enrolment test score
    enrol2spk   enrolment speaker                      in a directory of trials, where enrolments are no speakers

A notebook starts with one line:

    table = read_scores("scores", "trials")            # a pandas DataFrame: enrol, test, score, target, kind
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from steps.metrics.trials import ONE_KIND, TrialPairs, Trials
from utils.errors import InputError
from utils.tables import iterate_lines, read_table

ENROLMENT_SPEAKERS = "enrol2spk"  # names of files in a directory of trials, if their enrolments are utterances
DESIGN = "design.json"
LARGEST_SCORE = 1e100
TARGET = {"target": True, "nontarget": False}
Pair = tuple[str, str]


def read_trials(path: Path | str) -> Trials:
    """Read a file of trials, in its order. Raises InputError with the line of a bad or duplicate trial."""
    pairs, rest = _read_pairs(Path(path), (3, 4), "enrolment test target|nontarget [kind]")
    for line, fields in enumerate(rest, 1):
        if len(fields) != len(rest[0]):
            raise InputError(
                f"{path}:{line}: {2 + len(fields)} fields, the lines before have {2 + len(rest[0])}; give all a kind or"
                " none"
            )
        if fields[0] not in TARGET:
            raise InputError(f"{path}:{line}: expected target or nontarget, found {fields[0]!r}")
    names, kind = _coded([fields[1] if len(fields) > 1 else ONE_KIND for fields in rest])
    targets = np.array([TARGET[fields[0]] for fields in rest])
    return Trials(**vars(pairs), targets=targets, kinds=names, kind=kind)


def read_pairs(path: Path | str) -> TrialPairs:
    """Read the first two columns of a file of trials or of pairs, in its order."""
    return _read_pairs(Path(path), (2, 3, 4), "enrolment test [target|nontarget [kind]]")[0]


def write_pairs(path: Path, trials: TrialPairs) -> None:
    """Write the pairs of trials, two columns."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{enrolment} {test}\n" for enrolment, test in _pairs(trials))


def write_scores(
    path: Path, pairs: TrialPairs, scores: np.ndarray, text: Callable[[float], str] = "{:.6f}".format
) -> None:
    """Write the scores (P,) of pairs, each as `text` shows it. Raises InputError where one is not finite."""
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        raise InputError(f"{len(bad)} of {len(scores)} scores are not finite, the first is of '{pairs.name(bad[0])}'")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        rows = zip(_pairs(pairs), scores.tolist(), strict=True)
        file.writelines(f"{enrolment} {test} {text(score)}\n" for (enrolment, test), score in rows)


def _read_pairs(path: Path, widths: tuple[int, ...], expected: str) -> tuple[TrialPairs, list[list[str]]]:
    """The pairs of a file, and the fields of each line behind them."""
    numbers: dict[Pair, int] = {}
    rest = []
    for number, fields in _lines(path, widths, expected):
        if numbers.setdefault((fields[0], fields[1]), number) != number:
            raise InputError(f"{path}:{number}: duplicate trial '{fields[0]} {fields[1]}'; remove one of the two lines")
        rest.append(fields[2:])
    if not rest:
        raise InputError(f"{path}: no trials; expected lines of '{expected}'")
    return _coded_pairs(numbers), rest


def write_trials(path: Path, trials: Trials) -> None:
    """Write a file of trials, with kinds where there is more than one."""
    words = {answer: word for word, answer in TARGET.items()}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for number, target in enumerate(trials.targets.tolist()):
            kind = f" {trials.kinds[trials.kind[number]]}" if len(trials.kinds) > 1 else ""
            file.write(f"{trials.name(number)} {words[target]}{kind}\n")


def read_trial_scores(path: Path | str, trials: TrialPairs, failed: Collection[str] = ()) -> np.ndarray:
    """Scores (P,) of trials, from a file with one line for each of them and no others, in any order.

    Those that have `failed`, each named as `enrolment test`, have no line, and NaN here.
    """
    listed, own = list(_scores(Path(path))), list(_pairs(trials))
    if [pair for pair, _, _ in listed] == own and not failed:  # as it is written
        return np.array([score for _, score, _ in listed])
    numbers = {pair: number for number, pair in enumerate(own)}
    scores, found = np.empty(len(trials)), np.zeros(len(trials), dtype=bool)
    for pair, score, line in listed:
        number = numbers.get(pair)
        if number is None:
            raise InputError(
                f"{path}:{line}: '{' '.join(pair)}' is not among the {len(trials)} trials; score these alone"
            )
        if found[number]:
            raise InputError(f"{path}:{line}: duplicate score of '{' '.join(pair)}'; remove one of the two lines")
        scores[number], found[number] = score, True
    for name in failed:
        number = numbers.get(tuple(name.split()))
        if number is None or found[number]:
            why = "is not among the trials" if number is None else "has a score, too"
            raise InputError(f"{path}: '{name}' has failed, and {why}; score the trials anew")
        scores[number], found[number] = np.nan, True
    missing = np.flatnonzero(~found)
    if len(missing):
        raise InputError(
            f"{path}: {len(missing)} of {len(trials)} trials have no score, the first is '{trials.name(missing[0])}'"
        )
    return scores


def read_listed_scores(path: Path | str) -> tuple[TrialPairs, np.ndarray]:
    """The pairs of a file of scores, in its order, and their scores (P,)."""
    numbers: dict[Pair, int] = {}
    scores = []
    for pair, score, line in _scores(Path(path)):
        if numbers.setdefault(pair, len(scores)) != len(scores):
            raise InputError(f"{path}:{line}: duplicate score of '{' '.join(pair)}'; remove one of the two lines")
        scores.append(score)
    if not scores:
        raise InputError(f"{path}: no scores; expected lines of 'enrolment test score'")
    return _coded_pairs(numbers), np.array(scores)


def read_scores(scores: Path | str, trials: Path | str):
    """A pandas DataFrame with the columns enrol, test, score, target and kind, a row a trial in the file's order.

    >>> table = read_scores("scores", "trials")
    >>> table[["enrol", "test", "score", "target"]].to_string(index=False).splitlines()[1].split()
    ['anna', 'u1', '2.5', 'True']
    >>> table.groupby("target").score.mean().to_dict()
    {False: -1.0, True: 2.0}
    """
    listed = read_trials(trials)
    table = listed.table()
    table.insert(2, "score", read_trial_scores(scores, listed))
    return table


def enrolment_speakers(trials: Path, enrolments: Sequence[str]) -> dict[str, str]:
    """Enrolment -> speaker, from `enrol2spk` beside a list of trials; without that file an enrolment is a speaker."""
    path = trials / ENROLMENT_SPEAKERS
    if not path.is_file():
        return {one: one for one in enrolments}
    table = read_table(path)
    missing = [one for one in enrolments if one not in table]
    if missing:
        raise InputError(f"{path}: {missing[0]}: no line for this enrolment; make the trials anew")
    return table


def _scores(path: Path) -> Iterator[tuple[Pair, float, int]]:
    """Pair, score and number of each line."""
    for line, (enrolment, test, word) in _lines(path, (3,), "enrolment test score"):
        try:
            score = float(word)
        except ValueError as error:
            raise InputError(f"{path}:{line}: expected a score, found {word!r}") from error
        if not math.isfinite(score):
            raise InputError(f"{path}:{line}: the score {word} is not finite")
        if abs(score) > LARGEST_SCORE:  # sums and widths of larger ones are not finite
            raise InputError(
                f"{path}:{line}: expected a score from -{LARGEST_SCORE:g} to {LARGEST_SCORE:g}, found {word}"
            )
        yield (enrolment, test), score, line


def _lines(path: Path, widths: tuple[int, ...], expected: str) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line."""
    for number, line in enumerate(iterate_lines(path), 1):
        fields = line.split()
        if len(fields) not in widths:
            raise InputError(f"{path}:{number}: expected '{expected}', found {line!r}")
        yield number, fields


def _pairs(trials: TrialPairs) -> Iterator[Pair]:
    enrolments, tests = ([*map(str, ids)] for ids in (trials.enrolments, trials.tests))
    numbers = zip(trials.enrol.tolist(), trials.test.tolist(), strict=True)
    return ((enrolments[enrol], tests[test]) for enrol, test in numbers)


def _coded_pairs(pairs: Collection[Pair]) -> TrialPairs:
    """Distinct pairs, in their order."""
    (enrolments, enrol), (tests, test) = map(_coded, zip(*pairs, strict=True))
    return TrialPairs(enrolments, tests, enrol, test)


def _coded(values: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The distinct values, sorted, and the number of each value in them (P,)."""
    names = sorted(set(values))
    numbers = {name: number for number, name in enumerate(names)}
    return names, np.fromiter((numbers[value] for value in values), np.int32, len(values))
