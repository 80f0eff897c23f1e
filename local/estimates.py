"""What a whole corpus will take, from what a part of it has taken.

All rules are linear in the number of utterances, but for what the recipe limits itself: figures of stage 6 are of
MOST_SCORED samples at most, and take as long for few as for LEAST_SCORED. The overhead, which is what a run takes that
has nothing to do, does not grow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

LEAST_SCORED, MOST_SCORED = 2000, 8000  # samples, of steps/score/score.py
TIMES_EMBEDDINGS = 8  # bytes of a training job for each byte of its embeddings: measured, with a margin
ROW = 300  # bytes that a stage has in memory for an utterance, apart from its embedding


@dataclass
class Sizes:
    """How large something is: utterances, dimensions of their embeddings, seconds of audio, captions."""

    utterances: int
    dim: int = 0
    seconds: float = 0.0
    captions: int = 0


@dataclass
class Estimate:
    """Seconds of each stage, from and to; bytes of memory and of disk."""

    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    memory: int = 0
    disk: int = 0

    def add(self, stage: str, least: float, most: float | None = None) -> None:
        """Add to what a stage takes."""
        before = self.seconds.get(stage, (0.0, 0.0))
        self.seconds[stage] = (before[0] + least, before[1] + (least if most is None else most))

    def keep(self, first: int, last: int) -> None:
        """Leave out the stages that the run does not have: a part of the corpus goes through all before its last."""
        self.seconds = {stage: span for stage, span in self.seconds.items() if first <= int(stage) <= last}

    @property
    def total(self) -> tuple[float, float]:
        """Seconds of all stages."""
        return sum(least for least, _ in self.seconds.values()), sum(most for _, most in self.seconds.values())


def together(jobs: Sequence[tuple[float, float]], at_once: int) -> tuple[float, float]:
    """Seconds, from and to, of jobs of which so many run at once: of the longest, or a fair share of all."""
    least, most = (max(*seconds, sum(seconds) / at_once) for seconds in zip((0.0, 0.0), *jobs, strict=True))
    return least, most


def grown(seconds: float, overhead: float, factor: float) -> float:
    """The seconds of `factor` times as much work."""
    return seconds + max(0.0, factor - 1) * max(0.0, seconds - overhead)


def scored_factor(part: int, whole: int) -> float:
    """How much more stage 6 does for a whole than for a part, both in utterances."""
    samples = [min(max(count, LEAST_SCORED), MOST_SCORED) for count in (part, whole)]
    return samples[1] / samples[0]


def memory_of(peak: int, part: int, whole: Sizes) -> int:
    """Bytes of the largest job on the whole, of `peak` on the part."""
    return peak + max(0, whole.utterances - part) * (4 * TIMES_EMBEDDINGS * whole.dim + ROW)


def in_words(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def span_in_words(least: float, most: float) -> str:
    """Two times, or one where they are alike."""
    low, high = in_words(least), in_words(most)
    return low if low == high else f"{low} to {high}"
