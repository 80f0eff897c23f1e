"""Say whether a recogniser works here, before jobs wait for it: load it, and let it recognise a second of noise.

Input: the recogniser and its options, as `steps/asr/transcribe.sh` takes them; perhaps audio of the user's. Output: a
line with what it has recognised and how long it took; status 1 and the reason where it does not work.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.asr.asr_job import backend_options
from steps.asr.backends import BACKENDS, POCKETSPHINX
from steps.audio.containers import AudioProblem
from steps.audio.read import load
from steps.audio.recordings import Utterance
from utils.command import run_command
from utils.errors import InputError
from utils.foreign_worker import ItemProblem
from utils.options import option
from utils.registry import make_options

LEVEL = 0.01  # of the noise


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    backend: str = option(POCKETSPHINX, "recogniser: pocketsphinx, whisper, faster_whisper, nemo_salm, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the recogniser", inner=backend_options)
    audio: Path | None = option(None, "a file to recognise; default: a second of noise")


def work(options: Options) -> None:
    """Load the recogniser, recognise once, and print what came of it."""
    import numpy as np

    cls = BACKENDS.load(options.backend)
    recogniser = cls(make_options(cls.Options, changes=dict(options.set), where=options.backend))
    recogniser.require()
    rate = recogniser.sample_rate
    noise = np.random.default_rng(0).normal(scale=LEVEL, size=rate).astype(np.float32)
    waveform = noise if options.audio is None else _read(options.audio, rate, recogniser.longest)
    begin = time.perf_counter()
    with recogniser:
        try:
            recogniser(noise)
            ready = time.perf_counter()
            transcript = recogniser(waveform)
        except ItemProblem as problem:
            raise InputError(f"{options.backend}: does not work: {problem.reason}: {problem.detail}") from problem
        end = time.perf_counter()
    facts = ", ".join(f"{name} {value}" for name, value in recogniser.facts.items())
    seconds = len(waveform) / rate
    print(
        f"{options.backend} works ({facts}): ready in {ready - begin:.2f} s, {seconds:.2f} s of audio in"
        f" {end - ready:.2f} s: {transcript.text!r}"
    )


def _read(path: Path, rate: int, longest: float) -> Any:
    """The waveform (samples,) of a file, as much of it as the recogniser takes."""
    try:
        waveform = load(Utterance("audio", path, None, None, "", "", ""), rate).waveform
    except AudioProblem as problem:
        raise InputError(f"--audio {path}: {problem.reason}: {problem.detail}") from problem
    return waveform[: int(min(longest * rate, len(waveform)))]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
