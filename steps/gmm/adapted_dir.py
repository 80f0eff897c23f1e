"""A directory of adapted models: what has moved of each, and the background that all come from.

    means.{ark,scp}         (C, D) of each model; variances (C, D) and weights (C,) likewise, where they were adapted
    num_frames enrol_map    speech frames and recordings that each model is adapted to
    failures.tsv            models without any usable recording: model, reason, detail
    unusable.tsv            recordings that could not be used: utterance, reason, detail
    model.safetensors ...   the background, as its own directory has it

adapted = AdaptedDir(Path("exp/01/map_gmm"))
model = adapted.model(background, "anna_31")     # the background with what has moved
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from steps.audio.failures import FAILURES, read_failures
from steps.gmm.map_options import ADAPTABLE
from utils.archives import ArchiveReader
from utils.errors import InputError

UNUSABLE, NUM_FRAMES = "unusable.tsv", "num_frames"
Background = TypeVar("Background")  # a mixture, or a pool of Gaussians, that arrays of these names are fields of


class AdaptedDir:
    """The models of a directory. Arrays are read when they are asked for."""

    def __init__(self, path: Path):
        self.path = Path(path)
        if not (self.path / NUM_FRAMES).is_file():
            raise InputError(
                f"{self.path}: no adapted models here; a command map_adapt.sh of steps/gmm or steps/hmm writes them"
            )

    @cached_property
    def failures(self) -> dict[str, tuple[str, str]]:
        """Models that there are not -> reason and detail."""
        return {model: (reason, detail) for model, reason, detail in read_failures(self.path / FAILURES)}

    @cached_property
    def _readers(self) -> dict[str, ArchiveReader]:
        scripts = {name: self.path / f"{name}.scp" for name in ADAPTABLE}
        return {name: ArchiveReader(script) for name, script in scripts.items() if script.is_file()}

    def require(self, models: Iterable[str], trials: Path) -> None:
        """Raise InputError for the first of these models that is neither there nor among the failures."""
        missing = [
            model
            for model in models
            if model not in self.failures and not all(model in reader for reader in self._readers.values())
        ]
        if missing:
            raise InputError(
                f"{trials}: {missing[0]}: no model of this name in {self.path} ({len(missing)} such models); adapt with"
                " the enrol_map of these trials"
            )

    def model(self, background: Background, name: str) -> Background:
        """The background with what has moved for one model. Raises InputError where the numbers are not of its kind."""
        moved = {part: reader[name].astype(np.float64) for part, reader in self._readers.items()}
        try:
            return replace(background, **moved)
        except ValueError as error:
            raise InputError(f"{self.path}: {name}: {error}; adapt again") from error
