"""Draw where speech was found in some utterances: those with the least speech, the most, and some between.

Input: the audio, and a directory of steps/vad/detect.sh. Output, in --out: speech.png, the waveform of each utterance
with its speech shaded, and chosen.tsv, which utterances they are.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from steps.audio.containers import AudioProblem
from steps.audio.read import load
from steps.audio.recordings import Utterance, read_utterances
from steps.features.rates import HIGHEST_RATE, LOWEST_RATE
from steps.features.speech_masks import SpeechMasks
from steps.vad.stretches import seconds_of, stretches
from steps.vad.vad_job import VAD, shift_seconds
from utils.command import run_command
from utils.data_dir import DataDir
from utils.errors import InputError, brief
from utils.json_files import read_json
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 9.0, 1.1  # inches of the picture, and of an utterance in it
SPEECH, INK = "#8ab4f8", "#202124"
POINTS = 3000  # of a waveform: its lowest and its highest sample in each


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.vad.picture"
    data: Path = option(help="data directory with wav.scp, or the tree of audio, that --vad is of")
    vad: Path = option(help="directory of steps/vad/detect.sh")
    out: Path = option(help="directory to write")
    utterances: int = option(6, "how many are drawn", least=1, most=50)
    seconds: float = option(10.0, "of each, from its beginning", above=0, most=600)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Choose, read and draw."""
    with StageDir(options.out, options, [options.data, options.vad], options.force) as stage:
        if stage.done:
            return
        shares = speech_shares(options.vad)
        chosen = spread_out(sorted(shares, key=lambda key: (shares[key], key)), options.utterances)
        known = {one.id: one for one in read_utterances(options.data)}
        absent = next((key for key in chosen if key not in known), None)
        if absent is not None:
            raise InputError(f"{options.data}: no utterance {absent}, which {options.vad} has; give its own --data")
        draw(stage.dir / "speech.png", [known[key] for key in chosen], options)
        rows = ["utterance\tspeech", *(f"{key}\t{shares[key]:.4f}" for key in chosen)]
        (stage.dir / "chosen.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def speech_shares(vad: Path) -> dict[str, float]:
    """The share of each utterance's frames that is speech."""
    data, shares = DataDir(vad).require_utterances(), {}
    frames, speech = data.table("utt2num_frames"), data.table("utt2num_speech_frames")
    for key in data.utt2spk:
        words = (frames.get(key, "no line"), speech.get(key, "no line"))
        wrong = next((word for word in words if not word.isdecimal() or len(word) > 9), None)
        if wrong is not None or not int(words[0]):
            raise InputError(f"{vad}: {key}: expected numbers of frames, found {brief(wrong or words[0])}")
        shares[key] = int(words[1]) / int(words[0])
    return shares


def spread_out(ordered: Sequence[str], n: int) -> list[str]:
    """The first, the last, and others at equal distances: n of them, or all."""
    n = min(n, len(ordered))
    return [ordered[round(place * (len(ordered) - 1) / max(n - 1, 1))] for place in range(n)]


def draw(path: Path, utterances: Sequence[Utterance], options: Options) -> None:
    """Draw a panel for each utterance."""
    from matplotlib.figure import Figure

    rate, masks = rate_of(options.vad / VAD), SpeechMasks(options.vad)
    size = (WIDTH, HEIGHT * len(utterances) + 0.4)
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    for axis, utterance in zip(figure.subplots(len(utterances), 1, squeeze=False)[:, 0], utterances, strict=True):
        draw_utterance(axis, utterance, masks, rate, options.seconds)
    axis.set_xlabel("seconds; speech is shaded")
    figure.savefig(path, metadata={"Software": None})


def rate_of(path: Path) -> int:
    """Hz of the audio whose frames were counted."""
    rate = read_json(path, ("sample_rate",))["sample_rate"]
    if not isinstance(rate, int) or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InputError(f"{path}: sample_rate: expected Hz, found {brief(rate)}; run steps/vad/detect.sh again")
    return rate


def draw_utterance(axis: "Axes", utterance: Utterance, masks: SpeechMasks, rate: int, longest: float) -> None:
    """The waveform of an utterance, at `rate` Hz, and its speech."""
    import numpy as np

    try:
        waveform = load(utterance, rate).waveform
    except AudioProblem as problem:
        raise InputError(f"{problem.detail}; it could be read when {masks.script} was made") from problem
    speech = masks.of(utterance.id)
    duration = len(waveform) / rate
    for stretch in stretches(speech):
        begin, end = seconds_of(stretch, len(speech), duration, shift_seconds(rate))
        if begin < longest:
            axis.axvspan(begin, min(end, longest), color=SPEECH, linewidth=0)
    shown = waveform[: round(longest * rate)]
    step = max(1, len(shown) // POINTS)
    blocks = shown[: len(shown) // step * step].reshape(-1, step)
    times = np.arange(len(blocks)) * step / rate
    axis.fill_between(times, blocks.min(axis=1), blocks.max(axis=1), color=INK, linewidth=0.3)
    name = utterance.id if len(utterance.id) <= 60 else f"...{utterance.id[-57:]}"
    axis.set_title(f"{name}: {100 * speech.mean():.0f} % speech".replace("$", r"\$"), fontsize=8, loc="left", pad=2)
    axis.set(xlim=(0, len(shown) / rate), yticks=[])
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right", "left"]].set_visible(False)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
