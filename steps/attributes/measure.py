"""Measure F0 and syllable nuclei of utterances with Praat: those of some shards, or this job's share of all.

Inputs: the table of `steps.attributes.plan`, and the audio. Output: a journal for each shard, which
`steps.attributes.label` joins. A job that was killed continues within its shard.
"""

import sys
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from steps.attributes.measurements import PLANNER, UNVOICED, Measurement, is_measured
from steps.audio.containers import AudioProblem
from steps.audio.read import load
from steps.audio.recordings import Utterance
from utils.command import logger, progress, run_command
from utils.extras import require
from utils.journal import Journal
from utils.options import option
from utils.parts import JOURNAL, Work, check_merged, current_identity
from utils.shards import MOST_JOBS, SHARDS_HELP, chosen_shards

log = logger(__name__)
SAMPLE_RATE = 16000


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    out: Path = option(help="directory of attributes that steps.attributes.label will write")
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(1, "number of this job, from 1", least=1, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)


def work(options: Options) -> None:
    """Measure the utterances of this job's shards that have no measurement yet."""
    identity = current_identity(options.out, {}, PLANNER)
    if is_measured(options.out, identity):
        check_merged(options.out, options.shards, options.job, options.nj)
        log.info("%s: this audio has been measured", options.out)
        return
    planned = Work.load(options.out, identity, PLANNER)
    mine = chosen_shards(planned.n_shards, options.shards, options.job, options.nj)
    todo = planned.missing(mine, JOURNAL)
    log.info("job %d of %d: %d of its %d shards are left to do", options.job, options.nj, len(todo), len(mine))
    if not todo:
        return
    require("Measuring F0", "parselmouth")
    begin, seconds = time.perf_counter(), 0.0
    for shard, items in progress(planned.shards(todo), len(todo), "shards"):
        with Journal(planned.part(shard, JOURNAL)) as journal:
            for item in items[len(journal.rows) :]:
                measured = measure(Utterance.from_row(item.content))
                seconds += measured.seconds
                journal.append(astuple(measured))
            journal.seal()
    wall = time.perf_counter() - begin
    log.info("%.0f s of audio in %.2f s, %.0f times real time", seconds, wall, seconds / wall)


def measure(utterance: Utterance) -> Measurement:
    """Read and measure an utterance. Unreadable and unvoiced audio gives a measurement with a reason."""
    try:
        waveform = load(utterance, SAMPLE_RATE).waveform
    except AudioProblem as problem:
        return Measurement(utterance.id, reason=problem.reason, detail=" ".join(problem.detail.split()))
    return measure_waveform(utterance.id, waveform)


def measure_waveform(utterance_id: str, waveform: np.ndarray) -> Measurement:
    """Measure a waveform (samples,) at 16 kHz in -1..1."""
    import parselmouth

    from steps.attributes.pitch import LEAST_VOICED, track
    from steps.attributes.syllables import count_nuclei
    from steps.attributes.voicing import LEAST_SHARE, voiced_share

    sound = parselmouth.Sound(waveform, SAMPLE_RATE)
    pitch = track(sound)
    f0, voiced = pitch.median, round(pitch.voiced_seconds, 2)
    found = {"seconds": round(sound.duration, 3), "voiced": voiced, "nuclei": count_nuclei(sound, pitch)}
    if f0 is None:
        detail = f"{voiced:g} s voiced, less than {LEAST_VOICED:g} s"
        return Measurement(utterance_id, **found, reason=UNVOICED, detail=detail)
    share = voiced_share(sound, pitch)
    if share < LEAST_SHARE:
        detail = f"{100 * share:.1f} % of the sound is voiced, less than {100 * LEAST_SHARE:g} %: whispered?"
        return Measurement(utterance_id, **found, reason=UNVOICED, detail=detail)
    return Measurement(utterance_id, f0=round(f0, 2), **found)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
