"""What the report shows beside the figures: training curves, calibration on dev speakers, and speech.

Reads what the models have left of their training (`histories`), and `wav.scp` of data/<corpus>/train.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from steps.score.histories import Histories, read_histories
from steps.score.neighbours import Clips
from utils.command import logger

if TYPE_CHECKING:
    from steps.score.score import Options

log = logger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """What the page shows that is in no figure.

    Attributes:
        histories: of the models. clips: of training speakers. n_heard: samples whose neighbours are shown.
    """

    histories: Histories = field(default_factory=Histories)
    clips: Clips = field(default_factory=lambda: Clips.open(None, 0))
    n_heard: int = 0


def read_surroundings(options: "Options", directories: Mapping[str, Path]) -> Surroundings:
    """Read what there is. Raises InputError where a table is broken."""
    histories = read_histories(directories)
    clips = Clips.open(options.data / "train" if options.data and options.n_heard else None, options.clip_seconds)
    if options.n_heard and clips.reason:
        log.info("the report plays no speech: %s", clips.reason)
    return Surroundings(histories, clips, options.n_heard)
