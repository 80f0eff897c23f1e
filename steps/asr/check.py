"""Say whether a recogniser works here, before jobs wait for it: load it, and let it recognise a second of noise.

Input: the recogniser and its options, as `steps/asr/transcribe.sh` takes them; perhaps audio of the user's. Output: a
line with what it has recognised and how long it took; status 1 and the reason where it does not work.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.asr.asr_job import backend_options
from steps.asr.backends import BACKENDS, POCKETSPHINX
from steps.audio.checks import AUDIO_HELP, TryOut, sound
from utils.command import run_command
from utils.errors import InputError
from utils.foreign_worker import ItemProblem
from utils.options import option
from utils.registry import make_options


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    backend: str = option(POCKETSPHINX, "recogniser: pocketsphinx, whisper, faster_whisper, nemo_salm, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the recogniser", inner=backend_options)
    audio: Path | None = option(None, AUDIO_HELP)


def work(options: Options) -> None:
    """Load the recogniser, recognise once, and print what came of it."""
    cls = BACKENDS.load(options.backend)
    recogniser = cls(make_options(cls.Options, changes=dict(options.set), where=options.backend))
    recogniser.require()
    rate = recogniser.sample_rate
    waveform = sound(options.audio, rate, recogniser.longest)
    try_out = TryOut(options.backend)
    with recogniser:
        try:
            recogniser(sound(None, rate))
            try_out.ready()
            transcript = recogniser(waveform)
        except ItemProblem as problem:
            raise InputError(f"{options.backend}: does not work: {problem.reason}: {problem.detail}") from problem
    print(try_out.line(len(waveform) / rate, repr(transcript.text), recogniser.facts))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
