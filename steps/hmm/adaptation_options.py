"""Options of the command that adapts a hidden Markov model."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.gmm.map_options import MapJobOptions
from utils.options import option

METHODS = ("viterbi", "forward_backward")


@dataclass(frozen=True, kw_only=True)
class Options(MapJobOptions):
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.hmm.map_adapt"
    mono: Path = option(help="directory of steps/hmm/train_mono.sh")
    alignment: str = option(METHODS[0], "frames go to the states of the best path, or of all paths", choices=METHODS)
    ali: Path | None = option(None, "alignments of steps/hmm/align.sh or steps.hmm.import_ali, in the place of our own")
    texts: Path | None = option(None, "data directory whose text and utt2sent tell what sentences are; default: --data")
