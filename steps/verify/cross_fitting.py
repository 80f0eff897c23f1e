"""Scores of systems become log likelihood ratios, one system each (calibration) or several together (fusion).

What the commands `calibrate` and `fuse` share: the folds of speakers, trials that a system could not score, the table
of weights. `steps.metrics.logistic` has the formulas, and the rule of folds.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steps.metrics.detection import Cost
from steps.metrics.logistic import CrossFit, cross_fit_trials, effective_prior
from steps.verify.cross_fit_options import CrossFitOptions
from steps.verify.score_dirs import find_scores, read_score_dir, score_files, write_score_dir
from steps.verify.trial_parts import Folds, TrialPart, folds_of, part_files
from utils.command import logger
from utils.errors import InputError
from utils.names import check_name
from utils.stage_dir import StageDir

log = logger(__name__)
Read = tuple[np.ndarray, dict[str, str]]  # scores (P,), and why some are NaN


def calibrate(options: Any) -> None:
    """Calibrate each system of each part by itself."""
    found = find_scores(options.scores, options.systems)
    groups = {
        part: {check_name(f"{name}{options.suffix}", "--suffix"): {name: path} for name, path in own.items()}
        for part, own in found.items()
    }
    _learn_all(groups, options)


def fuse(options: Any) -> None:
    """Fuse the systems of each part; each part must have all of them."""
    check_name(options.name, "--name")
    found = find_scores(options.scores, options.systems)
    wanted = options.systems or list(dict.fromkeys(name for own in found.values() for name in own))
    for part, own in found.items():
        missing = [name for name in wanted if name not in own]
        if missing:
            raise InputError(
                f"--scores {','.join(options.scores)}: part {part} has no scores of {missing[0]}; score its trials, or"
                " name other --systems"
            )
    _learn_all({part: {options.name: own} for part, own in found.items()}, options)


def _learn_all(groups: Mapping[str, Mapping[str, Mapping[str, Path]]], options: CrossFitOptions) -> None:
    """part -> name of what comes out -> system -> its directory: learn, and commit the directory."""
    inputs = [path for part in groups for path in part_files(options.data, part)]
    inputs += [path for own in groups.values() for one in own.values() for d in one.values() for path in score_files(d)]
    inputs += [options.folds] if options.folds else []
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        for name, own in groups.items():
            part = TrialPart.read(options.data, name)
            folds = folds_of(part.speakers, options.folds, options.n_folds, options.seed)
            known: dict[Path, Read] = {}
            for out, systems in own.items():
                for directory in systems.values():
                    known.setdefault(directory, read_score_dir(directory, part.trials))
                read = {system: known[directory] for system, directory in systems.items()}
                _learn(stage.dir / name / out, part, read, folds, options)
            log.info("%s: part %s: %s", stage.final, name, " ".join(own))


def _prior(options: CrossFitOptions) -> float:
    """The prior that --cost amounts to, or else --prior."""
    if not options.cost:
        return options.prior
    if len(options.cost) != 3 or options.cost[0] >= 1:
        raise InputError(f"--cost {','.join(map(str, options.cost))}: expected a prior below 1 and two costs: .01,10,1")
    return effective_prior(Cost(*options.cost))


def _learn(out: Path, part: TrialPart, read: Mapping[str, Read], folds: Folds, options: CrossFitOptions) -> None:
    """Write scores, failures and weights of one system that comes out."""
    scores = np.stack([values for values, _ in read.values()], axis=1)
    rows = np.flatnonzero(~np.isnan(scores).any(axis=1))
    if not len(rows):
        raise InputError(f"{part.where}: no trial has a score of each of {', '.join(read)}")
    kind = part.trials.kind[rows] if options.kinds == "equal" else np.zeros(len(rows), dtype=int)
    targets = part.trials.targets[rows]
    found, fits = np.full(len(scores), np.nan), []
    sides = part.of_sides(folds.of)[:, rows]
    try:
        for fit in cross_fit_trials(scores[rows], targets, kind, sides, _prior(options), options.penalty):
            found[rows[fit.rows]] = fit.score(scores[rows[fit.rows]])
            fits.append(fit)
    except InputError as error:
        raise InputError(f"{part.where}: {', '.join(read)}: {error}") from error
    write_score_dir(out, part.trials, found, _reasons(read))
    (out / "weights.tsv").write_text("\n".join(_weight_lines(list(read), folds.names, fits)) + "\n", encoding="utf-8")
    for system, weight in zip(read, np.mean([fit.score.weights for fit in fits], axis=0), strict=True):
        if len(read) == 1 and weight <= 0:
            log.warning(
                "part %s: %s: its targets do not score higher than non-targets; is it a distance?", part.name, system
            )


def _reasons(read: Mapping[str, Read]) -> dict[str, str]:
    """`enrolment test` -> the systems that could not score it, with their reasons."""
    found: dict[str, str] = {}
    for system, (_, failed) in read.items():
        for trial, reason in failed.items():
            found[trial] = "; ".join(filter(None, [found.get(trial), f"{system}: {reason}"]))
    return found


def _weight_lines(systems: Sequence[str], folds: Sequence[str], fits: Sequence[CrossFit]) -> Iterator[str]:
    """The lines of weights.tsv."""
    yield "\t".join(["fold", "other_fold", *systems, "offset", "trials", "fitted_to_targets", "fitted_to_nontargets"])
    for fit in fits:
        numbers = [f"{value:.6g}" for value in (*fit.score.weights, fit.score.offset)]
        yield "\t".join(
            [*(folds[one] for one in fit.folds), *numbers, *map(str, (len(fit.rows), fit.n_targets, fit.n_nontargets))]
        )
