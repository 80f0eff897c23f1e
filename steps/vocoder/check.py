"""Say whether a vocoder works here, before jobs wait for it: load it, and let it speak once.

Input: the vocoder, its model and its options, as `steps/vocoder/resynthesise.sh` takes them; perhaps units. Output: a
line with the length of the speech and how long it took; status 1 and the reason where it does not work.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.audio.checks import TryOut
from steps.data.unit_sequences import UnitsDir
from steps.vocoder.backends import GRIFFIN_LIM, VOCODERS, SpokenUnits
from steps.vocoder.resynthesise import component_options, require_model
from utils.command import run_command
from utils.errors import InputError
from utils.options import option
from utils.registry import make_options

FRAMES = 50


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the command."""

    model: Path = option(
        help="directory of the vocoder: of steps/vocoder/train.sh, or with config.json and a checkpoint"
    )
    backend: str = option(GRIFFIN_LIM, "vocoder: griffin_lim, codehifigan, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the vocoder", inner=component_options)
    units: Path | None = option(
        None, f"directory of unit sequences, whose first is spoken; default: unit 0 for {FRAMES} frames"
    )


def work(options: Options) -> None:
    """Load the vocoder, speak once, and print what came of it."""
    require_model(options.model)
    wanted, info = SpokenUnits("check", "check", np.zeros(1, np.int32), np.array([FRAMES], np.int32)), None
    if options.units is not None:
        units = UnitsDir(options.units)
        if not units.utterances:
            raise InputError(f"--units {options.units}: no utterances in it; expected unit sequences to speak")
        key, info = units.utterances[0], units.info
        wanted = SpokenUnits(key, units.utt2spk[key], *units.read(key))
    try_out = TryOut(options.backend)
    cls = VOCODERS.load(options.backend)
    vocoder = cls(options.model, make_options(cls.Options, changes=dict(options.set), where=options.backend))
    if info is not None:
        vocoder.check(info, str(options.units))
    try_out.ready()
    waveform = vocoder(wanted)
    result = f"{len(waveform)} samples at {vocoder.sample_rate} Hz, peak {np.abs(waveform).max(initial=0):.3f}"
    print(try_out.line(len(waveform) / vocoder.sample_rate, result))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
