"""Digits of real speakers: the Free Spoken Digit Dataset, and digits of the Arabic Speech Commands Dataset.

fsdd            flac/<digit>_<speaker>_<take>.flac        six men, two folds, takes 0 to 49, 8 kHz; or as its
                recordings/<digit>_<speaker>_<take>.wav   owner ships it
arabic-digits   flac/<speaker>/<word>_<take>.flac         thirty speakers, takes 01 to 10, 16 kHz, one second each
                speakers.csv with f0_median_hz            the sex is an estimate by it; the corpus does not tell it
                enrol.csv, trials.csv.gz                  the lists that come with the data
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from local.look_alike.sources import ARABIC, ENGLISH, FOLD, SEX, SourceSpeaker, Takes
from local.reddots.experiments import deal_folds
from steps.audio.read import load
from steps.audio.recordings import Utterance
from steps.data.table_rows import read_rows
from utils.errors import InputError, absence

FEMALE_FROM = 157.5  # Hz of the median pitch: the middle of 140 Hz, below which are men, and 175 Hz, above which women
QUIET, FRAME, MARGIN = 10**-3.5, 160, 5  # share of the loudest frame's power; samples; frames kept around a word
FSDD_FILE = re.compile(r"([0-9])_([a-z]+)_([0-9]+)\.(flac|wav)")


class RealDigits:
    """Files of digits, one for each speaker, digit and take, in the first folder of FOLDERS that is there."""

    FOLDERS: ClassVar[dict[str, str]] = {"flac": ".flac"}  # with the suffix of its files

    def __init__(self, root: Path):
        self.root = root
        self.folder = next((name for name in self.FOLDERS if (root / name).is_dir()), "")
        if not self.folder:
            raise InputError(
                f"--data_dir {root}: {absence(root / 'flac', 'directory')}, flac; expected one with digits"
            )
        self.suffix = self.FOLDERS[self.folder]

    def name(self, speaker: SourceSpeaker, digit: int, take: int) -> str:
        raise NotImplementedError

    def read(self, speaker: SourceSpeaker, digit: int, take: int) -> np.ndarray:
        path = self.root / self.name(speaker, digit, take)
        return load(Utterance(path.stem, path, None, None, "", speaker.id, path.stem)).waveform


class Fsdd(RealDigits):
    """Six men in two folds: phrases of takes 0 to 11 enrol, of takes 12 to 47 test; each take stands in one phrase."""

    words, impostors, estimated = ENGLISH, FOLD, False
    FOLDERS: ClassVar[dict[str, str]] = {"flac": ".flac", "recordings": ".wav"}
    takes = Takes(range(12), range(12, 48), stride=4, n_enrol=3, n_test=9)

    def __init__(self, root: Path, n_folds: int):
        super().__init__(root)
        files = {path.name: FSDD_FILE.fullmatch(path.name) for path in sorted((root / self.folder).iterdir())}
        names = sorted({match[2] for match in files.values() if match})
        if len(names) < 2 * n_folds:
            raise InputError(
                f"--data_dir {root}: {len(names)} speakers; expected two or more for each of {n_folds} folds"
            )
        self.inputs = (root / self.folder,)
        self.speakers = tuple(
            SourceSpeaker(f"m{number + 1:04d}", name, "m", str(number * n_folds // len(names)))
            for number, name in enumerate(names)
        )

    def name(self, speaker: SourceSpeaker, digit: int, take: int) -> str:
        return f"{self.folder}/{digit}_{speaker.name}_{take}{self.suffix}"

    def join(self, takes: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(takes)


class ArabicDigits(RealDigits):
    """Thirty speakers, folds by sex and name: takes 1 to 3 enrol, 4 to 10 test; words are cut out of their second."""

    words, impostors, estimated = ARABIC, SEX, True
    takes = Takes(range(1, 4), range(4, 11), stride=1, n_enrol=3, n_test=7)

    def __init__(self, root: Path, n_folds: int):
        super().__init__(root)
        table = root / "speakers.csv"
        found: dict[str, str] = {}
        for where, row in read_rows(table)[1]:
            name, pitch = str(row.get("speaker", "")), str(row.get("f0_median_hz", ""))
            if not re.fullmatch("[0-9]{8}", name) or not re.fullmatch(r"[0-9]+(\.[0-9]*)?", pitch):
                raise InputError(f"{where}: expected a speaker of 8 digits and f0_median_hz, found {name!r}, {pitch!r}")
            found[name] = "f" if float(pitch) >= FEMALE_FROM else "m"
        ids = {name: f"{sex}{int(name):04d}" for name, sex in found.items()}
        folds = deal_folds(ids.values(), {ids[name]: sex for name, sex in found.items()}, n_folds)
        self.inputs = (root / "flac", table, root / "enrol.csv", root / "trials.csv.gz")
        self.speakers = tuple(
            SourceSpeaker(ids[name], name, found[name], folds[ids[name]]) for name in sorted(found, key=ids.__getitem__)
        )

    def name(self, speaker: SourceSpeaker, digit: int, take: int) -> str:
        return f"flac/{speaker.name}/{ENGLISH[digit]}_{take:02d}.flac"

    def join(self, takes: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([cut_out(take) for take in takes])


def cut_out(samples: np.ndarray) -> np.ndarray:
    """The samples of a word between its first and its last frame that are not quiet, with a margin."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > QUIET * power.max())
    begin, end = max(loud[0] - MARGIN, 0), min(loud[-1] + 1 + MARGIN, len(frames))
    return samples[begin * FRAME : end * FRAME]
