"""Speed of features, of perturbed copies and of speech detection: seconds of audio in a second of one core.

The parts of a job by themselves, and jobs of `steps.features.compute`, `steps.vad.compute` and `steps.audio.perturb` as
they are, by turns with loops over kaldi_native_fbank and over librosa. Input: a directory with flac files at 16 kHz.
Writes a section of RESULTS.md.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_one_thread, spread, take_turns
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

DATA = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere")) / "librispeech-251"
KALDI, LIBROSA = "kaldi_native_fbank, a list of frames", "librosa, and the logarithm"
JOB, COPIES, PERTURB = "job without copies", "job with copies", "steps.audio.perturb"
TARGETS = {JOB: ">= 300", COPIES: ">= 150"}  # times real time


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    audio: Path | None = option(None, "directory with flac files; default: librispeech-251 of PSEUDOSPEAKERS_DATA")
    files: int = option(30, "how many of them", least=1)
    copies: int = option(8, "perturbed copies of each utterance", least=1)
    short: int = option(3000, "utterances of a second that are read", least=1)
    rounds: int = option(3, "how often each is timed", least=1)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    import soundfile

    folder = options.audio or DATA
    paths = sorted(folder.rglob("*.flac"))[: options.files]
    if not paths:
        raise InputError(f"{folder}: no flac files; set PSEUDOSPEAKERS_DATA, or give --audio")
    waveforms = [soundfile.read(path, dtype="float32")[0] for path in paths]
    audio = sum(map(len, waveforms)) / 16000
    with tempfile.TemporaryDirectory() as name:
        parts = take_turns(actions_of(waveforms), options.rounds, clock=time.process_time)
        jobs = take_turns(jobs_of(paths, Path(name), options.copies), options.rounds, clock=time.process_time)
        reads = take_turns(reads_of(options.short, Path(name)), options.rounds, clock=time.process_time)
    lengths = dict.fromkeys(jobs, audio) | {COPIES: (1 + options.copies) * audio}
    speeds = {name: lengths.get(name, audio) / seconds for name, seconds in (parts | jobs).items()}
    body = "\n\n".join(
        [
            f"{len(paths)} files, {audio:.0f} s. Times real time of one core, in seconds of processor time: median and"
            " range.",
            "Waveforms in memory:",
            table(("", "times real time", f"to {KALDI}"), (ratio_row(name, speeds) for name in parts)),
            "Whole jobs: files are decoded, features, flags or audio are written; audio of copies counts. The loop"
            f" reads a file with soundfile and calls {KALDI.partition(',')[0]}. A job with copies has {options.copies}"
            " of each.",
            table(("", "times real time", "target"), (job_row(name, speeds) for name in jobs)),
            f"{options.short:,} utterances of 100 frames and 60 columns, read in any order, and their speech chosen:",
            table(
                ("", "utterances in a second"),
                ([name, spread(options.short / one, digits=0)] for name, one in reads.items()),
            ),
        ]
    )
    record(options.results, "Feature speed", command_line("tests.bench.feature_speed", options), body)


def actions_of(waveforms: list[np.ndarray]) -> dict[str, Callable[[], object]]:
    """What is done to waveforms (samples,) in memory."""
    import librosa

    from steps.audio.perturbation import PerturbationOptions, perturb, stream_of
    from steps.features.fbank import Fbank
    from steps.features.logmel import LogMel, LogMelOptions
    from steps.features.mfcc import Mfcc, MfccOptions
    from steps.vad.energy import Energy, EnergyOptions
    from steps.vad.webrtc import Webrtc, WebrtcOptions

    fbank, ranges = Fbank(subtract_mean=False), PerturbationOptions()
    log_mel, original = LogMel(), LogMel(LogMelOptions(preset="original"))
    mfcc, planned = Mfcc(), Mfcc(MfccOptions(preset="planned"))
    webrtc, energy = Webrtc(WebrtcOptions(), 16000), Energy(EnergyOptions(), 16000)

    def with_librosa(waveform: np.ndarray) -> np.ndarray:
        return np.log(
            librosa.feature.melspectrogram(y=waveform, sr=16000, n_fft=1024, hop_length=256, n_mels=80) + 1e-10
        )

    def over(function: Callable[[np.ndarray], object]) -> Callable[[], object]:
        return lambda: [function(waveform) for waveform in waveforms]

    return {
        KALDI: over(fbank),
        "logmel, preset kaldi": over(lambda waveform: log_mel(waveform, 16000)),
        LIBROSA: over(with_librosa),
        "logmel, preset original": over(lambda waveform: original(waveform, 16000)),
        "mfcc": over(lambda waveform: mfcc(waveform, 16000)),
        "mfcc, preset planned": over(lambda waveform: planned(waveform, 16000)),
        "speech by webrtc": over(webrtc),
        "speech by energy": over(energy),
        "perturb": over(lambda waveform: perturb(waveform, 16000, stream_of(0, "u"), ranges)),
    }


def jobs_of(paths: list[Path], directory: Path, copies: int) -> dict[str, Callable[[], object]]:
    """The work of jobs on files."""
    import soundfile

    from steps.audio import perturb
    from steps.audio.recordings import read_utterances
    from steps.features.compute import Computer
    from steps.features.fbank import Fbank
    from steps.features.feature_job import FeatureChoice
    from steps.features.feature_job import Options as Job
    from steps.vad.compute import Detection
    from steps.vad.vad_job import DetectorChoice
    from steps.vad.vad_job import Options as VadJob
    from tests.bench.embed_race import write_corpus

    data = write_corpus(paths, directory / "data")
    utterances = read_utterances(data)
    fbank = Fbank(subtract_mean=False)

    def job(**changes) -> Callable[[], object]:
        options = Job(data=data, out=directory / "out", **changes)
        computer = Computer(FeatureChoice.of(options), options, 16000)
        return lambda: computer.write(directory / "part.npz", utterances)

    def detection(backend: str) -> Callable[[], object]:
        options = VadJob(data=data, out=directory / "vad", backend=backend)
        found = Detection(DetectorChoice.of(options), options)
        return lambda: found.write(directory / "vad.npz", utterances)

    words = ["--data", str(data), "--out", str(directory / "perturbed"), "--force", "true"]
    return {
        "loop over files": lambda: [fbank(soundfile.read(path, dtype="float32")[0]) for path in paths],
        JOB: job(),
        "job that compresses": job(compress=True),
        COPIES: job(copies=copies),
        "job of mfcc, preset planned": job(type="mfcc", set=(("preset", "planned"),)),
        "job of speech by webrtc": detection("webrtc"),
        "job of speech by energy": detection("energy"),
        PERTURB: lambda: perturb.main(words),
    }


def reads_of(n: int, directory: Path) -> dict[str, Callable[[], object]]:
    """Speech frames of n short utterances, in another order than they lie: by `SpeechFrames`, and by kaldiio alone."""
    import kaldiio

    from steps.features.speech_frames import SpeechFrames
    from tests.steps.features.speech import write_speech

    rng = np.random.default_rng(0)
    utt2spk = {f"s{number // 10:04d}-{number:05d}": f"s{number // 10:04d}" for number in range(n)}
    masks = [rng.random(100) < 0.7 for _ in utt2spk]
    feats = write_speech(directory / "short", utt2spk, [rng.normal(size=(100, 60)) for _ in utt2spk], masks)
    order = rng.permutation(list(utt2spk)).tolist()

    def by_kaldiio() -> None:
        frames, speech = (kaldiio.load_scp(str(feats / f"{name}.scp")) for name in ("feats", "vad"))
        for utterance in order:
            frames[utterance][speech[utterance] > 0]

    return {
        "steps.features.speech_frames": lambda: [0 for _ in SpeechFrames(feats).usable(order)],
        "kaldiio, unchecked": by_kaldiio,
    }


def ratio_row(name: str, speeds: dict[str, np.ndarray]) -> list[str]:
    """Name, times real time, and the ratio to kaldi_native_fbank."""
    return [name, spread(speeds[name], digits=0), spread(speeds[name] / speeds[KALDI], digits=2)]


def job_row(name: str, speeds: dict[str, np.ndarray]) -> list[str]:
    """Name, times real time, and whether a target is met."""
    bound = TARGETS.get(name)
    return [name, spread(speeds[name], digits=0), target(float(np.median(speeds[name])), bound) if bound else ""]


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
