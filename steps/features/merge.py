"""Join the parts that the jobs of `steps.features.compute` have written into one directory of features.

Input: the table of `steps.features.plan` with all of its parts, and the same options. Output, a data directory:

    feats.{ark,scp} utt2num_frames utt2dur   of every utterance with features, and of its copies; utt2uniq with copies
    cmvn.{ark,scp}                           of each speaker, as Kaldi's compute-cmvn-stats sums them
    features.json                            type and options of the features
    failures.tsv summary.json                utterances without features; counts
    utt2spk spk2utt and the data's own       of these utterances; with copies, without wav.scp and segments

More failures than --max_fail are an error, and nothing is written but their list.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from steps.audio.failures import FAILURES, Failure, check_failures, count_reasons, write_failures, write_left_out
from steps.audio.recordings import Utterance
from steps.audio.utterance_jobs import gather
from steps.features.feature_job import FeatureChoice, Options, copy_ids
from steps.features.types import FEATURES
from utils.archive_writer import ArchiveWriter
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.json_files import write_json
from utils.parts import Work
from utils.stage_dir import StageDir

log = logger(__name__)
OF_AUDIO = ("wav.scp", "segments", "reco2dur")  # copies have none
OF_FEATURES = (
    *("feats.scp", "cmvn.scp", "vad.scp", "xvector.scp"),
    *("utt2num_frames", "utt2num_speech_frames", "utt2dur", "utt2uniq"),
)


@dataclass
class Joined:
    """The content of all parts, without the features.

    Attributes:
        utterances: those with features, by id. frames, seconds: of each of them. failures: the others.
        sums: speaker -> (2, dim + 1) float64, as Kaldi's CMVN has them.
    """

    utterances: dict[str, Utterance] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    sums: dict = field(default_factory=dict)


def work(options: Options) -> None:
    """Join the parts and commit the result."""
    jobs = FeatureChoice.of(options).jobs(options)
    jobs.merge(lambda stage, planned: write_outputs(stage, options, planned))


def write_outputs(stage: StageDir, options: Options, planned: Work) -> None:
    """Write all files of the result."""
    joined = join(planned, stage, options.copies)
    n = len(joined.utterances) + len(joined.failures)
    check_failures(joined.failures, n, options.max_fail, options.out)
    with ArchiveWriter(
        stage.dir / "cmvn.ark", stage.dir / "cmvn.scp", stage.final / "cmvn.ark", dtype="float64"
    ) as writer:
        for speaker in sorted(joined.sums):
            writer.add(speaker, joined.sums[speaker])
    write_json(stage.dir / FEATURES, planned.about["features"])
    write_failures(stage.dir / FAILURES, joined.failures)
    write_left_out(stage.dir, planned.about["left_out"])
    seconds = sum(joined.seconds.values())
    summary = {
        "utterances": len(joined.utterances),
        "copies": options.copies * len(joined.utterances),
        "speakers": len(joined.sums),
        "seconds": round(seconds, 3),
        "frames": sum(joined.frames.values()),
        "failed": len(joined.failures),
        "failures": count_reasons(joined.failures),
    }
    write_json(stage.dir / "summary.json", summary)
    write_data_dir(stage.dir, tables_of(options, joined))
    log.info("%s: %d of %d utterances, %.2f hours", stage.final, len(joined.utterances), n, seconds / 3600)


def join(planned: Work, stage: StageDir, copies: int) -> Joined:
    """Write feats.{ark,scp}, in the order of the table, and return what else the parts say."""
    joined = Joined()
    files = (stage.dir / "feats.ark", stage.dir / "feats.scp", stage.final / "feats.ark")
    with ArchiveWriter(*files) as writer:
        for shard in gather(planned, joined.failures):
            begin, number = 0, 0
            for item, row in shard.results:
                utterance = Utterance.from_row(item.content)
                joined.utterances[utterance.id] = utterance
                joined.frames[utterance.id], joined.seconds[utterance.id] = row["frames"], row["seconds"]
                for key, size in zip(copy_ids(utterance.id, copies), row["sizes"], strict=True):
                    writer.append(key, memoryview(shard.arrays["records"])[begin : begin + size])
                    sums = shard.arrays["sums"][number]
                    joined.sums[utterance.speaker] = joined.sums.get(utterance.speaker, 0) + sums
                    begin, number = begin + size, number + 1
    return joined


def tables_of(options: Options, joined: Joined) -> Mapping[str, Mapping[str, str]]:
    """All tables of the result but spk2utt: those of the data that are still true, and those of the features."""
    utt2spk = {key: utterance.speaker for key, utterance in joined.utterances.items()}
    tables = {"utt2spk": utt2spk}
    if (options.data / "wav.scp").is_file():
        stale = (*OF_FEATURES, *(OF_AUDIO if options.copies else ()))
        own = {name: table for name, table in DataDir(options.data).tables().items() if name not in stale}
        tables = restrict(own, utt2spk)
    tables |= {
        "utt2num_frames": {key: str(frames) for key, frames in joined.frames.items()},
        "utt2dur": {key: f"{seconds:.3f}" for key, seconds in joined.seconds.items()},
    }
    if options.copies:
        tables["utt2uniq"] = {key: key for key in utt2spk}
        ids = {key: copy_ids(key, options.copies) for key in utt2spk}
        tables = {
            name: {key: value for one, value in table.items() for key in ids[one]}
            if name == "text" or name.startswith("utt2")
            else table
            for name, table in tables.items()
        }
    return {name: table for name, table in tables.items() if table}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
