"""Speed and errors of the detectors of speech: beside a loop over TEN-VAD, and on words joined with known pauses.

Input: a folder of recordings of single words (FSDD). Words are cut to where they are loud and joined with pauses of
known length, in a little noise; then white noise is added. TEN-VAD is left out where its library cannot be loaded.
Writes a section of RESULTS.md.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.audio.audio_files import find_audio
from steps.audio.loudness import FULL_SCALE
from steps.audio.read import load
from steps.audio.recordings import Utterance
from steps.features.logmel import SHIFT, WINDOW
from steps.vad.backends import BACKENDS, TEN
from steps.vad.stretches import SmoothingOptions, smoothed, stretches
from tests.bench.results import PATH, command_line, record, table
from tests.bench.timing import require_one_thread, take_turns
from utils.command import logger, run_command
from utils.errors import InputError
from utils.extras import MissingPackage
from utils.options import option

log = logger(__name__)
TITLE = "Detectors of speech"
RATE, HOP = 16000, 256
NAMES = ("webrtc", "silero", "ten", "energy")
SETTINGS = {"energy": {"range_db": 35.0}}
QUIET = 1e-4  # of full scale, between words
LOUD_DB = 35.0  # a word is what is within so many dB of its loudest 10 ms
TRIMMED = "webrtc, trim=0.06"
TRIM = {TRIMMED: 0.06}  # s that it goes on after speech
MOST_ERROR, MOST_APART = 0.08, 0.08  # share of frames; s
RATIO_WEBRTC, RATIO_TEN = 20.0, 0.95


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    data: Path = option(help="folder of recordings of single words, such as fsdd")
    words: int = option(20, "words in a joined file", least=1, most=1000)
    files: int = option(10, "joined files", least=1, most=1000)
    noise: tuple[float, ...] = option((20.0, 10.0), "dB of the words above the noise that is added")
    rounds: int = option(3, "timings of each", least=1, most=1000)
    results: Path = option(PATH, "file whose section is written")


@dataclass(frozen=True)
class Joined:
    """A file of words: waveform (samples,), and begin and end of each word in seconds."""

    waveform: np.ndarray
    words: Sequence[tuple[float, float]]


def work(options: Options) -> None:
    """Join, detect, time and record."""
    require_one_thread()
    files = join_words(options)
    detectors = {name: found for name in NAMES if (found := detector(name)) is not None}
    rng = np.random.default_rng(1)
    rows = []
    for db in (None, *options.noise):
        noisy = [one if db is None else with_noise(one, db, rng) for one in files]
        for name, detect in (detectors | {TRIMMED: detectors["webrtc"]}).items():
            wrong, apart = errors(noisy, detect, TRIM.get(name))
            shown = "none" if db is None else f"{db:g} dB"
            median, within = float(np.median(apart)), float(np.mean(apart <= MOST_APART))
            goal = "" if db is not None else "met" if wrong <= MOST_ERROR and median <= MOST_APART else "missed"
            cells = (f"{100 * wrong:.1f} %", f"{1000 * median:.0f} ms", f"{100 * within:.0f} %", goal)
            rows.append((name, shown, *cells))
    head = ("detector", "noise", "wrong frames", "boundaries apart (median)", "within 80 ms", "8 %, 80 ms")
    record(
        options.results,
        TITLE,
        command_line("tests.bench.vad_speed", options),
        f"{table(head, rows)}\n\n{speeds(files, detectors, options)}",
    )


def detector(name: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """A detector at 16 kHz; None where it cannot be used here, which is said."""
    cls = BACKENDS.load(name)
    try:
        return cls(cls.Options(**SETTINGS.get(name, {})), RATE)
    except (InputError, MissingPackage) as error:
        log.warning("%s is left out: %s", name, error)
        return None


def join_words(options: Options) -> list[Joined]:
    """Files of words with pauses of 0.3 to 1.5 s between them."""
    paths = find_audio(options.data).found
    rng = np.random.default_rng(0)
    files = []
    for _ in range(options.files):
        parts, words, at = [], [], 0
        for number in rng.choice(len(paths), options.words, replace=options.words > len(paths)):
            pause = round(RATE * rng.uniform(0.3, 1.5))
            word = loud_part(load(Utterance("", paths[number], None, None, "", "", ""), RATE).waveform)
            parts += [np.zeros(pause, np.float32), word]
            words.append(((at + pause) / RATE, (at + pause + len(word)) / RATE))
            at += pause + len(word)
        whole = np.concatenate([*parts, np.zeros(RATE // 2, np.float32)])
        files.append(Joined((whole + QUIET * rng.normal(size=len(whole))).astype(np.float32), words))
    return files


def loud_part(waveform: np.ndarray) -> np.ndarray:
    """A word, (samples,), from its first loud 10 ms to its last, at a peak of a half."""
    size = RATE // 100
    power = np.square(waveform[: len(waveform) // size * size]).reshape(-1, size).mean(axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-LOUD_DB / 10))
    word = waveform[loud[0] * size : (loud[-1] + 1) * size]
    return 0.5 * word / np.abs(word).max()


def with_noise(one: Joined, db: float, rng: np.random.Generator) -> Joined:
    """The same file with white noise, so many dB below the mean power of the words."""
    spoken = np.concatenate([one.waveform[round(begin * RATE) : round(end * RATE)] for begin, end in one.words])
    level = np.sqrt(np.mean(np.square(spoken)) * 10 ** (-db / 10))
    return Joined((one.waveform + level * rng.normal(size=len(one.waveform))).astype(np.float32), one.words)


def errors(
    files: Sequence[Joined], detect: Callable[[np.ndarray], np.ndarray], trim: float | None
) -> tuple[float, np.ndarray]:
    """The share of wrong frames, and how far each boundary of a word is from the nearest that was found (s)."""
    smoothing = SmoothingOptions(least_silence=0.15, least_speech=0.05, trim=trim)
    wrong = total = 0
    apart: list[float] = []
    for one in files:
        found = smoothed(detect(one.waveform), smoothing)
        middles = np.arange(len(found)) * SHIFT + WINDOW / 2
        truth = np.zeros(len(found), bool)
        for begin, end in one.words:
            truth |= (middles >= begin) & (middles < end)
        wrong, total = wrong + int((found != truth).sum()), total + len(found)
        edges = np.array([edge * SHIFT + (WINDOW - SHIFT) / 2 for span in stretches(found) for edge in span])
        if len(edges):
            apart += [float(np.abs(edges - time).min()) for word in one.words for time in word]
        else:
            apart += [np.inf] * (2 * len(one.words))
    return wrong / total, np.array(apart)


def speeds(files: Sequence[Joined], detectors: dict[str, Callable], options: Options) -> str:
    """Processor time of each detector for a second of audio, and beside TEN-VAD's own loop."""
    waveforms = [one.waveform for one in files]
    actions = {name: lambda detect=detect: [detect(one) for one in waveforms] for name, detect in detectors.items()}
    if TEN in detectors:
        actions["loop over TEN-VAD"] = lambda: [ten_loop(one) for one in waveforms]
        for one in waveforms:
            flags = detectors[TEN].flags(one)
            if not np.array_equal(flags[: len(one) // HOP], ten_loop(one)):
                raise InputError("TEN-VAD has other flags through the detector ten than in its own loop")
    seconds = take_turns(actions, options.rounds, clock=time.process_time)
    audio = sum(map(len, waveforms)) / RATE
    medians = {name: float(np.median(own)) for name, own in seconds.items()}
    rows = [(name, f"{1000 * own / audio:.2f} ms", f"{audio / own:.0f}") for name, own in medians.items()]
    text = table(("", "processor time of 1 s of audio", "times real time"), rows)
    if TEN in detectors:
        loop = medians["loop over TEN-VAD"]
        webrtc, ten = loop / medians["webrtc"], loop / medians[TEN]
        said = ["met" if webrtc >= RATIO_WEBRTC else "missed", "met" if ten >= RATIO_TEN else "missed"]
        text += (
            "\n\nThe loop makes a new handle for each file and calls TEN-VAD for each 256 samples, threshold .5. webrtc"
            f" is {webrtc:.1f} times as fast (at least {RATIO_WEBRTC:g}: {said[0]}); TEN-VAD through the detector `ten`"
            f" is {ten:.2f} times as fast as its loop (at least {RATIO_TEN:g}: {said[1]}), with equal flags."
        )
    return text


def ten_loop(waveform: np.ndarray) -> np.ndarray:
    """Flags (N,) of whole hops, as users of the package call it."""
    from ten_vad import TenVad

    vad = TenVad(HOP, 0.5)
    pcm = np.round(np.clip(waveform, -1, 1) * FULL_SCALE).astype(np.int16)
    return np.array([vad.process(pcm[i * HOP : (i + 1) * HOP])[1] for i in range(len(pcm) // HOP)], bool)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
