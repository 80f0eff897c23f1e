"""Say whether a detector of speech works here, before jobs wait for it: load it, and let it judge a second of noise.

Input: the detector and its options, as `steps/vad/detect.sh` takes them; perhaps audio of the user's. Output: a line
with how much is speech and how long it took; status 1 and the reason where it does not work.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.audio.checks import AUDIO_HELP, TryOut, sound
from steps.features.rates import HIGHEST_RATE, LOWEST_RATE, USUAL_RATE
from steps.vad.backends import WEBRTC
from steps.vad.vad_job import DetectorChoice, component_options
from utils.command import run_command
from utils.options import option


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    backend: str = option(WEBRTC, "detector: webrtc, energy, silero, ten, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the detector and of smoothing", inner=component_options)
    sample_rate: int = option(USUAL_RATE, "Hz of the features", least=LOWEST_RATE, most=HIGHEST_RATE)
    audio: Path | None = option(None, AUDIO_HELP)


def work(options: Options) -> None:
    """Load the detector, let it judge once, and print what came of it."""
    waveform = sound(options.audio, options.sample_rate)
    try_out = TryOut(options.backend)
    detector = DetectorChoice.of(options).detector(options.sample_rate)
    try_out.ready()
    flags = detector(waveform)
    result = f"{int(sum(flags))} of {len(flags)} frames are speech"
    print(try_out.line(len(waveform) / options.sample_rate, result))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
