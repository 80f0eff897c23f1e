"""How well the offline back-ends tell real speakers apart, beside plain statistics of the spectrum.

LibriSpeech's 251 speakers below PSEUDOSPEAKERS_DATA, cut into segments by the recipe's own command; equal error rates
with intervals over speakers. Writes a section of RESULTS.md.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from local import librispeech
from steps.audio.read import AudioProblem, load
from steps.audio.recordings import Utterance, read_data_dir
from steps.embed.backend import load_backend
from steps.features.mel import mel_filters, mel_spectrogram
from steps.metrics.bootstrap import interval, joint_bootstrap
from steps.metrics.detection import DetCurve, equal_error_rate
from steps.metrics.trials import AllPairs
from tests.bench.results import PATH, command_line, record, table
from tests.bench.timing import require_one_thread
from utils.command import run_command
from utils.errors import InputError
from utils.options import option
from utils.vectors import unit_rows

TITLE = "Embeddings of real speakers"
RATE, WINDOW, HOP, BANDS = 16000, 400, 160, 40  # Hz, samples, samples, mel bands
Projection = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # (x, speakers, rows to train on) -> x


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n_speakers: int = option(251, "speakers, the first by name", least=4)
    seconds: float = option(3.0, "length of a segment, and the distance to the next", above=0)
    n_folds: int = option(5, "of speakers, for projections that are trained", least=2)
    draws: int = option(1000, "of speakers, for the intervals", least=1)
    seed: int = option(0, "of the folds and of the draws")
    results: Path = option(PATH, "file whose section is written")


@dataclass(frozen=True, eq=False)
class Segments:
    """What is compared: segments (N) of speakers.

    Attributes:
        speakers: (N,) names. folds: (N,) fold of the speaker. resemblyzer: (N, 256). spectrum: (N, 2 BANDS).
        silent: how many segments were left out, because no speech was found in them.
    """

    speakers: np.ndarray
    folds: np.ndarray
    resemblyzer: np.ndarray
    spectrum: np.ndarray
    silent: int


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    corpus = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere")) / "librispeech-251" / "LibriSpeech"
    if not corpus.is_dir():
        raise InputError(f"{corpus}: no such directory; set PSEUDOSPEAKERS_DATA to the one that has librispeech-251")
    segments = measure_segments(corpus, options)
    rates, draws = measure_rates(segments, options)
    record(
        options.results, TITLE, command_line("tests.bench.embed_eer", options), report(segments, rates, draws, options)
    )


def measure_segments(corpus: Path, options: Options) -> Segments:
    """Cut the recordings, and embed each segment by itself."""
    backend, filters = load_backend("resemblyzer"), mel_filters(RATE, WINDOW, BANDS)
    speakers, embeddings, spectra, silent = [], [], [], 0
    for utterance in cut(corpus, options):
        waveform = load(utterance, RATE).waveform
        try:
            embeddings.append(backend.embed([waveform])[0])
        except AudioProblem:
            silent += 1
            continue
        log_mel = np.log(mel_spectrogram(waveform, filters, HOP) + 1e-8)  # (T, BANDS)
        spectra.append(np.concatenate([log_mel.mean(axis=0), log_mel.std(axis=0)]))
        speakers.append(utterance.speaker)
    _, codes = np.unique(speakers, return_inverse=True)
    fold_of_speaker = np.random.default_rng(options.seed).permutation(codes.max() + 1) % options.n_folds
    return Segments(np.array(speakers), fold_of_speaker[codes], np.array(embeddings), np.array(spectra), silent)


def cut(corpus: Path, options: Options) -> Iterator[Utterance]:
    """The segments of the first speakers, through the recipe's own data directory."""
    with tempfile.TemporaryDirectory() as name:
        length = str(options.seconds)
        words = ["--data_dir", str(corpus), "--out", f"{name}/audio"]
        if librispeech.main([*words, "--segment_seconds", length, "--hop_seconds", length]):
            raise InputError(f"{corpus}: cannot be cut into segments, as said above")
        utterances = read_data_dir(Path(name) / "audio")
    chosen = set(islice(dict.fromkeys(utterance.speaker for utterance in utterances), options.n_speakers))
    return (utterance for utterance in utterances if utterance.speaker in chosen)


