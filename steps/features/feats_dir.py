"""A directory of features, as steps/features/make_feats.sh writes it: read at random, an utterance at a time.

feats = FeatsDir(Path("exp/feats/train"))
x = feats.read(feats.utterances[0])                      # (T, bins) float32, from the disk
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from steps.features.types import FEATURES, check_features
from utils.archives import ArchiveReader
from utils.data_dir import DataDir
from utils.errors import InputError, brief
from utils.json_files import read_json

MOST_DIGITS = 9  # of a number of frames: 115 days


class FeatsDir:
    """The features of a data directory. Tables are read when first asked for."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.data = DataDir(self.path)
        for name in ("feats.scp", FEATURES):
            if not self.data.has(name):
                raise InputError(f"{self.path}: no {name} here; steps/features/make_feats.sh writes it")

    @cached_property
    def utterances(self) -> list[str]:
        """The ids of all utterances and copies, sorted."""
        return list(self.data.utt2spk)

    @property
    def utt2spk(self) -> dict[str, str]:
        """Utterance or copy -> speaker."""
        return self.data.utt2spk

    @cached_property
    def num_frames(self) -> dict[str, int]:
        """Utterance or copy -> T."""
        file = self.path / "utt2num_frames"
        table = self.data.table(file.name)
        for utterance in self.utterances:
            word = table.get(utterance, "no line")
            if not word.isdecimal() or len(word) > MOST_DIGITS:
                raise InputError(f"{file}: {utterance}: expected a number of frames, found {brief(word)}")
        return {utterance: int(table[utterance]) for utterance in self.utterances}

    @cached_property
    def features(self) -> dict[str, Any]:
        """Type and options of the features, which a model stores."""
        path = self.path / FEATURES
        return check_features(read_json(path), str(path))

    @property
    def bins(self) -> int:
        """The columns of all features."""
        return self.features["dim"]

    @property
    def frames_per_second(self) -> float:
        """Rows of the features of a second."""
        return self.features["frames_per_second"]

    @cached_property
    def uniq(self) -> dict[str, str]:
        """Copy -> its utterance; empty where there are no copies."""
        table = self.data.table("utt2uniq") if self.data.has("utt2uniq") else {}
        found = {copy: utterance for copy, utterance in table.items() if copy != utterance}
        speakers = dict(self.utt2spk)
        for copy, utterance in found.items():
            if copy in self.utt2spk and speakers.setdefault(utterance, self.utt2spk[copy]) != self.utt2spk[copy]:
                raise InputError(
                    f"{self.path / 'utt2uniq'}: {copy} is a copy of {utterance}, but of another speaker; correct it"
                )
        return found

    def read(self, utterance: str) -> np.ndarray:
        """The features (T, bins) float32 of an utterance or copy. Raises InputError where they are not whole."""
        found = self._reader[utterance]
        if found.ndim != 2 or found.shape[1] != self.bins:
            raise InputError(
                f"{self.path / 'feats.scp'}: {utterance}: a shape of {found.shape}, expected T x {self.bins}"
            )
        return found.astype(np.float32, copy=False)

    def release(self) -> None:
        """Let go of what was read: the pages of archives that are mapped count as memory of this process."""
        self._reader.release()

    @cached_property
    def _reader(self) -> ArchiveReader:
        return ArchiveReader(self.path / "feats.scp")
