"""What is computed of each utterance of a corpus by any number of jobs: planned, shared out, gathered.

Three commands with the same options use this, such as `steps.features.plan`, `compute` and `merge`. The first opens
each file once, refuses what cannot be used by its header, and divides the utterances into shards; jobs write a part for
each shard; the last gathers the parts. Parts that exist are kept, so a job that was killed does what is missing.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steps.audio.failures import FAILURES, NOT_DONE, Failure, check_failures, read_failures
from steps.audio.lengths import Measured, audio_identity, left_out_rows, require_utterances
from steps.audio.recordings import Utterance, read_utterances
from utils import cycles
from utils.command import logger, progress
from utils.data_dir import is_table
from utils.errors import InputError
from utils.finished import is_only_asked
from utils.journal import read_content
from utils.option_values import as_words
from utils.options import option
from utils.out_dir import check_out
from utils.parts import (
    ARRAYS,
    JOURNAL,
    Item,
    Work,
    current_identity,
    is_planned,
    make_current,
    merged_shards,
    read_part,
    remove_parts,
)
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.shard_marks import marked
from utils.shards import MOST_JOBS, SHARDS_HELP, chosen_shards, even_shards, format_numbers
from utils.stage_dir import StageDir, is_done, signature
from utils.tables import read_lines

log = logger(__name__)
LONGEST_SHARD = 3600.0  # seconds
BY_SIZE, MODULO = WAYS = ("size", "modulo")


@dataclass(frozen=True)
class UtteranceOptions:
    """Options that all such commands take."""

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>")
    out: Path = option(help="directory to write")
    min_seconds: float = option(0.1, "shorter utterances fail", least=0, most=3600)
    max_fail: float = option(0.01, "largest share of utterances that may fail", least=0, most=1)
    shard_seconds: float = option(120.0, "least audio in a shard: what a killed job does again", above=0, most=10**7)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: all of the work", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    shard: str = option(
        BY_SIZE, "how utterances make shards: size, in their order; modulo: number % num_shards", choices=WAYS
    )
    num_shards: int = option(
        16,
        "with --shard modulo, how many there are; some may be without utterances",
        least=1,
        most=MOST_JOBS,
    )
    allow_missing: bool = option(False, "merge what is done: utterances of jobs that are not count as left out")
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "compute again even if nothing has changed")


class Accepted(NamedTuple):
    """What a plan says of a corpus.

    Attributes:
        measured: every utterance, with the reason where it is refused. about: facts for all jobs, as JSON has them.
        weight: audio that is computed for a second of a recording, such as 3 with two copies.
    """

    measured: list[Measured]
    about: dict[str, Any]
    weight: float = 1.0


@dataclass(frozen=True)
class UtteranceJobs:
    """The work of three commands.

    Attributes:
        room: their package, such as `steps.features`; the command that gathers is `<room>.merge`.
        options: of the command that runs. settings: all that decides the result, as plain values.
        versions: how many results there are of each utterance, copies counted.
        suffix: the kind of its parts, ARRAYS or, where single utterances are worth keeping, JOURNAL.
    """

    room: str
    options: UtteranceOptions
    settings: Mapping[str, Any]
    versions: int = 1
    suffix: str = ARRAYS

    @property
    def _settings(self) -> dict[str, Any]:
        """All that decides the result; by another division into shards, archives have another order."""
        options = self.options
        return {**self.settings, **({"shard": [MODULO, options.num_shards]} if options.shard == MODULO else {})}

    @property
    def planner(self) -> str:
        """The command that makes the table of shards."""
        return f"python3 -m {self.room}.plan"

    @property
    def merger(self) -> str:
        """The fixed name of the command whose outputs these are."""
        return f"{self.room}.merge"

    def plan(self, accept: Callable[[Sequence[Utterance]], Accepted]) -> None:
        """Write the table of shards, unless it or the result exists; then make it the current one.

        Raises InputError for ids that cannot be sorted, and where too many headers are bad.
        """
        options, utterances = self.options, read_utterances(self.options.data)
        identity = self._identity_of(utterances)
        if options.force:
            remove_parts(options.out, identity)
        if not self._is_merged(identity):
            check_out(options.out, self.merger, [options.data])
            if Work.find(options.out, identity) is None:
                require_utterances(utterances, options.data)
                self._write(identity, accept(utterances))
        make_current(options.out, identity, self._settings)

    def _identity_of(self, utterances: Sequence[Utterance]) -> str:
        """A hash of all that decides the result: settings, tables, utterances, and their files by size and time."""
        data = self.options.data
        is_tree = not (data / "wav.scp").is_file()
        tables = [] if is_tree else sorted(path for path in data.iterdir() if is_table(path.name))
        return audio_identity(signature(self._settings, tables), utterances)

    def _write(self, identity: str, accepted: Accepted) -> None:
        """Write the table."""
        options, measured = self.options, accepted.measured
        refused = [(one.utterance.id, one.outcome.reason, one.outcome.detail) for one in measured if one.outcome.reason]
        check_failures(refused, len(measured), options.max_fail, options.out)
        good = [one for one in measured if not one.outcome.reason]
        seconds = [one.outcome.seconds for one in good]
        if options.shard == MODULO:
            shards = [number % options.num_shards for number in range(len(good))]
        else:
            shards = even_shards([accepted.weight * one for one in seconds], options.shard_seconds, LONGEST_SHARD)
        items = [Item(one.utterance.id, shard, one.utterance.as_row()) for one, shard in zip(good, shards, strict=True)]
        items.sort(key=lambda item: item.shard)
        about = {"refused": refused, **accepted.about, "left_out": left_out_rows(options.data)}
        planned = Work.write(options.out, identity, items, about)
        log.info("%d utterances, %.2f hours, in %d shards", len(items), sum(seconds) / 3600, planned.n_shards)

    def compute(self, writer: Callable[[Work], Callable[[Path, list[Utterance]], float]]) -> None:
        """Write the missing parts of this job's shards.

        Args:
            writer: of the work, gives what writes the part of a shard, and returns its seconds of audio.
        """
        options, identity = self.options, self._planned_identity()
        if self._is_merged(identity):
            self._chosen(merged_shards(options.out))
            log.info("%s is up to date", options.out)
            return
        planned = Work.load(options.out, identity, self.planner)
        missing = planned.missing(self._chosen(planned.n_shards), self.suffix, checked=True)
        if not missing:
            log.info("all parts of this job exist")
            return
        from threadpoolctl import threadpool_limits

        begin, audio = time.perf_counter(), 0.0
        with threadpool_limits(1):  # jobs share the processors, and sums would depend on the number of threads
            write = writer(planned)
            for shard, items in progress(planned.shards(missing), len(missing), "shards"):
                if not planned.has_part(shard, self.suffix, checked=True):
                    with marked(planned, shard, options.job):
                        utterances = [Utterance.from_row(item.content) for item in items]
                        audio += write(planned.part(shard, self.suffix), utterances)
        seconds = time.perf_counter() - begin
        times = audio / seconds
        log.info("%.0f s of audio in %.2f s, %.*f times real time", audio, seconds, 0 if times >= 10 else 2, times)

    def _chosen(self, n_shards: int | None) -> list[int]:
        """The shards of this job, of so many; none where that is not known.

        Arrays of a fixed size have tasks without utterances: with `--shard modulo` these have nothing to do.
        """
        options, n = self.options, n_shards or 0
        tasks = max(n, options.num_shards) if options.shard == MODULO else n
        if n_shards is None:
            return []
        return [one for one in chosen_shards(tasks, options.shards, options.job, options.nj) if one < n]

    def merge(self, write: Callable[[StageDir, Work], None]) -> None:
        """Commit what `write` makes of all parts, unless that was done, and remove the parts.

        With `allow_missing` some parts may be missing; then all stay, and a merge after further jobs has more.
        """
        options, identity = self.options, self._planned_identity()
        planned = Work.find(options.out, identity) if options.allow_missing else None
        missing = planned.missing(suffix=self.suffix) if planned else []
        settings = self._result_settings(identity) | ({"missing": format_numbers(missing)} if missing else {})
        with StageDir(options.out, settings, [], options.force, command=self.merger) as stage:
            if stage.done:  # perhaps with a larger --max_fail
                failures = read_failures(options.out / FAILURES)
                n = len(read_lines(options.out / "utt2spk")) // self.versions + len(failures)
                check_failures(failures, n, options.max_fail, options.out)
            else:
                planned = planned or Work.load(options.out, identity, self.planner)
                if not options.allow_missing:
                    planned.require(planned.missing(suffix=self.suffix), self._compute_call())
                stage.n_shards = planned.n_shards
                with cycles.sought_later():
                    write(stage, planned)
        if not missing:
            remove_parts(options.out)

    def _planned_identity(self) -> str:
        """The identity of the plan for --out. Raises InputError where there is none, or one of other options.

        Where it is only asked whether there is anything to do, or all is merged, it is that of the plan that would be
        made.
        """
        if is_only_asked() or not is_planned(self.options.out):
            identity = self._identity_of(read_utterances(self.options.data))
            if is_only_asked() or self._is_merged(identity):
                return identity
        return current_identity(self.options.out, self._settings, self.planner)

    def _result_settings(self, identity: str) -> dict[str, Any]:
        """All that decides the result, as stored in its config.yaml."""
        options = self.options
        return {"identity": identity, "data": options.data, **self._settings, "ark_paths": options.ark_paths}

    def _is_merged(self, identity: str) -> bool:
        """Does the result with this identity exist? Never with --force."""
        return not self.options.force and is_done(self.options.out, self._result_settings(identity))

    def _compute_call(self) -> list[str]:
        """The command that writes parts, in words, without --shards."""
        return [
            "python3",
            "-m",
            f"{self.room}.compute",
            *as_words(replace(self.options, nj=1, job=0, shards=None, allow_missing=False)),
        ]


class Gathered(NamedTuple):
    """What the part of a shard has.

    Attributes:
        results: the items whose utterances have a result, each with what its job says of it. arrays: of the part.
    """

    results: list[tuple[Item, dict[str, Any]]]
    arrays: dict[str, np.ndarray]


def gather(planned: Work, failures: list[Failure]) -> Iterator[Gathered]:
    """The utterances with a result in the parts, those of a shard at a time; the others are added to `failures`."""
    failures += map(tuple, planned.about["refused"])
    for shard, items in planned.shards(range(planned.n_shards)):
        part = planned.part(shard)
        if not planned.has_part(shard):  # with allow_missing
            failures += _not_done([item.id for item in items], shard)
            continue
        rows, arrays = read_part(part)
        _check_number(part, rows, items)
        pairs = list(zip(items, rows, strict=True))
        failures += [(item.id, row["reason"], row["detail"]) for item, row in pairs if row["reason"]]
        yield Gathered([pair for pair in pairs if not pair[1]["reason"]], arrays)


def gather_rows(planned: Work, failures: list[Failure]) -> Iterator[tuple[Sequence[str], Sequence[dict[str, Any]]]]:
    """The same of journals: ids and rows of the utterances with a result, those of a shard at a time."""
    failures += map(tuple, planned.about["refused"])
    for shard, ids in planned.ids(range(planned.n_shards)):
        part = planned.part(shard, JOURNAL)
        content = read_content(part) if part.is_file() else None
        if content is None or not content.sealed:  # with allow_missing
            failures += _not_done(ids, shard)
            continue
        rows = content.rows
        _check_number(part, rows, ids)
        reasons = [row["reason"] for row in rows]
        if any(reasons):
            pairs = list(zip(ids, rows, strict=True))
            failures += [(key, row["reason"], row["detail"]) for key, row in pairs if row["reason"]]
            good = [pair for pair in pairs if not pair[1]["reason"]]
            ids, rows = [key for key, _ in good], [row for _, row in good]
        yield ids, rows


def _not_done(ids: Sequence[str], shard: int) -> list[Failure]:
    return [(key, NOT_DONE, f"of shard {shard}") for key in ids]


def _check_number(part: Path, rows: Sequence[Any], utterances: Sequence[Any]) -> None:
    """Raise InputError where a part has not a row for each of the utterances of its shard."""
    if len(rows) != len(utterances):
        raise InputError(
            f"{part}: results of {len(rows)} of the {len(utterances)} utterances of its shard; remove it and run its"
            " job again"
        )
