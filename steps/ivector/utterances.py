"""Statistics of utterances, read from features with speech frames and, where there are any, from alignments.

Alignments are a directory with ali.scp, vectors of int32 that name the density (pdf) of each frame, or with post.scp,
matrices (T, P) of posteriors of all densities; T is the number of all frames, or of those of speech.
"""

from pathlib import Path

import numpy as np

from steps.features.speech_frames import FramesProblem, SpeechFrames
from steps.ivector.sorter import FrameSorter, FrameStatistics
from utils.archives import ArchiveReader
from utils.errors import InputError

ALIGNED, POSTERIORS = "ali.scp", "post.scp"
NO_ALIGNMENT, OTHER_LENGTH = SKIPPED = ("no_alignment", "other_length")
RELEASE = 256  # utterances, after which archives are let go of
TOLERANCE = 0.01  # of the sum of posteriors of a frame


class UtteranceStatistics:
    """Statistics, an utterance at a time.

    Args:
        feats: directory of features. sorter: the mixture. alignments: their directory, where the mixture has densities.
    """

    def __init__(self, feats: Path, sorter: FrameSorter, alignments: Path | None = None):
        self.speech, self.sorter, self._reader = SpeechFrames(feats), sorter, None
        if (sorter.pdfs is None) != (alignments is None):
            raise InputError("alignments go with a hidden Markov model, and such a model with --alignments")
        if self.speech.dim != sorter.gmm.dim:
            raise InputError(f"{feats}: {self.speech.dim} features, the mixture was trained on {sorter.gmm.dim}")
        if alignments is not None:
            found = [alignments / name for name in (ALIGNED, POSTERIORS) if (alignments / name).is_file()]
            if not found:
                raise InputError(
                    f"{alignments}: no {ALIGNED} and no {POSTERIORS}; steps/hmm/align.sh writes alignments"
                )
            self._reader = ArchiveReader(found[0])
        self._n_read = 0

    def of(self, utterance: str) -> FrameStatistics:
        """Of one utterance. Raises FramesProblem where it has nothing to count."""
        self._n_read += 1
        if self._n_read % RELEASE == 0:
            self.speech.release()
        frames = self.speech.read(utterance)
        return self.sorter.statistics(frames, self._densities(utterance, len(frames)))

    def _densities(self, utterance: str, n_frames: int) -> np.ndarray | None:
        """The posteriors of densities (T, P) float32 of the speech frames."""
        if self._reader is None:
            return None
        where = f"{self._reader.script}: {utterance}"
        if utterance not in self._reader:
            raise FramesProblem(utterance, NO_ALIGNMENT, f"{where}: no alignment")
        found, mask = self._reader[utterance], self.speech.mask(utterance)
        if len(found) not in (n_frames, len(mask)):
            detail = f"{where}: {len(found)} frames, the features have {len(mask)}, {n_frames} of them speech"
            raise FramesProblem(utterance, OTHER_LENGTH, detail)
        rows = found[mask] if len(found) == len(mask) else found
        if rows.ndim == 1:
            if rows.dtype.kind != "i" or rows.min() < 0 or rows.max() >= self.sorter.n_pdfs:
                raise InputError(f"{where}: expected numbers of densities from 0 to {self.sorter.n_pdfs - 1}")
            return np.eye(self.sorter.n_pdfs, dtype=np.float32)[rows]
        sums = rows.sum(axis=1, keepdims=True)
        if rows.shape[1] != self.sorter.n_pdfs or (rows < 0).any() or not (np.abs(sums - 1) < TOLERANCE).all():
            raise InputError(f"{where}: expected posteriors of {self.sorter.n_pdfs} densities, which sum to 1")
        return (rows / sums).astype(np.float32)


def pooled(parts: list[FrameStatistics]) -> FrameStatistics:
    """The statistics of several utterances as of one."""
    return FrameStatistics(*(np.sum(own, axis=0) for own in zip(*parts, strict=True)))
