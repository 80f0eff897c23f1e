"""The options of EM."""

from dataclasses import dataclass

from utils.options import option


@dataclass(frozen=True)
class EmOptions:
    """What keeps components from falling onto single frames, and how they are split."""

    variance_floor: float = option(0.01, "least variance, of that of all frames", least=0, most=1)
    least_frames: float = option(10.0, "a component with less than this many frames is left out", least=0, most=1e9)
    split_distance: float = option(
        0.2, "of the two halves of a component from its mean, in deviations", least=0, most=10
    )
