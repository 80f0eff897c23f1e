"""How far speech is from the speech that it was made from: mel-cepstral distortion, frame by frame.

Input: a data directory with audio, and another of the same utterances and lengths, as steps/vocoder/resynthesise.sh
writes it. Output: `distortion.tsv`, dB of each utterance, and `distortion.json`, the mean over utterances with its
standard error.

With mel cepstra c_d of log amplitudes, a frame has (10 / ln 10) sqrt(2 sum over d = 1..13 of (c_d - c'_d)^2) dB
(R. Kubichek, 1993, IEEE Pacific Rim Conference on Communications, Computers and Signal Processing). The level, c_0, is
left out, and so are frames of the original that are softer than its loudest by more than `range_db`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.audio.containers import AudioProblem
from steps.audio.read import load, read_header
from steps.audio.recordings import Utterance, read_utterances
from steps.features.logmel import LogMel, LogMelOptions
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.json_files import write_json
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)
CEPSTRA, BINS = 13, 24  # bands that hold a frequency each at 8 kHz, too


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.vocoder.distortion"

    ref: Path = option(help="data directory with the original audio")
    data: Path = option(help="data directory with the audio that was made of it")
    out: Path = option(help="directory to write")
    range_db: float = option(40.0, "frames that are softer than the loudest by more are left out", above=0, most=200)
    force: bool = option(False, "compute again even if nothing has changed")


def work(options: Options) -> None:
    """Compare all utterances that were made."""
    with StageDir(options.out, options, [options.ref, options.data], options.force) as stage:
        if stage.done:
            return
        originals = {one.id: one for one in read_utterances(options.ref)}
        made = read_utterances(options.data)
        absent = [one.id for one in made if one.id not in originals]
        if absent or not made:
            raise InputError(f"{options.ref}: no utterance {(absent or ['at all'])[0]}, which {options.data} has")
        compare = SpeechComparison(options.range_db)
        found = {one.id: compare(originals[one.id], one) for one in progress(made, len(made), "utterances")}
        rows = (f"{key}\t{value:.4f}" for key, value in found.items())
        (stage.dir / "distortion.tsv").write_text("\n".join(["utterance\tdb", *rows]) + "\n", encoding="utf-8")
        values = np.array(list(found.values()))
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
        write_json(
            stage.dir / "distortion.json",
            {"utterances": len(values), "db": round(float(values.mean()), 4), "standard_error": error},
        )
    log.info("%s: %.2f dB over %d utterances", stage.final, values.mean(), len(values))


class SpeechComparison:
    """The distortion of one utterance against another, in dB, at the lower rate of the two."""

    def __init__(self, range_db: float):
        self.range_db = range_db

    def __call__(self, original: Utterance, made: Utterance) -> float:
        try:
            rate = min(read_header(original).sample_rate, read_header(made).sample_rate)
            first, second = (load(one, rate).waveform for one in (original, made))
        except AudioProblem as problem:
            raise InputError(f"{original.id}: {problem.detail}") from problem
        extractor = LogMel(LogMelOptions(bins=BINS, sample_rate=rate))
        return distortion(cepstra(extractor(first, rate)), cepstra(extractor(second, rate)), self.range_db)


def cepstra(log_mel: np.ndarray) -> np.ndarray:
    """Mel cepstra (T, 1 + CEPSTRA) float64 of log amplitudes, from log energies (T, BINS)."""
    middles = (np.arange(log_mel.shape[1]) + 0.5) * np.pi / log_mel.shape[1]
    basis = np.cos(np.outer(middles, np.arange(CEPSTRA + 1))) * 2 / log_mel.shape[1]
    return log_mel.astype(np.float64) / 2 @ basis


def distortion(original: np.ndarray, made: np.ndarray, range_db: float) -> float:
    """Mean distortion in dB over frames of cepstra (T, 1 + CEPSTRA); the longer of the two is cut."""
    n = min(len(original), len(made))
    if not n:
        raise InputError("an utterance without a whole window; expected longer ones")
    level = original[:n, 0] / 2 * 20 / np.log(10)  # dB, the mean over bands
    loud = level > level.max() - range_db
    squares = ((original[:n, 1:] - made[:n, 1:]) ** 2).sum(axis=1)
    return float((10 / np.log(10) * np.sqrt(2 * squares))[loud].mean())


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
