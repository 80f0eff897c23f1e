"""Say whether an encoder of units works here, before jobs wait for it: load it, and let it encode a second of noise.

Input: the encoder, its model and its options, as `steps/units/encode.sh` takes them; perhaps audio of the user's.
Output: a line with the units and how long it took; status 1 and the reason where it does not work.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.audio.checks import AUDIO_HELP, TryOut, sound
from steps.units.backends import KMEANS
from steps.units.encode_job import EncoderChoice, component_options
from utils.command import run_command
from utils.errors import InputError
from utils.foreign_worker import ItemProblem
from utils.options import option

SHOWN = 10  # units


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the command."""

    model: Path = option(help="of steps/units/train.sh; with hubert a directory in transformers' format")
    backend: str = option(KMEANS, "encoder: kmeans, hubert, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the encoder", inner=component_options)
    audio: Path | None = option(None, AUDIO_HELP)


def work(options: Options) -> None:
    """Load the encoder, encode once, and print what came of it."""
    try_out = TryOut(options.backend)
    choice = EncoderChoice.of(options)
    waveform = sound(options.audio, choice.sample_rate)
    encoder = choice.encoder()
    try_out.ready()
    units = encoder([waveform])[0]
    if isinstance(units, ItemProblem):
        raise InputError(f"{options.backend}: does not work: {units.reason}: {units.detail}")
    shown = " ".join(map(str, units[:SHOWN])) + " ..." * (len(units) > SHOWN)
    result = f"{len(units)} frames of {choice.info.n_units} units: {shown}"
    print(try_out.line(len(waveform) / choice.sample_rate, result, getattr(encoder, "facts", None)))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
