"""A corpus of audio as a data directory, shared by LibriSpeech and folders of audio.

Inputs: recordings with their speakers and labels. Outputs: `wav.scp`, `segments`, `utt2spk`, `spk2utt`, `utt2dur`,
`spk2gender` if all genders are known, utt2<attribute> for labels, `text` if recordings are not cut and have a
transcript, `left_out.tsv`, the files that are not used, and `row_counts.tsv`, how many they are by reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from steps.audio.audio_files import printable
from steps.audio.containers import AudioProblem
from steps.audio.failures import one_line
from steps.audio.read import read_header
from steps.audio.recordings import Utterance
from steps.audio.segments import cut
from steps.data.spellings import DISTINCT, Mention, require_distinct
from utils.command import logger, progress
from utils.data_dir import write_data_dir
from utils.errors import InputError
from utils.tables import read_lines

log = logger(__name__)
COUNTS, LEFT_OUT = "row_counts.tsv", "left_out.tsv"
SHORTEST = 0.01  # seconds of a recording
MOST_WITHOUT_TEXT = 0.05  # share of utterances: where more have no transcript, there is no `text`


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


@dataclass
class Unused:
    """What a corpus has beside its recordings.

    Attributes:
        files: that are no recordings, with the reason. counts: of what was found, by reason, for row_counts.tsv.
    """

    files: list[tuple[Path, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def write_audio_corpus(
    out: Path,
    recordings: Sequence[Recording],
    genders: Mapping[str, str],
    segment_seconds: float,
    hop_seconds: float,
    max_fail: float,
    distinct_ids: bool,
    unused: Unused,
) -> int:
    """Write the data directory of `recordings`; `genders`: speaker -> f or m, where known.

    Returns the number of utterances. Raises InputError if more than the share `max_fail` of the files is unreadable,
    if two recordings have one id, or if two speakers may be one person and are not said to be distinct.
    """
    _refuse_same_ids(recordings)
    mentions = (one.mention or Mention(one.speaker, one.speaker, str(one.path)) for one in recordings)
    distinct = require_distinct(mentions, distinct_ids, "give one name to both")
    durations, faults = _durations(recordings)
    if len(faults) > max_fail * len(recordings):
        where = "; ".join(str(fault) for _, fault in faults[:3])
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
        "spk2gender": complete_genders(genders, {recording.speaker for recording in by_id.values()}),
    }
    for name, recording in recording_of.items():
        for attribute, value in by_id[recording].labels.items():
            tables.setdefault("text" if attribute == "text" else f"utt2{attribute}", {})[name] = value
    counts = unused.counts + Counter(f"files left out: {reason}" for _, reason in unused.files)
    counts += Counter(f"files left out: {fault.reason}" for _, fault in faults)
    _count_silent({recording.speaker for recording in recordings}, set(tables["utt2spk"].values()), counts)
    tables["text"] = whole_text(tables.get("text", {}), recording_of, bool(segments), counts)
    write_data_dir(out, {name: table for name, table in tables.items() if table})
    write_left_out(out, [*faults, *unused.files])
    write_counts(out, counts)
    return len(recording_of)


def _count_silent(speakers: set[str], heard: set[str], counts: Counter[str]) -> None:
    silent = sorted(speakers - heard)
    if silent:
        counts["speakers left out: none of their files can be read"] = len(silent)
        log.warning("%d speakers are left out, of whose files none can be read: %s", len(silent), ", ".join(silent[:5]))


def _refuse_same_ids(recordings: Sequence[Recording]) -> None:
    seen: dict[str, Recording] = {}
    for recording in recordings:
        other = seen.setdefault(recording.id, recording)
        if other is not recording:
            raise InputError(f"{recording.path} and {other.path} both become {recording.id}: rename one")


def whole_text(
    text: dict[str, str], recording_of: Mapping[str, str], are_cut: bool, counts: Counter[str]
) -> dict[str, str]:
    """Kaldi's `text`, which has all utterances: empty transcripts for the few that have none, or no table."""
    without = len(recording_of) - sum(map(bool, text.values()))
    if not text or are_cut or without > MOST_WITHOUT_TEXT * len(recording_of):
        if text:
            reason = "recordings are cut" if are_cut else f"{without} of {len(recording_of)} have none"
            log.info("no transcripts: %s", reason)
        return {}
    if without:
        counts["kept without text"] = without
    return dict.fromkeys(recording_of, "") | text


def _durations(recordings: Sequence[Recording]) -> tuple[dict[str, float], list[tuple[Path, AudioProblem]]]:
    """Recording -> seconds, from the headers of the files, and the unreadable files with the reason."""
    durations: dict[str, float] = {}
    faults: list[tuple[Path, AudioProblem]] = []
    for recording in progress(recordings, len(recordings), "headers"):
        utterance = Utterance(recording.id, recording.path, None, None, "", recording.speaker, recording.id)
        try:
            header = read_header(utterance)
        except AudioProblem as problem:
            faults.append((recording.path, problem))
            continue
        seconds = header.frames / header.sample_rate
        if seconds < SHORTEST:
            faults.append((recording.path, AudioProblem("too_short", f"{recording.path}: {seconds:.4f} s")))
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
    """The content of a corpus's row_counts.tsv, if it has one."""
    lines = read_lines(folder / COUNTS)[1:] if (folder / COUNTS).is_file() else []
    return {reason: int(count) for reason, count in (line.split("\t") for line in lines)}


def write_left_out(out: Path, left_out: Sequence[tuple[Path, AudioProblem | str]]) -> None:
    lines = [f"{printable(path)}\t{one_line(str(reason))}" for path, reason in left_out]
    (out / LEFT_OUT).write_text("\n".join(["path\treason", *lines]) + "\n", encoding="utf-8")


def complete_genders(genders: Mapping[str, str], speakers: set[str]) -> dict[str, str]:
    """spk2gender of all speakers, or an empty table, because Kaldi's spk2gender must be complete."""
    unknown = sorted(speakers - genders.keys())
    if unknown:
        log.info("no spk2gender: the gender of %d of %d speakers is not known", len(unknown), len(speakers))
        return {}
    return {speaker: genders[speaker] for speaker in speakers}
