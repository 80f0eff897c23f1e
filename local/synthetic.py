"""A corpus without data: speakers made of random formant filters, in several sessions -> a data directory of audio.

Input: nothing. Output: data/synthetic/all with wav/<speaker>/<session>/*.wav (16 kHz, 16 bit), wav.scp, utt2spk,
spk2utt, spk2gender, utt2dur and utt2chapter, the session of an utterance. Every second speaker is a woman; each session
has its own channel. `local/formant_voice.py` tells what a voice is. The figures of this corpus show that a recipe
works, no more.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, progress, run_command
from utils.data_dir import write_data_dir
from utils.errors import InputError
from utils.options import MAX_SEED, option
from utils.script_files import path_in_script
from utils.stage_dir import StageDir

log = logger(__name__)
OF_VOICE, OF_CHANNEL, OF_UTTERANCE = range(
    3
)  # streams of random numbers, so that none depends on the numbers of others


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.prepare_synthetic"
    out: Path = option(Path("data/synthetic/all"), "data directory to write")
    n_speakers: int = option(24, "number of speakers, half of them female", least=1, most=100_000)
    n_sessions: int = option(4, "sessions of each speaker, each with its own channel", least=1, most=1000)
    n_utterances: int = option(3, "utterances of each session", least=1, most=10_000)
    min_seconds: float = option(2.0, "shortest utterance", least=0.5, most=600)
    max_seconds: float = option(4.0, "longest utterance", least=0.5, most=600)
    seed: int = option(1, "decides voices, channels and utterances", least=0, most=MAX_SEED)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Draw the speakers, and let them speak."""
    if options.max_seconds < options.min_seconds:
        raise InputError(f"--max_seconds {options.max_seconds}: less than --min_seconds {options.min_seconds}")
    with StageDir(options.out, options, force=options.force) as stage:
        if stage.done:
            return
        tables: dict[str, dict[str, str]] = defaultdict(dict)
        seconds = 0.0
        for number in progress(range(options.n_speakers), options.n_speakers, "speakers"):
            seconds += _speaker(options, number, stage, tables)
        write_data_dir(stage.dir, tables)
        log.info(
            "%s: %d utterances of %d speakers, %.1f minutes", stage.final, len(tables["utt2spk"]), options.n_speakers,
            seconds / 60,
        )  # fmt: skip


def _speaker(options: Options, number: int, stage: StageDir, tables: dict[str, dict[str, str]]) -> float:
    """Write the audio of one speaker, and the lines of the tables. Returns the seconds."""
    import numpy as np

    from local.formant_voice import SAMPLE_RATE, draw_channel, draw_voice, speak

    def stream(*numbers: int) -> np.random.Generator:
        return np.random.default_rng([options.seed, number, *numbers])

    speaker = f"synth{number + 1:0{len(str(options.n_speakers))}d}"
    voice = draw_voice(stream(OF_VOICE), "fm"[number % 2])
    tables["spk2gender"][speaker] = voice.gender
    total = 0.0
    for session in range(options.n_sessions):
        channel = draw_channel(stream(OF_CHANNEL, session))
        chapter = f"{speaker}-c{session + 1:0{len(str(options.n_sessions))}d}"
        folder = Path("wav") / speaker / chapter
        (stage.dir / folder).mkdir(parents=True)
        for take in range(options.n_utterances):
            rng = stream(OF_UTTERANCE, session, take)
            samples = speak(rng, voice, channel, rng.uniform(options.min_seconds, options.max_seconds))
            name = f"{chapter}-u{take + 1:0{len(str(options.n_utterances))}d}"
            _write_wav(stage.dir / folder / f"{name}.wav", samples, SAMPLE_RATE)
            seconds = len(samples) / SAMPLE_RATE
            lines = {
                "wav.scp": path_in_script(stage.final / folder / f"{name}.wav"),
                "utt2spk": speaker,
                "utt2chapter": chapter,
                "utt2dur": f"{seconds:.3f}",
            }
            for table, value in lines.items():
                tables[table][name] = value
            total += seconds
    return total


def _write_wav(path: Path, samples, rate: int) -> None:
    from scipy.io import wavfile

    wavfile.write(path, rate, samples)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
