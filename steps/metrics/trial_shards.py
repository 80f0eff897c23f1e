"""Score the trials of a list in several jobs: all trials of a test recording are in one shard.

Output, the same whatever the number of jobs:

    scores          a line `model utterance score` a trial that could be scored, in the order of the trials
    failures.tsv    `model utterance`, reason and detail of the others; more than --max_fail of all are an error
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steps.metrics.trial_files import read_pairs, write_scores
from steps.metrics.trials import TrialPairs
from utils.command import logger
from utils.errors import InputError
from utils.part_jobs import Part, run_part_jobs
from utils.parts import Item, Work, read_part
from utils.shards import shards_of
from utils.stage_dir import StageDir
from utils.tables import read_lines

log = logger(__name__)
FAILURES = "failures.tsv"
HEADER = "trial\treason\tdetail"


class Unscored(NamedTuple):
    """Why a trial has no score: a word, and a detail."""

    reason: str
    detail: str


Scored = tuple[np.ndarray, dict[int, Unscored]]  # scores (P,), and places in them that are no score
Score = Callable[[np.ndarray], Scored]  # of the numbers (P,) of pairs


def run_trial_shards(options: Any, inputs: Sequence[Path], prepare: Callable[[TrialPairs], Score]) -> None:
    """Score --trials, or the share of this job.

    Args:
        options: of a command: trials, shard_trials, max_fail, and what `run_part_jobs` takes.
        inputs: what the scores follow from beside the trials and the options.
        prepare: called once where there is something to score; gives what scores pairs by their numbers.
    """
    run_part_jobs(options, [options.trials, *inputs], _TrialTask(options, prepare), free=("max_fail",))


@dataclass
class _TrialTask:
    """The work on a list of trials; items are test recordings, with the number of each in the list."""

    options: Any
    prepare_score: Callable[[TrialPairs], Score]

    def items(self) -> list[Item]:
        pairs = read_pairs(self.options.trials)
        sizes = np.bincount(pairs.test, minlength=len(pairs.tests)).tolist()
        shards = shards_of(sizes, self.options.shard_trials)
        return [Item(test, shard) for test, shard in zip(pairs.tests, shards, strict=True)]

    def prepare(self) -> Callable[[list[Item]], Part]:
        from threadpoolctl import threadpool_limits

        pairs = read_pairs(self.options.trials)
        order = np.argsort(pairs.test, kind="stable")
        begins = np.searchsorted(pairs.test[order], np.arange(len(pairs.tests) + 1))
        numbers = {test: number for number, test in enumerate(pairs.tests)}

        score = self.prepare_score(pairs)

        def make(items: list[Item]) -> Part:
            first, last = numbers[items[0].id], numbers[items[-1].id]
            rows = order[begins[first] : begins[last + 1]]
            with threadpool_limits(1):  # jobs share the processors, and sums would depend on the number of threads
                scores, failed = score(rows)
            reasons = [[int(rows[place]), *why] for place, why in sorted(failed.items())]
            return reasons, {"pairs": rows, "scores": scores}

        return make

    def join(self, stage: StageDir, planned: Work) -> None:
        pairs = read_pairs(self.options.trials)
        scores, failed = np.full(len(pairs), np.nan), {}
        for shard in range(planned.n_shards):
            rows, arrays = read_part(planned.part(shard))
            scores[arrays["pairs"]] = arrays["scores"]
            failed |= {number: Unscored(*why) for number, *why in rows}
        _check_failed(failed.values(), len(pairs), self.options)
        _write(stage.dir, pairs, scores, failed)
        log.info("%s: %d of %d trials", stage.final, len(pairs) - len(failed), len(pairs))

    def check(self) -> None:
        failed = [Unscored(*line.split("\t")[1:]) for line in read_lines(self.options.out / FAILURES)[1:]]
        _check_failed(failed, len(failed) + len(read_lines(self.options.out / "scores")), self.options)


def _write(directory: Path, pairs: TrialPairs, scores: np.ndarray, failed: dict[int, Unscored]) -> None:
    """Write both files."""
    kept = np.setdiff1d(np.arange(len(pairs)), list(failed))
    some = TrialPairs(pairs.enrolments, pairs.tests, pairs.enrol[kept], pairs.test[kept])
    write_scores(directory / "scores", some, scores[kept])
    lines = ["\t".join([pairs.name(number), *failed[number]]) for number in sorted(failed)]
    (directory / FAILURES).write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")


def _check_failed(failed: Sequence[Unscored], n_trials: int, options: Any) -> None:
    """Log how many trials have no score. Raises InputError where more than the share --max_fail have none, or all."""
    failed = list(failed)
    if not failed:
        return
    counts = ", ".join(f"{n} {reason}" for reason, n in sorted(Counter(one.reason for one in failed).items()))
    said = f"{len(failed)} of {n_trials} trials ({100 * len(failed) / n_trials:.2f} %) have no score: {counts}"
    if len(failed) > options.max_fail * n_trials or len(failed) == n_trials:
        raise InputError(
            f"{options.out}: {said}; more than --max_fail {options.max_fail:g}. The first: {failed[0].detail}"
        )
    log.info("%s; they are listed in %s", said, options.out / FAILURES)
