"""The sets of a training: train, dev and, if it is there, test; their frames, and the utterances that were left out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from steps.audio.failures import FAILURES, write_failures
from steps.sid.options import SidOptions
from steps.sid.packed_frames import PackedFrames, pack
from steps.sid.speech_set import SpeechSet, read_set
from utils.command import logger
from utils.errors import InputError

log = logger(__name__)
TRAIN, DEV, TEST = "train", "dev", "test"


def read_sets(feats: Path, options: SidOptions) -> list[SpeechSet]:
    """Train, dev, and test where its figures are asked for and it is there.

    Raises InputError where they have not the same features, or where train has one speaker only.
    """
    train = read_set(feats / TRAIN, options.min_seconds)
    names = train.names
    counts = np.bincount(train.labels, minlength=len(names))
    if (counts > 0).sum() < 2:
        raise InputError(f"{train.path}: one speaker; expected two or more to tell apart")
    if not counts.all():
        raise InputError(
            f"{train.path}: {names[int(counts.argmin())]}: no utterance of this speaker can be used; lower"
            " --min_seconds, or remove the speaker"
        )
    others = [DEV] + [TEST] * (options.test_figures and (feats / TEST).is_dir())
    sets = [train, *(read_set(feats / name, options.min_seconds, names) for name in others)]
    for one in sets[1:]:
        if one.feats.features != train.feats.features:
            raise InputError(f"{one.path}: features of other options than {train.path}; make both with one --conf")
    return sets


def pack_sets(sets: Sequence[SpeechSet], precision: str, directory: Path) -> None:
    """Write the frames of each set into one file of the directory, unless it is there."""
    directory.mkdir(exist_ok=True)
    (directory / TEST).unlink(missing_ok=True)  # of an interrupted run: test, which decides nothing, may be another now
    for one in sets:
        pack(one.feats, one.utterances, directory / one.path.name, precision)
        seconds = one.lengths.sum() / one.feats.frames_per_second
        log.info("%s: %d utterances, %.1f h", one.path, len(one.utterances), seconds / 3600)


def open_sets(sets: Sequence[SpeechSet], precision: str, directory: Path) -> list[tuple[SpeechSet, PackedFrames]]:
    """The sets with the frames that `pack_sets` has written."""
    return [(one, PackedFrames(directory / one.path.name, one.lengths, one.feats.bins, precision)) for one in sets]


def write_left_out(sets: Sequence[SpeechSet], directory: Path) -> None:
    """List the utterances that are left out, and say how many there are."""
    left_out = [failure for one in sets for failure in one.left_out]
    write_failures(directory / FAILURES, left_out)
    for one in sets:
        if one.left_out:
            log.warning(
                "%s: %d of %d utterances are left out, see %s",
                one.path,
                len(one.left_out),
                len(one.feats.utterances),
                FAILURES,
            )
