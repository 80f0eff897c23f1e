"""Measure F0 and syllable nuclei of utterances with Praat: the share of one job, or all of them.

Inputs: a data directory with wav.scp (and segments), or a tree of audio files. Output: shards of measurements in
`.<out>.parts`, which `steps.attributes.label` joins. What an earlier run has done with the same audio is not redone.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.attributes.measurements import (
    UNVOICED,
    Measurement,
    is_measured,
    read_shards,
    shard_path,
    write_measurements,
)
from steps.audio.read import AudioProblem, load
from steps.audio.recordings import Utterance
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import option

log = logger(__name__)
SAMPLE_RATE = 16000


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|wav|ogg>")
    out: Path = option(help="directory of attributes that steps.attributes.label will write")
    nj: int = option(1, "number of jobs that share the work", least=1)
    job: int = option(1, "number of this job, from 1", least=1)


def work(options: Options) -> None:
    """Measure the shards of this job that are not there yet."""
    if options.job > options.nj:
        raise InputError(f"--job {options.job}: there are --nj {options.nj} jobs")
    name, shards = read_shards(options.data)
    if is_measured(options.out, name):
        log.info("%s: this audio has been measured", options.out)
        return
    mine = range(options.job - 1, len(shards), options.nj)
    todo = [number for number in mine if not shard_path(options.out, name, number).is_file()]
    log.info("job %d of %d: %d of its %d shards are left to do", options.job, options.nj, len(todo), len(mine))
    require_praat()
    for number in progress(todo, len(todo), "shards"):
        path = shard_path(options.out, name, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        working = path.with_suffix(f".{options.job}of{options.nj}.tmp")
        write_measurements(working, map(measure, shards[number]))
        working.rename(path)


def require_praat() -> None:
    """Raise InputError where Praat is not installed."""
    try:
        import parselmouth  # noqa: F401  # whether it is there
    except ImportError as error:
        raise InputError(f"Praat is not installed ({error}); utils/setup_env.sh --extras audio installs it") from error


def measure(utterance: Utterance) -> Measurement:
    """Read and measure an utterance. A measurement of audio that is unreadable or unvoiced carries the reason."""
    try:
        waveform = load(utterance, SAMPLE_RATE).waveform
    except AudioProblem as problem:
        return Measurement(utterance.id, reason=problem.reason, detail=problem.detail)
    return measure_waveform(utterance.id, waveform)


def measure_waveform(utterance_id: str, waveform: np.ndarray) -> Measurement:
    """Measure a waveform (samples,) at 16 kHz in -1..1."""
    import parselmouth

    from steps.attributes.pitch import LEAST_VOICED, track
    from steps.attributes.syllables import count_nuclei

    sound = parselmouth.Sound(waveform, SAMPLE_RATE)
    pitch = track(sound)
    f0, voiced = pitch.median, round(pitch.voiced_seconds, 2)
    found = {"seconds": round(sound.duration, 3), "voiced": voiced, "nuclei": count_nuclei(sound, pitch)}
    if f0 is None:
        detail = f"{voiced:g} s voiced, less than {LEAST_VOICED:g} s"
        return Measurement(utterance_id, **found, reason=UNVOICED, detail=detail)
    return Measurement(utterance_id, f0=round(f0, 2), **found)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
