"""What makes the alignments of a shard of utterances, and what writes those of all shards.

Used by `steps.hmm.align`, whose docstring has the files.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from steps.audio.failures import FAILURES, Failure, check_failures, read_failures, write_failures
from steps.hmm.expectation import VITERBI, Aligner, Spoken
from steps.hmm.frame_choice import SPEECH
from steps.hmm.hmm_dir import read_hmm
from steps.hmm.hmm_model import HmmScorer
from steps.hmm.lang import Lang
from steps.hmm.paths import best_paths
from steps.hmm.segments import LabelledStretch, ctm_lines, labelled, units_of_path, words_of_path
from steps.hmm.transcribed import TranscribedFrames
from steps.hmm.word_loop import ANY_WORDS
from utils.archive_writer import ArchiveWriter
from utils.command import logger
from utils.part_jobs import Part
from utils.parts import Item, Work, read_part
from utils.shards import shards_of
from utils.stage_dir import StageDir

log = logger(__name__)
ALI, PHONES, POST = "ali", "phones", "post"  # archives
CTM, WORDS_CTM, LIKELIHOODS = "ctm", "words.ctm", "loglikes.tsv"
LOOP = "loop"
HEADER = "utterance\tlog_likelihood"  # a frame, of the best path


class AlignTask:
    """The work on the utterances of a data directory; items are utterances."""

    def __init__(self, options: Any):
        self.options = options

    def items(self) -> list[Item]:
        """All utterances of the data that have features, and those that have none."""
        _, lang = read_hmm(self.options.model)
        source = self._source(lang)
        known = source.frames.feats.num_frames
        sizes = [known.get(utterance, 1) for utterance in source.utterances]
        shards = shards_of(sizes, self.options.shard_frames)
        return [Item(utterance, shard) for utterance, shard in zip(source.utterances, shards, strict=True)]

    def _source(self, lang: Lang) -> TranscribedFrames:
        any_words = self.options.words == LOOP
        return TranscribedFrames(self.options.feats, self.options.data, lang, self.options.frames, any_words)

    def prepare(self) -> Callable[[list[Item]], Part]:
        """Read the model."""
        torch.set_num_threads(1)  # jobs share the processors, and sums would depend on the number of threads
        model, lang = read_hmm(self.options.model)
        return _ShardAligner(Aligner(HmmScorer(model), lang, VITERBI), self._source(lang), self.options.posteriors)

    def join(self, stage: StageDir, planned: Work) -> None:
        """Write all files."""
        failures: list[Failure] = []
        texts: dict[str, list[str]] = {CTM: [], WORDS_CTM: [], LIKELIHOODS: [HEADER]}
        names = [ALI, PHONES, *([POST] if self.options.posteriors else [])]
        with contextlib.ExitStack() as stack:
            writers = {name: stack.enter_context(_writer(stage, name)) for name in names}
            for shard in range(planned.n_shards):
                (aligned, failed), arrays = read_part(planned.part(shard))
                failures += [tuple(row) for row in failed]
                for row in aligned:
                    begin, end = row["frames"]
                    for name, writer in writers.items():
                        writer.add(row["utterance"], arrays[name][begin:end])
                    for name, lines in texts.items():
                        lines += row[name]
        check_failures(failures, planned.n_items, self.options.max_fail, self.options.out)
        write_failures(stage.dir / FAILURES, failures)
        read_hmm(self.options.model)[1].write_symbols(stage.dir)
        for name, lines in texts.items():
            (stage.dir / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        log.info("%s: %d of %d utterances", stage.final, planned.n_items - len(failures), planned.n_items)

    def check(self) -> None:
        """Raise InputError where too many utterances have no alignment."""
        failures = read_failures(self.options.out / FAILURES)
        n_aligned = len((self.options.out / LIKELIHOODS).read_text(encoding="utf-8").splitlines()) - 1
        check_failures(failures, n_aligned + len(failures), self.options.max_fail, self.options.out)


def _writer(stage: StageDir, name: str) -> ArchiveWriter:
    return ArchiveWriter(stage.dir / f"{name}.ark", stage.dir / f"{name}.scp", stage.final / f"{name}.ark")


class _ShardAligner:
    """Aligns the utterances of a shard."""

    def __init__(self, aligner: Aligner, source: TranscribedFrames, posteriors: bool):
        self.aligner, self.source, self.posteriors = aligner, source, posteriors
        self.names, self.words = list(aligner.lang.units), sorted(aligner.lang.heard)

    def __call__(self, items: list[Item]) -> Part:
        """Rows of the utterances that can be aligned and of those that cannot, and arrays of all frames."""
        self.source.skipped.clear()
        found = dict(self.source.usable(item.id for item in items))
        rows: dict[str, dict[str, Any]] = {}
        arrays: dict[str, dict[str, np.ndarray]] = {}
        for batch in self.aligner.batches(found.items(), key=lambda one: one[1]):
            spoken = [one for _, one in batch]
            trellis = self.aligner.trellis(spoken)
            shares = self.aligner.summed(spoken, trellis) if self.posteriors else [None] * len(batch)
            for (utterance, one), path, total, own in zip(batch, *reversed(best_paths(trellis)), shares, strict=True):
                rows[utterance], arrays[utterance] = self._aligned(utterance, one, path, float(total))
                if own is not None:
                    arrays[utterance][POST] = own.posteriors.numpy().astype(np.float32)
        self.source.frames.release()
        position = 0
        for utterance in found:
            length = len(arrays[utterance][ALI])
            rows[utterance]["frames"] = [position, position + length]
            position += length
        names = [ALI, PHONES, *([POST] if self.posteriors else [])]
        joined = {name: _joined([arrays[utterance][name] for utterance in found], name) for name in names}
        return [[rows[utterance] for utterance in found], list(self.source.skipped)], joined

    def _aligned(
        self, utterance: str, spoken: Spoken, path: np.ndarray, total: float
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Lines of text, and arrays, of the states (T,) of an utterance's best path."""
        states = self.aligner.states_of(spoken.words)
        times = np.flatnonzero(self.source.mask(utterance)) if self.source.which == SPEECH else np.arange(len(path))
        rate = self.source.frames.feats.frames_per_second
        begins = units_of_path(states, path)
        units = labelled(begins, times, rate, [self.names[states.units[path[begin]]] for begin in begins])
        spoken_words = self.words if spoken.words == ANY_WORDS else spoken.words
        words = [
            LabelledStretch(times[first] / rate, (times[last] + 1) / rate, spoken_words[number])
            for first, last, number in words_of_path(states, path)
        ]
        row = {"utterance": utterance, CTM: ctm_lines(utterance, units), WORDS_CTM: ctm_lines(utterance, words)}
        row[LIKELIHOODS] = [f"{utterance}\t{total / len(path):.6f}"]
        return row, {ALI: states.pdfs[path].astype(np.int32), PHONES: (states.units[path] + 1).astype(np.int32)}


def _joined(arrays: Sequence[np.ndarray], name: str) -> np.ndarray:
    """Arrays of utterances as one of all their frames."""
    return np.concatenate(arrays) if arrays else np.empty(0, np.float32 if name == POST else np.int32)
