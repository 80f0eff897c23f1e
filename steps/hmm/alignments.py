"""A directory of alignments, ours or those of another recogniser: which density each frame has.

ali.{ark,scp}     int32 vectors (T,): the number of the density (Kaldi's pdf-id) of each frame
post.{ark,scp}    in the place of it: matrices (T, P) of posteriors, whose rows sum to 1
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from steps.features.speech_frames import FramesProblem, SpeechFrames
from steps.hmm.expectation import Aligned, Spoken, one_hot, runs
from steps.hmm.frame_choice import SPEECH
from utils.archives import ArchiveReader
from utils.errors import InputError

ALI, POST = "ali.scp", "post.scp"
NO_ALIGNMENT, OTHER_LENGTH = "no_alignment", "other_length"
LARGEST_ERROR = 0.01  # of the sum of a row of posteriors, which may be stored in two bytes


class AlignedFrames:
    """The utterances of a data directory, with frames and alignments.

    Args:
        which: `all` frames, or those of `speech`; alignments are of all frames, or of the same.

    Attributes:
        skipped: (utterance, reason, detail) that `usable` has left out.
    """

    def __init__(self, feats: Path, data: Path, directory: Path, n_pdfs: int, which: str):
        self.frames, self.which, self.n_pdfs = SpeechFrames(feats, data), which, n_pdfs
        found = [directory / name for name in (ALI, POST) if (directory / name).is_file()]
        if not found:
            raise InputError(f"{directory}: no {ALI} and no {POST} here; steps/hmm/align.sh writes the first")
        self._reader = ArchiveReader(found[0])
        self.skipped: list[tuple[str, str, str]] = []

    @property
    def utterances(self) -> list[str]:
        """All ids, in the order of the data directory."""
        return self.frames.utterances

    def read(self, utterance: str) -> tuple[np.ndarray, Aligned]:
        """Frames (T, D) of an utterance, and their alignment. Raises FramesProblem."""
        where = f"{self._reader.script}: {utterance}"
        if utterance not in self._reader:
            raise FramesProblem(utterance, NO_ALIGNMENT, f"{where}: no alignment")
        frames = self.frames.all_frames(utterance)
        mask = self.frames.mask(utterance)
        found = self._reader[utterance]
        if self.which == SPEECH:
            frames, found = self.frames.read(utterance), found[mask] if len(found) == len(mask) else found
        if len(found) != len(frames):
            detail = f"{where}: {len(found)} frames, but the features have {len(frames)}"
            raise FramesProblem(utterance, OTHER_LENGTH, detail)
        return frames, self._aligned(found, where)

    def _aligned(self, found: np.ndarray, where: str) -> Aligned:
        """What an alignment gives. Raises InputError where it is none of this model's."""
        if found.ndim == 1 and found.dtype.kind == "i":
            if len(found) and not 0 <= found.min() <= found.max() < self.n_pdfs:
                raise InputError(f"{where}: a density beyond the {self.n_pdfs} of the units; is it of other units?")
            return Aligned(one_hot(found, self.n_pdfs), runs(found, self.n_pdfs), 0.0)
        if found.ndim != 2 or found.shape[1] != self.n_pdfs or found.dtype.kind != "f":
            raise InputError(f"{where}: a shape of {found.shape}; expected posteriors of {self.n_pdfs} densities")
        shares = np.asarray(found, np.float64)
        totals = shares.sum(axis=1)
        if not np.isfinite(shares).all() or (shares < 0).any() or not (np.abs(totals - 1) < LARGEST_ERROR).all():
            raise InputError(f"{where}: rows that are no posteriors; expected shares, which sum to 1")
        shares = shares / totals[:, None]
        stays = np.minimum(shares[1:], shares[:-1]).sum(axis=0)
        return Aligned(torch.from_numpy(shares), stays, 0.0)

    def usable(self, utterances: Iterable[str]) -> Iterator[tuple[str, Spoken]]:
        """Each of the utterances that can be used; the others are noted in `skipped`."""
        for utterance in utterances:
            try:
                frames, _ = self.read(utterance)
            except FramesProblem as problem:
                self.skipped.append((problem.utterance, problem.reason, problem.detail))
                continue
            yield utterance, Spoken((), frames)
