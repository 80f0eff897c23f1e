"""Alignments of other recognisers, as the densities of a language: from CTM files, and from archives.

An utterance that cannot be converted raises FramesProblem; a file that is none of the expected raises InputError.
"""

import re
from abc import abstractmethod
from pathlib import Path
from typing import Protocol

import numpy as np

from steps.features.speech_frames import FramesProblem
from steps.hmm.alignments import LARGEST_ERROR, NO_ALIGNMENT, OTHER_LENGTH
from steps.hmm.lang import Lang
from steps.hmm.lexicon import fold
from steps.hmm.segments import read_ctm
from steps.hmm.uniform_alignment import spread, states_of_unit
from utils.archives import ArchiveReader
from utils.errors import InputError, brief

UNKNOWN_LABEL = "unknown_label"
SILENCES = {"<eps>", "<sil>", "<s>", "</s>", "sil", "sp", "spn", "nsn", "pau", "!sil", "[sil]", ""}  # of recognisers
MARKS = re.compile(r"_[BIES]$")  # of Kaldi, where in a word a phone is


class Converter(Protocol):
    """What converts alignments."""

    @abstractmethod
    def convert(self, utterance: str, n_frames: int) -> np.ndarray:
        """int32 densities (T,), or posteriors (T, P) float32, of an utterance with T frames."""


class CtmConverter:
    """Lines of a CTM file."""

    def __init__(self, path: Path, lang: Lang, frames_per_second: float):
        self.path, self.lang, self.rate = path, lang, frames_per_second
        self.stretches = read_ctm(path)

    def convert(self, utterance: str, n_frames: int) -> np.ndarray:
        """int32 densities (T,)."""
        if utterance not in self.stretches:
            raise FramesProblem(utterance, NO_ALIGNMENT, f"{self.path}: {utterance}: no line")
        labels = np.full(n_frames, -1)
        rows: list[np.ndarray] = []
        for one in self.stretches[utterance]:
            begin, end = (round(time * self.rate) for time in one[:2])
            if begin >= n_frames and one.end > one.begin:
                detail = f"{self.path}: {utterance}: {one.label} begins at frame {begin} of {n_frames}"
                raise FramesProblem(utterance, OTHER_LENGTH, detail)
            labels[begin:end] = len(rows)
            rows.append(self._row(utterance, one.label))
        found = np.empty(n_frames, np.int32)
        for run in np.split(np.arange(n_frames), np.flatnonzero(np.diff(labels)) + 1):
            row = rows[labels[run[0]]] if labels[run[0]] >= 0 else states_of_unit(self.lang, self.lang.silence)
            found[run] = spread(row, len(run))
        return found

    def _row(self, utterance: str, label: str) -> np.ndarray:
        """The densities of a label, one behind the other."""
        bare = MARKS.sub("", label)
        for unit in (label, bare, bare.rstrip("012")):
            if unit in self.lang.units:
                return states_of_unit(self.lang, unit)
        if bare.casefold() in SILENCES:
            return states_of_unit(self.lang, self.lang.silence)
        if fold(label) not in self.lang.lexicon:
            detail = f"{self.path}: {utterance}: {brief(label)} is neither a unit nor a word of the language"
            raise FramesProblem(utterance, UNKNOWN_LABEL, detail)
        return np.concatenate([states_of_unit(self.lang, unit) for unit in self.lang.lexicon[fold(label)][0]])


class _ArchiveConverter:
    """Objects of a script file, which are cut or filled up by a few frames to the length of the features."""

    def __init__(self, script: Path, lang: Lang, of_units: bool, tolerance: int):
        self.lang, self.of_units, self.tolerance = lang, of_units, tolerance
        self.reader = ArchiveReader(script)
        self.sizes = np.array(list(lang.units.values()))
        self.firsts = np.array(list(lang.first_pdfs.values()))

    def read(self, utterance: str, n_frames: int) -> np.ndarray:
        """The object of an utterance, with T rows."""
        where = f"{self.reader.script}: {utterance}"
        if utterance not in self.reader:
            raise FramesProblem(utterance, NO_ALIGNMENT, f"{where}: no line")
        found = self.reader[utterance]
        if not len(found) or abs(len(found) - n_frames) > self.tolerance:
            detail = f"{where}: {len(found)} frames, but the features have {n_frames}"
            raise FramesProblem(utterance, OTHER_LENGTH, detail)
        return found[np.minimum(np.arange(n_frames), len(found) - 1)]

    def positions(self, units: np.ndarray) -> np.ndarray:
        """How far each frame (T,) is in its stretch of one unit, from 0 to below 1."""
        borders = np.flatnonzero(np.diff(units)) + 1
        return np.concatenate([np.arange(len(run)) / len(run) for run in np.split(units, borders)])


class NumberConverter(_ArchiveConverter):
    """Vectors of numbers of densities, or of units from 1 on."""

    def convert(self, utterance: str, n_frames: int) -> np.ndarray:
        """int32 densities (T,)."""
        found = self.read(utterance, n_frames)
        where, n = f"{self.reader.script}: {utterance}", len(self.sizes) + 1 if self.of_units else self.lang.n_pdfs
        if found.ndim != 1 or found.dtype.kind != "i":
            raise InputError(f"{where}: expected a vector of int32, found a shape of {found.shape} of {found.dtype}")
        if not 0 <= found.min() <= found.max() < n:
            raise InputError(f"{where}: numbers from {found.min()} to {found.max()}; expected 0 to {n - 1}")
        if not self.of_units:
            return found.astype(np.int32)
        silence = list(self.lang.units).index(self.lang.silence)
        units = np.where(found == 0, silence, found - 1)
        return (self.firsts[units] + (self.positions(units) * self.sizes[units]).astype(int)).astype(np.int32)


class PosteriorConverter(_ArchiveConverter):
    """Matrices of posteriors of densities, or of units."""

    def convert(self, utterance: str, n_frames: int) -> np.ndarray:
        """Posteriors (T, P) float32."""
        found = self.read(utterance, n_frames)
        where, n = f"{self.reader.script}: {utterance}", len(self.sizes) if self.of_units else self.lang.n_pdfs
        if found.ndim != 2 or found.shape[1] != n or found.dtype.kind != "f":
            raise InputError(f"{where}: a shape of {found.shape}; expected frames x {n}")
        totals = found.sum(axis=1)
        if not np.isfinite(found).all() or (found < 0).any() or not (np.abs(totals - 1) < LARGEST_ERROR).all():
            raise InputError(f"{where}: rows that are no posteriors; expected shares, which sum to 1")
        if not self.of_units:
            return found.astype(np.float32)
        places = self.positions(found.argmax(axis=1))[:, None]
        shares = np.zeros((n_frames, self.lang.n_pdfs), np.float32)
        np.put_along_axis(shares, self.firsts + (places * self.sizes).astype(int), found.astype(np.float32), axis=1)
        return shares
