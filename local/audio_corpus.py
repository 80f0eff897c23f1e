"""A corpus of audio as a data directory, shared by LibriSpeech and folders of audio.

Inputs: recordings with their speakers and labels. Outputs: `wav.scp`, `segments`, `utt2spk`, `spk2utt`, `utt2dur`,
`spk2gender` if all genders are known, utt2<attribute> for labels, `text` if recordings are not cut and all have a
transcript, and `left_out.tsv`, the files that cannot be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from steps.audio.read import AudioProblem, read_header
from steps.audio.recordings import Utterance
from steps.audio.segments import cut
from steps.data.spellings import DISTINCT, Mention, require_distinct
from utils.command import logger, progress
from utils.data_dir import write_data_dir
from utils.errors import InputError
from utils.tables import read_lines

log = logger(__name__)
COUNTS = "row_counts.tsv"
SHORTEST = 0.01  # seconds of a recording


@dataclass
class Recording:
    """One file of audio.

    Attributes:
        id: begins with the speaker and a hyphen, so that ids sort as Kaldi requires.
        labels: attribute -> value; `text` is the transcript.
        mention: how the input names the speaker, and where.
    """

    id: str
    speaker: str
    path: Path
    labels: dict[str, str] = field(default_factory=dict)
    mention: Mention | None = None


def write_audio_corpus(
    out: Path,
    recordings: Sequence[Recording],
    genders: Mapping[str, str],
    segment_seconds: float,
    hop_seconds: float,
    max_fail: float,
    distinct_ids: bool,
) -> int:
    """Write the data directory of `recordings`; `genders`: speaker -> f or m, where known.

    Returns the number of utterances. Raises InputError if more than the share `max_fail` of the files is unreadable,
    or if two speakers may be one person and are not said to be distinct.
    """
    mentions = (one.mention or Mention(one.speaker, one.speaker, str(one.path)) for one in recordings)
    distinct = require_distinct(mentions, distinct_ids, "give one name to both")
    durations, faults = _durations(recordings)
    _write_left_out(out, faults)
    if len(faults) > max_fail * len(recordings):
        where = "; ".join(f"{path}: {fault}" for path, fault in faults[:3])
        raise InputError(
            f"{len(faults)} of {len(recordings)} files cannot be read, more than --max_fail {max_fail}: {where}; "
            "repair or remove them"
        )
    by_id = {recording.id: recording for recording in recordings if recording.id in durations}
    segments, recording_of, seconds = cut(durations, segment_seconds, hop_seconds)
    if not segment_seconds:  # each recording is an utterance
        segments, recording_of, seconds = {}, {name: name for name in durations}, durations
    tables = {
        "wav.scp": {name: str(recording.path.absolute()) for name, recording in by_id.items()},
        "segments": segments,
        "utt2spk": {name: by_id[recording].speaker for name, recording in recording_of.items()},
        "utt2dur": {name: f"{length:.2f}" for name, length in seconds.items()},
        DISTINCT: distinct,
        "spk2gender": _complete_genders(genders, {recording.speaker for recording in by_id.values()}),
    }
    for name, recording in recording_of.items():
        for attribute, value in by_id[recording].labels.items():
            tables.setdefault("text" if attribute == "text" else f"utt2{attribute}", {})[name] = value
    without = len(recording_of) - len(tables.get("text", {}))
    if segments or without:  # Kaldi's text has all utterances
        reason = "recordings are cut" if segments else f"{without} of {len(recording_of)} have none"
        if tables.pop("text", {}):
            log.info("no transcripts: %s", reason)
    write_data_dir(out, {name: table for name, table in tables.items() if table})
    return len(recording_of)


def _durations(recordings: Sequence[Recording]) -> tuple[dict[str, float], list[tuple[Path, str]]]:
    """Recording -> seconds, from the headers of the files, and the unreadable files with the reason."""
    durations: dict[str, float] = {}
    faults = []
    for recording in progress(recordings, len(recordings), "headers"):
        utterance = Utterance(recording.id, recording.path, None, None, "", recording.speaker, recording.id)
        try:
            header = read_header(utterance)
        except AudioProblem as problem:
            faults.append((recording.path, str(problem)))
            continue
        seconds = header.frames / header.sample_rate
        if seconds < SHORTEST:
            faults.append((recording.path, f"too_short: {seconds:.4f} s"))
        else:
            durations[recording.id] = seconds
    return durations, faults


def write_counts(out: Path, counts: Mapping[str, int]) -> None:
    """Write `row_counts.tsv`, the numbers of files by what was found, if there is anything to count."""
    if counts:
        lines = ["reason\tcount", *(f"{reason}\t{count}" for reason, count in sorted(counts.items()))]
        (out / COUNTS).write_text("\n".join(lines) + "\n", encoding="utf-8")
        log.info("%s", "; ".join(f"{reason}: {count}" for reason, count in sorted(counts.items())))


def read_counts(folder: Path) -> dict[str, int]:
    """What `write_counts` has written, if it has."""
    lines = read_lines(folder / COUNTS)[1:] if (folder / COUNTS).is_file() else []
    return {reason: int(count) for reason, count in (line.split("\t") for line in lines)}


def _write_left_out(out: Path, faults: Sequence[tuple[Path, str]]) -> None:
    lines = ["path\treason", *(f"{path}\t{fault}" for path, fault in faults)]
    (out / "left_out.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if faults:
        log.info("%d files cannot be read and are left out, see left_out.tsv", len(faults))


def _complete_genders(genders: Mapping[str, str], speakers: set[str]) -> dict[str, str]:
    """spk2gender of all speakers, or an empty table, because Kaldi's spk2gender must be complete."""
    unknown = sorted(speakers - genders.keys())
    if unknown:
        log.info("no spk2gender: the gender of %d of %d speakers is not known", len(unknown), len(speakers))
        return {}
    return {speaker: genders[speaker] for speaker in speakers}