def raw(x: np.ndarray, speakers: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The vectors as they are."""
    return x


def standardised(x: np.ndarray, speakers: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Each dimension with the mean 0 and the deviation 1 of the known segments."""
    return (x - x[known].mean(axis=0)) / x[known].std(axis=0)


def discriminants(x: np.ndarray, speakers: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Linear discriminant analysis of the known segments' speakers."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis().fit(x[known], speakers[known]).transform(x)


def measure_rates(segments: Segments, options: Options) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Equal error rates by name, and those of the draws of speakers, the same draws for all."""
    pairs = AllPairs(segments.speakers, segments.folds)
    systems: dict[str, tuple[np.ndarray, Projection]] = {
        "resemblyzer, cosine": (segments.resemblyzer, raw),
        "resemblyzer, LDA": (segments.resemblyzer, discriminants),
        "log-mel mean and deviation, cosine": (segments.spectrum, standardised),
        "log-mel mean and deviation, LDA": (segments.spectrum, discriminants),
    }
    rates, draws = {}, {}
    for name, (x, project) in systems.items():
        trials = pairs.cosines(unit_rows(cross_fit(x, project, segments)))
        rates[name] = float(equal_error_rate(DetCurve.of_blocks(trials)))
        drawn = joint_bootstrap(trials, options.draws, np.random.default_rng(options.seed))
        draws[name] = equal_error_rate(drawn.curve)
    return rates, draws


def cross_fit(x: np.ndarray, project: Projection, segments: Segments) -> np.ndarray:
    """Project each fold by what the other folds' speakers say. Returns (N, dimensions), zeros behind a shorter one."""
    parts = {fold: project(x, segments.speakers, segments.folds != fold) for fold in np.unique(segments.folds)}
    projected = np.zeros((len(x), max(part.shape[1] for part in parts.values())))
    for fold, part in parts.items():
        own = segments.folds == fold
        projected[own, : part.shape[1]] = part[own]
    return projected


def report(segments: Segments, rates: dict[str, float], draws: dict[str, np.ndarray], options: Options) -> str:
    """The section's text and table."""
    pairs = AllPairs(segments.speakers, segments.folds)
    rows = [(name, f"{rates[name]:.2%}", _interval(draws[name])) for name in rates]
    first, *_, last = draws.values()
    header = ("system", "equal error rate", f"95 %, {options.draws:,} draws of speakers")
    return "\n\n".join(
        [
            f"librispeech-251: {len(segments.speakers):,} segments of {options.seconds:g} s, not overlapping, of"
            f" {pairs.n_speakers} speakers; {segments.silent} more have no speech. Pairs within {options.n_folds}"
            f" folds of speakers: {pairs.n_targets:,} of one speaker, {pairs.n_nontargets:,} of two. LDA and"
            " standardisation are fitted on the other folds, so on other speakers; the intervals draw speakers anew,"
            " not the fits.",
            table(header, rows),
            f"The first less the last, 95 %: {_interval(first - last)}.",
            "**Each speaker has one session: one room, one microphone, one compression. So these figures measure the"
            " channel together with the voice**: mean and deviation of a spectrum, which any microphone colours,"
            " already tell most pairs apart, and a low error here is no proof of a good speaker embedding. The"
            " back-ends eres2netv2, xvector and onnx bring no weights; what random ones give would be no figure of"
            " theirs, and none is here.",
        ]
    )


def _interval(values: np.ndarray) -> str:
    low, high = interval(values)
    return f"{low:.2%} to {high:.2%}"


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
