"""The vocoders by name.

    vocoder = VOCODERS.load("griffin_lim")(Path("exp/vocoder"), GriffinLimOptions())
    vocoder.check(units.info, "exp/units")                         # InputError for units that it does not know
    waveform = vocoder(SpokenUnits("s1-u1", "s1", units, durations))  # (samples,) float32 in -1..1, vocoder.sample_rate

A vocoder is a class with frozen options in `Options`, made of a directory and options, with `sample_rate`, `check` and
a call as above.
"""

from typing import NamedTuple

import numpy as np

from utils.registry import Registry

GRIFFIN_LIM, CODE_HIFIGAN = "griffin_lim", "codehifigan"
VOCODERS = Registry(
    "vocoder",
    {
        GRIFFIN_LIM: "steps.vocoder.griffin_lim:GriffinLim",
        CODE_HIFIGAN: "steps.vocoder.code_hifigan_vocoder:CodeHifiGanVocoder",
    },
    needs=("Options", "check", "__call__"),
)


class SpokenUnits(NamedTuple):
    """What is to be spoken.

    Attributes:
        id, speaker: of the utterance. units: (N,) int32. durations: (N,) int32 in frames; None: not known.
    """

    id: str
    speaker: str
    units: np.ndarray
    durations: np.ndarray | None
