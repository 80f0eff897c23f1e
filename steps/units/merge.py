"""Join the parts that the jobs of `steps.units.compute` have written into one directory of unit sequences.

Input: the table of `steps.units.plan` with all of its parts, and the same options. Output, a data directory:

    units.{ark,scp} durations.{ark,scp}      of every utterance: units, no two neighbours equal, and frames of each
    units.json                               how many units there are, seconds from a frame to the next, the model
    utt2num_units utt2num_frames utt2dur     units, frames, seconds
    failures.tsv summary.json                utterances that could not be encoded, with the reason; counts
    utt2spk spk2utt and the data's own       of these utterances

More failures than --max_fail are an error, and nothing is written but their list.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steps.audio.failures import FAILURES, Failure, check_failures, count_reasons, write_failures, write_left_out
from steps.audio.recordings import Utterance
from steps.audio.utterance_jobs import gather
from steps.data.unit_sequences import OF_UNITS, UnitsInfo, UnitsWriter, deduplicate
from steps.units.encode_job import EncoderChoice, Options
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.json_files import write_json
from utils.parts import Work
from utils.stage_dir import StageDir

log = logger(__name__)
OF_FRAMES = ("feats.scp", "cmvn.scp", "vad.scp", "xvector.scp", "utt2num_speech_frames", "utt2dur", *OF_UNITS)


@dataclass
class Encoded:
    """The content of all parts, without the units.

    Attributes:
        speakers, seconds: of the utterances that have units. failures: the others.
        counts: (n_units,) frames of each unit. n_units: in all sequences.
    """

    counts: np.ndarray
    speakers: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    n_units: int = 0


def work(options: Options) -> None:
    """Join the parts and commit the result."""
    choice = EncoderChoice.of(options)
    choice.jobs(options).merge(lambda stage, planned: write_outputs(stage, options, planned, choice.info))


def write_outputs(stage: StageDir, options: Options, planned: Work, info: UnitsInfo) -> None:
    """Write all files of the result."""
    found = Encoded(np.zeros(info.n_units, np.int64))
    with UnitsWriter(stage.dir, stage.final, info) as writer:
        for shard in gather(planned, found.failures):
            begin = 0
            for item, row in shard.results:
                utterance = Utterance.from_row(item.content)
                frames = shard.arrays["units"][begin : begin + row["frames"]]
                begin += row["frames"]
                units, durations = deduplicate(frames)
                writer.add(utterance.id, units, durations)
                found.speakers[utterance.id], found.seconds[utterance.id] = utterance.speaker, row["seconds"]
                found.counts += np.bincount(frames, minlength=info.n_units)
                found.n_units += len(units)
    n = len(found.speakers) + len(found.failures)
    check_failures(found.failures, n, options.max_fail, options.out)
    write_failures(stage.dir / FAILURES, found.failures)
    write_left_out(stage.dir, planned.about["left_out"])
    write_json(stage.dir / "summary.json", summary_of(found))
    write_data_dir(stage.dir, tables_of(options, found) | writer.tables())
    seconds = sum(found.seconds.values())
    log.info(
        "%s: %d of %d utterances, %.2f hours, %.1f units a second, %d of %d units occur",
        *(stage.final, len(found.speakers), n, seconds / 3600, found.n_units / max(seconds, 1e-9)),
        *(int((found.counts > 0).sum()), info.n_units),
    )


def tables_of(options: Options, found: Encoded) -> dict[str, Mapping[str, str]]:
    """All tables of the result but spk2utt: those of the data that are still true, and seconds."""
    tables: dict[str, Mapping[str, str]] = {"utt2spk": found.speakers}
    if (options.data / "wav.scp").is_file():
        own = {name: table for name, table in DataDir(options.data).tables().items() if name not in OF_FRAMES}
        tables = restrict(own, found.speakers)
    tables["utt2dur"] = {key: f"{seconds:.3f}" for key, seconds in found.seconds.items()}
    return {name: table for name, table in tables.items() if table}


def summary_of(found: Encoded) -> dict[str, Any]:
    """Counts; the entropy of the units of frames in bits, at most log2 of their number."""
    shares = found.counts[found.counts > 0] / max(1, found.counts.sum())
    return {
        "utterances": len(found.speakers),
        "seconds": round(sum(found.seconds.values()), 3),
        "frames": int(found.counts.sum()),
        "units": found.n_units,
        "units_that_occur": len(shares),
        "entropy_of_frames": round(float(-(shares * np.log2(shares)).sum()), 4),
        "failed": len(found.failures),
        "failures": count_reasons(found.failures),
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
