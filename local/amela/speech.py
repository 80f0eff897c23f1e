"""Speech for recipe amela where there is no data: voices of espeak-ng say a few sentences each, with pauses.

Input: local/rules/demo.yaml, and the packages of requirements-audio.txt and requirements-demo.txt. Output: a folder
`<speaker>/<number>.wav` (16 kHz), and `manifest.jsonl` with what is said, for `local.recordings --manifest`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from local.demo.espeak import Espeak, speak_alone
from local.demo.voices import Voice, plan_voices, read_rules
from utils.command import logger, progress, run_command
from utils.extras import require
from utils.manifest import ManifestEntry, write_stage_manifest
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir

log = logger(__name__)
RULES = Path(__file__).parents[1] / "rules" / "demo.yaml"
RATE = 16000
PAUSES = (0.3, 1.5)  # s, between and around sentences
NOISE = 1e-4  # of full scale, so that pauses are no digital silence


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.amela.speech"
    out: Path = option(help="folder to write")
    n_speakers: int = option(8, "voices, half of them female", least=1, most=130)
    n_recordings: int = option(4, "recordings of each voice", least=1, most=10)
    sentences: int = option(2, "sentences in a recording", least=1, most=10)
    seed: int = option(1, "decides sentences, speeds and pauses", least=0, most=MAX_SEED)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Speak and write."""
    require("the speech of recipe amela", "espeakng_loader")
    with StageDir(options.out, options, [RULES], options.force) as stage:
        if stage.done:
            return
        rules = read_rules(RULES)
        voices = plan_voices(rules, options.n_speakers, options.seed)
        espeak, entries, seconds = Espeak(rules["language"]), [], 0.0
        for number, voice in enumerate(progress(voices, len(voices), "voices")):
            rng = np.random.default_rng([options.seed, number])
            for name, text, waveform in recordings_of(voice, espeak, options, rng):
                path = Path(voice.speaker) / f"{name}.wav"
                write_wav(stage.dir / path, waveform)
                seconds += len(waveform) / RATE
                entries.append(ManifestEntry(path, round(len(waveform) / RATE, 4), text=text, speaker=voice.speaker))
        write_stage_manifest(stage, entries=entries)
        log.info("%s: %d recordings of %d voices, %.1f minutes", stage.final, len(entries), len(voices), seconds / 60)


def recordings_of(
    voice: Voice, espeak: Espeak, options: Options, rng: np.random.Generator
) -> list[tuple[str, str, np.ndarray]]:
    """Number, text and waveform (samples,) float32 of each recording of a voice."""
    import soxr

    n = options.n_recordings * options.sentences
    lines = [voice.utterances[number % len(voice.utterances)] for number in range(n)]
    spoken = speak_alone(espeak, voice.variant, voice.pitch, [(one.sentence, one.rate) for one in lines])
    sounds = [soxr.resample(one.astype(np.float32) / 32768, espeak.sample_rate, RATE) for one in spoken]
    found = []
    for number in range(options.n_recordings):
        part = slice(number * options.sentences, (number + 1) * options.sentences)
        text = " ".join(one.sentence for one in lines[part])
        found.append((f"{number + 1:02d}", text, with_pauses(sounds[part], rng)))
    return found


def with_pauses(sounds: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Sounds (samples,) with pauses before, between and after them, in a little noise."""
    silences = [np.zeros(round(RATE * rng.uniform(*PAUSES)), np.float32) for _ in range(len(sounds) + 1)]
    whole = np.concatenate([silences[0], *(one for pair in zip(sounds, silences[1:], strict=True) for one in pair)])
    return (whole + rng.normal(scale=NOISE, size=len(whole))).astype(np.float32)


def write_wav(path: Path, waveform: np.ndarray) -> None:
    """Write 16 bits, in a folder that is made if need be."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(waveform, -1, 1), RATE, subtype="PCM_16")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
