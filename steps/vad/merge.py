"""Join the parts that the jobs of `steps.vad.compute` have written into one directory of speech and silence.

Input: the table of `steps.vad.plan` with all of its parts, and the same options. Output, a data directory:

    vad.{ark,scp} utt2num_frames utt2dur   of every utterance: 1 for each frame that is speech, 0 for the others
    utt2num_speech_frames                  how many are
    speech                                 a data directory: stretches of speech as segments of the recordings
    rttm vad.csv                           the same stretches as RTTM; the longest, shortest, mean ones of an utterance
    vad.json                               the detector and its options
    failures.tsv                           utterances that could not be read, with the reason
    no_speech.tsv summary.json             utterances without any speech; counts, and shares of speech
    utt2spk spk2utt and the data's own     of these utterances

More failures than --max_fail are an error, and nothing is written but their list. An utterance without speech is none.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steps.audio.failures import FAILURES, Failure, check_failures, count_reasons, write_failures, write_left_out
from steps.audio.recordings import Utterance
from steps.audio.utterance_jobs import gather
from steps.vad.speech_segments import Stretch, write_segments
from steps.vad.speech_tables import CSV, RTTM, write_csv, write_rttm
from steps.vad.stretches import seconds_of, stretches
from steps.vad.vad_job import VAD, DetectorChoice, Options, shift_seconds
from utils.archive_writer import ArchiveWriter
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.json_files import write_json
from utils.parts import Work
from utils.stage_dir import StageDir

log = logger(__name__)
OF_FRAMES = ("feats.scp", "cmvn.scp", "vad.scp", "xvector.scp", "utt2num_frames", "utt2num_speech_frames", "utt2dur")
SPEECH = "speech"
PERCENTILES = {"least": 0, "5 %": 5, "median": 50, "95 %": 95, "most": 100}


@dataclass
class Detected:
    """The content of all parts, without the flags.

    Attributes:
        utterances: those that were read, by id. frames, speech, seconds: of each of them: all frames, and those that
            are speech. stretches: of speech, by utterance. failures: the others.
    """

    utterances: dict[str, Utterance] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=dict)
    speech: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    stretches: dict[str, list[Stretch]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def without_speech(self) -> list[str]:
        """The ids of utterances that have no speech frame."""
        return [key for key, n in self.speech.items() if not n]


def work(options: Options) -> None:
    """Join the parts and commit the result."""
    choice = DetectorChoice.of(options)
    description = choice.describe(options)
    choice.jobs(options).merge(lambda stage, planned: write_outputs(stage, options, planned, description))


def write_outputs(stage: StageDir, options: Options, planned: Work, description: Mapping[str, Any]) -> None:
    """Write all files of the result."""
    found = join(planned, stage, shift_seconds(options.sample_rate))
    n = len(found.utterances) + len(found.failures)
    check_failures(found.failures, n, options.max_fail, options.out)
    write_json(stage.dir / VAD, description)
    write_failures(stage.dir / FAILURES, found.failures)
    write_left_out(stage.dir, planned.about["left_out"])
    rows = (f"{key}\t{found.seconds[key]:.3f}" for key in found.without_speech)
    (stage.dir / "no_speech.tsv").write_text("\n".join(["utterance\tseconds", *rows]) + "\n", encoding="utf-8")
    summary = summary_of(found)
    write_json(stage.dir / "summary.json", summary)
    tables = tables_of(options, found)
    write_data_dir(stage.dir, tables)
    write_segments(stage.dir / SPEECH, stage.final / SPEECH, found.utterances, found.stretches, tables)
    recordings = {key: line.split()[0] for key, line in tables.get("segments", {}).items()}
    write_rttm(stage.dir / RTTM, found.utterances, found.stretches, recordings)
    write_csv(stage.dir / CSV, found.utterances, found.seconds, found.stretches, found.failures, options.data)
    log.info(
        "%s: %d of %d utterances, %.1f %% of %.2f hours are speech; %d utterances have none",
        *(stage.final, len(found.utterances), n, 100 * summary["speech"], summary["seconds"] / 3600),
        len(found.without_speech),
    )


def join(planned: Work, stage: StageDir, shift: float) -> Detected:
    """Write vad.{ark,scp}, in the order of the table, and return what else the parts say.

    Args:
        shift: seconds between two frames.
    """
    found = Detected()
    with ArchiveWriter(stage.dir / "vad.ark", stage.dir / "vad.scp", stage.final / "vad.ark") as writer:
        for shard in gather(planned, found.failures):
            begin = 0
            for item, row in shard.results:
                utterance = Utterance.from_row(item.content)
                key, frames, seconds = utterance.id, row["frames"], row["seconds"]
                speech = shard.arrays["speech"][begin : begin + frames]
                begin += frames
                writer.add(key, speech.astype(np.float32))
                found.utterances[key], found.frames[key], found.seconds[key] = utterance, frames, seconds
                found.speech[key] = int(speech.sum())
                found.stretches[key] = [seconds_of(one, frames, seconds, shift) for one in stretches(speech)]
    return found


def tables_of(options: Options, found: Detected) -> dict[str, Mapping[str, str]]:
    """All tables of the result but spk2utt: those of the data that are still true, and those of the frames."""
    utt2spk = {key: utterance.speaker for key, utterance in found.utterances.items()}
    tables: dict[str, Mapping[str, str]] = {"utt2spk": utt2spk}
    if (options.data / "wav.scp").is_file():
        own = {name: table for name, table in DataDir(options.data).tables().items() if name not in OF_FRAMES}
        tables = restrict(own, utt2spk)
    tables |= {
        "utt2num_frames": {key: str(n) for key, n in found.frames.items()},
        "utt2num_speech_frames": {key: str(n) for key, n in found.speech.items()},
        "utt2dur": {key: f"{seconds:.3f}" for key, seconds in found.seconds.items()},
    }
    return {name: table for name, table in tables.items() if table}


def summary_of(found: Detected) -> dict[str, Any]:
    """Counts, and the share of frames that are speech: of all, and how it is spread over utterances."""
    n_frames, n_speech = sum(found.frames.values()), sum(found.speech.values())
    shares = [found.speech[key] / n for key, n in found.frames.items()]
    spread = np.percentile(shares, list(PERCENTILES.values()))
    return {
        "utterances": len(found.utterances),
        "seconds": round(sum(found.seconds.values()), 3),
        "frames": n_frames,
        "speech": round(n_speech / n_frames, 4),
        "speech_of_an_utterance": {name: round(float(one), 4) for name, one in zip(PERCENTILES, spread, strict=True)},
        "without_speech": len(found.without_speech),
        "segments": sum(map(len, found.stretches.values())),
        "failed": len(found.failures),
        "failures": count_reasons(found.failures),
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
