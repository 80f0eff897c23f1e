"""Adaptation of models in jobs, whatever kind of model: recordings in, arrays out, a named reason where there are none.

What the directory holds in the end is in `adapted_dir`. The shards are of models, so that jobs share nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from steps.audio.failures import FAILURES, Failure, check_failures, read_failures, write_failures
from steps.data.enrolments import ENROL_MAP, SENTENCES, model_sentences, read_enrolments
from steps.features.speech_frames import FramesProblem
from steps.gmm.adapted_dir import NUM_FRAMES, UNUSABLE
from steps.gmm.map_options import ADAPTABLE, MapJobOptions
from utils.archive_writer import ArchiveWriter
from utils.command import logger
from utils.errors import InputError
from utils.part_jobs import Part, run_part_jobs
from utils.parts import Item, Work, read_part
from utils.shards import shards_of
from utils.stage_dir import StageDir
from utils.tables import read_lines, write_table

log = logger(__name__)
NO_RECORDING = "no_recording"


class EnrolledFrames(NamedTuple):
    """What a recording gives.

    Attributes:
        frames: (T, D). aligned: what else the adapter knows of it, such as its words.
    """

    frames: np.ndarray
    aligned: Any = None


class Adapter(Protocol):
    """What adapts a background to recordings."""

    def read(self, utterance: str) -> EnrolledFrames:
        """A recording. Raises FramesProblem where it cannot be used."""

    def adapt(self, recordings: Sequence[EnrolledFrames]) -> Mapping[str, np.ndarray]:
        """What has moved, by name."""

    def release(self) -> None:
        """Let go of what was read."""


def run_map_jobs(
    options: MapJobOptions,
    inputs: Sequence[Path],
    adapter: Callable[[], Adapter],
    write_background: Callable[[Path], None],
) -> None:
    """Adapt a model for each line of the enrol_map, or the share of this job.

    Args:
        inputs: what the models follow from, beside data and features.
        adapter: called once where there is something to adapt. write_background: into the directory of the models.
    """
    if not options.adapt:
        raise InputError(f"--adapt: expected one or more of {', '.join(ADAPTABLE)}")
    own = [options.data / name for name in ("utt2spk", ENROL_MAP, SENTENCES) if (options.data / name).is_file()]
    task = _MapTask(options, adapter, write_background)
    run_part_jobs(options, [*own, options.feats, *inputs], task, free=("max_fail",))


@dataclass
class _MapTask:
    """The work; items are models with their recordings."""

    options: MapJobOptions
    adapter: Callable[[], Adapter]
    write_background: Callable[[Path], None]

    def items(self) -> list[Item]:
        enrolments = read_enrolments(self.options.data)
        if not enrolments:
            raise InputError(f"{self.options.data / ENROL_MAP}: empty; expected lines 'model utterance utterance ...'")
        shards = shards_of([len(recordings) for recordings in enrolments.values()], self.options.shard_recordings)
        return [
            Item(model, shard, recordings)
            for shard, (model, recordings) in zip(shards, enrolments.items(), strict=True)
        ]

    def prepare(self) -> Callable[[list[Item]], Part]:
        adapter = self.adapter()

        def make(items: list[Item]) -> Part:
            rows, moved = [], []
            for item in items:
                recordings, unusable = _read(adapter, item.content)
                n_frames = sum(len(one.frames) for one in recordings.values())
                rows.append({"used": list(recordings), "frames": n_frames, "unusable": unusable})
                moved += [self._adapted(adapter, item.id, list(recordings.values()))] if recordings else []
            adapter.release()
            names = moved[0] if moved else ()
            return rows, {name: np.stack([one[name] for one in moved]).astype(np.float32) for name in names}

        return make

    def _adapted(self, adapter: Adapter, model: str, recordings: list[EnrolledFrames]) -> Mapping[str, np.ndarray]:
        """What has moved, of one model. Raises InputError for frames that no Gaussian can follow."""
        try:
            return adapter.adapt(recordings)
        except InputError:
            raise
        except ValueError as error:
            largest = max(float(np.abs(one.frames).max()) for one in recordings)
            raise InputError(
                f"{self.options.feats}: {model}: cannot be adapted ({error}); its features go up to {largest:g}:"
                " compute them again"
            ) from error

    def join(self, stage: StageDir, planned: Work) -> None:
        rows: dict[str, dict[str, Any]] = {}
        with ExitStack() as stack:
            writers = {}
            for name in self.options.adapt:
                files = (stage.dir / f"{name}.ark", stage.dir / f"{name}.scp", stage.final / f"{name}.ark")
                writers[name] = stack.enter_context(ArchiveWriter(*files))
            for shard, items in planned.shards(range(planned.n_shards)):
                own, arrays = read_part(planned.part(shard))
                rows |= {item.id: row for item, row in zip(items, own, strict=True)}
                names = [item.id for item, row in zip(items, own, strict=True) if row["used"]]
                for name, array in arrays.items():
                    for model, values in zip(names, array, strict=True):
                        writers[name].add(model, values)
        failures = [(model, NO_RECORDING, _reasons(row)) for model, row in rows.items() if not row["used"]]
        check_failures(failures, len(rows), self.options.max_fail, self.options.out, "model")
        write_failures(stage.dir / FAILURES, failures, "model")
        self._write_tables(stage.dir, rows)
        self.write_background(stage.dir)
        log.info("%s: %d of %d models", stage.final, len(rows) - len(failures), len(rows))

    def _write_tables(self, directory: Path, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Write what is noted of each model, sorted."""
        unusable = {tuple(one) for row in rows.values() for one in row["unusable"]}
        write_failures(directory / UNUSABLE, sorted(unusable))
        if unusable:
            log.warning("%d recordings could not be used; they are listed in %s", len(unusable), UNUSABLE)
        kept = {model: rows[model] for model in sorted(rows) if rows[model]["used"]}
        write_table(directory / NUM_FRAMES, {model: str(row["frames"]) for model, row in kept.items()})
        write_table(directory / ENROL_MAP, {model: " ".join(row["used"]) for model, row in kept.items()})
        if (self.options.data / SENTENCES).is_file():
            sentences = model_sentences(self.options.data)
            write_table(directory / SENTENCES, {model: sentences[model] for model in kept})

    def check(self) -> None:
        failures = read_failures(self.options.out / FAILURES)
        n_models = len(failures) + len(read_lines(self.options.out / NUM_FRAMES))
        check_failures(failures, n_models, self.options.max_fail, self.options.out, "model")


def _read(adapter: Adapter, utterances: Sequence[str]) -> tuple[dict[str, EnrolledFrames], list[Failure]]:
    """The recordings that can be used, and why others cannot."""
    found, unusable = {}, []
    for utterance in utterances:
        try:
            found[utterance] = adapter.read(utterance)
        except FramesProblem as problem:
            unusable.append((problem.utterance, problem.reason, problem.detail))
    return found, unusable


def _reasons(row: Mapping[str, Any]) -> str:
    """Why a model has no recording, in a line."""
    return "; ".join(detail for _, _, detail in row["unusable"])
