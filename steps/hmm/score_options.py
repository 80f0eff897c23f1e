"""Options of the command that scores trials by paths."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.gmm.score_options import ScoreJobOptions
from utils.options import option

SPEAKER, UTTERANCE = QUESTIONS = ("speaker", "utterance")
VITERBI, FORWARD = PATHS = ("viterbi", "forward")
BACKGROUND, UBM, LOOP, SENTENCES = DENOMINATORS = ("background", "ubm", "loop", "sentences")


@dataclass(frozen=True, kw_only=True)
class Options(ScoreJobOptions):
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.hmm.score"
    verify: str = option(
        SPEAKER, "the speaker and what is said, by the adapted model; or what is said alone", choices=QUESTIONS
    )
    paths: str = option(VITERBI, "the best path, or all paths", choices=PATHS)
    against: tuple[str, ...] = option(
        (), "denominators, of several their mean; default: background; utterance: sentences", choices=DENOMINATORS
    )
    ubm: Path | None = option(None, "against ubm: directory of steps/gmm/train_ubm.sh")

    @property
    def denominators(self) -> tuple[str, ...]:
        """Those that are given, or the default."""
        return self.against or ((BACKGROUND,) if self.verify == SPEAKER else (SENTENCES,))
