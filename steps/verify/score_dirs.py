"""Directories of scores of one system: `scores`, and failures.tsv with the trials that could not be scored.

    <root>/<part>/<system>/scores          enrolment test score
    <root>/<part>/<system>/failures.tsv    `enrolment test`<tab>reason<tab>detail; may be absent

Every trial of the part is in one of the two, and nothing else is. A root with these files is what the commands that
calibrate, fuse and report take, whatever has written them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from steps.metrics.trial_files import read_trial_scores, write_scores
from steps.metrics.trial_shards import FAILURES, HEADER
from steps.metrics.trials import TrialPairs
from utils.errors import InputError, brief
from utils.tables import read_lines

SCORES = "scores"


def find_scores(roots: Sequence[str], systems: Sequence[str] = ()) -> dict[str, dict[str, Path]]:
    """Part -> system -> its directory; the parts sorted, the systems in the order of the roots, or of `systems`.

    Raises InputError where there is none, where two have one name, or where one of `systems` is in no part.
    """
    if not roots:
        raise InputError("--scores: expected directories of <part>/<system>/scores, separated by commas, found none")
    found: dict[str, dict[str, Path]] = {}
    for root in map(Path, roots):
        files = sorted(root.glob(f"*/*/{SCORES}"))
        if not files:
            raise InputError(
                f"{root}: no <part>/<system>/{SCORES} here; score trials, and join them by steps.verify.pool_scores"
            )
        for file in files:
            part, system = file.parts[-3:-1]
            if system in found.setdefault(part, {}):
                raise InputError(f"{file.parent}: {found[part][system]} has this name, too; rename one of the two")
            found[part][system] = file.parent
    known = sorted({system for of_part in found.values() for system in of_part})
    for name in systems:
        if name not in known:
            raise InputError(f"--systems {name}: no such system; expected some of {', '.join(known)}")
    chosen = {part: {name: own[name] for name in systems or own if name in own} for part, own in sorted(found.items())}
    return {part: own for part, own in chosen.items() if own}


def score_files(directory: Path) -> list[Path]:
    """The files that the scores of a directory follow from."""
    return [path for name in (SCORES, FAILURES) if (path := directory / name).is_file()]


def read_score_dir(directory: Path, trials: TrialPairs) -> tuple[np.ndarray, dict[str, str]]:
    """Scores (P,) of all trials, NaN for those that have failed, and why: `enrolment test` -> reason."""
    path = directory / FAILURES
    failed = failure_reasons(path)
    scores = read_trial_scores(directory / SCORES, trials, failed)
    if np.isnan(scores).all():
        raise InputError(f"{path}: all {len(trials)} trials have failed; repair what it names, and score them anew")
    return scores, failed


def failure_reasons(path: Path) -> dict[str, str]:
    """`enrolment test` -> reason, of failures.tsv; empty where there is no such file."""
    found: dict[str, str] = {}
    for number, line in enumerate(read_lines(path) if path.is_file() else [], 1):
        trial, _, rest = line.partition("\t")
        if number == 1 and trial == HEADER.partition("\t")[0]:
            continue
        reason = rest.partition("\t")[0]
        if len(trial.split(" ")) != 2 or not reason or trial in found:
            what = "a trial that is there already" if trial in found else brief(line)
            raise InputError(f"{path}:{number}: expected 'enrolment test<tab>reason<tab>detail', found {what}")
        found[trial] = reason
    return found


def write_score_dir(
    directory: Path, trials: TrialPairs, scores: np.ndarray, reasons: Mapping[str, str], all_digits: bool = False
) -> None:
    """Write the scores (P,) that are numbers, in the order of the trials, and the failures of the others."""
    directory.mkdir(parents=True, exist_ok=True)
    kept = np.flatnonzero(~np.isnan(scores))
    some = TrialPairs(trials.enrolments, trials.tests, trials.enrol[kept], trials.test[kept])
    write_scores(directory / SCORES, some, scores[kept], repr if all_digits else "{:.6f}".format)
    names = [trials.name(number) for number in np.flatnonzero(np.isnan(scores)).tolist()]
    write_failures(directory, {name: reasons[name] for name in names})


def write_failures(directory: Path, reasons: Mapping[str, str]) -> None:
    """Write failures.tsv: `enrolment test` -> reason."""
    lines = [HEADER, *(f"{name}\t{reason}\t" for name, reason in reasons.items())]
    (directory / FAILURES).write_text("\n".join(lines) + "\n", encoding="utf-8")
