"""The files of a directory of embeddings, written from all parts in one pass; see `steps.embed.merge`.

Vectors are copied one shard at a time. Memory holds the names and the length of each utterance, and the offset of its
vector in the archive.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from steps.audio.failures import FAILURES, Failure, count_reasons, write_failures, write_left_out
from steps.audio.lengths import Outcome
from steps.audio.recordings import Utterance
from steps.data.speaker_vectors import write_speaker_vectors
from steps.embed.batches import TimedUtterance, as_timed
from utils.archive_writer import ArchiveWriter
from utils.data_dir import invert
from utils.json_files import json_text
from utils.parts import Work, read_part
from utils.script_files import Location
from utils.tables import write_table

UTTERANCES = "xvector"


@dataclass
class Merged:
    """The content of all parts, without the vectors.

    Attributes:
        utterances: those with an embedding, sorted by id, with their seconds. offsets: bytes in the archive, by id.
        failures: those without. faults: (utterance, fault) of those embedded in spite of one. dim: D.
        left_out: files of a tree that are no utterances, with the reason.
    """

    utterances: list[TimedUtterance] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    dim: int = 0


def copy_vectors(planned: Work, directory: Path, final: Path) -> Merged:
    """Write xvector.{ark,scp} in the order of the table; the script file names the archive as it will be in `final`."""
    merged = Merged(failures=[tuple(failure) for failure in planned.about["refused"]])
    merged.left_out = [tuple(file) for file in planned.about.get("left_out", ())]  # tables of old have none
    with ArchiveWriter(directory / f"{UTTERANCES}.ark", directory / f"{UTTERANCES}.scp", _ark(final)) as writer:
        for shard, items in planned.shards(range(planned.n_shards)):
            rows, arrays = read_part(planned.part(shard))
            done = _add_shard(map(as_timed, items), [Outcome(**row) for row in rows], merged)
            if done:
                writer.write([timed.utterance.id for timed in done], arrays["embeddings"])
                merged.dim = arrays["embeddings"].shape[1]
        merged.offsets = dict(zip(writer.keys, writer.offsets, strict=True))
    merged.utterances.sort(key=lambda timed: timed.utterance.id)
    return merged


def _ark(directory: Path) -> Path:
    return directory / f"{UTTERANCES}.ark"


def _add_shard(shard: Iterable[TimedUtterance], outcomes: list[Outcome], merged: Merged) -> list[TimedUtterance]:
    """Add the utterances of a shard to `merged`. Returns those with an embedding."""
    done = []
    for (utterance, _), outcome in zip(shard, outcomes, strict=True):
        if outcome.reason:
            merged.failures.append((utterance.id, outcome.reason, outcome.detail))
        else:
            done.append(TimedUtterance(utterance, outcome.seconds))
            merged.faults += [(utterance.id, fault) for fault in outcome.faults]
    merged.utterances += done
    return done


def write_tables(directory: Path, merged: Merged) -> None:
    """Write the tables of utterances, of failures and of faults."""
    utt2spk = {utterance.id: utterance.speaker for utterance, _ in merged.utterances}
    write_table(directory / "utt2spk", utt2spk)
    write_table(directory / "spk2utt", {speaker: " ".join(keys) for speaker, keys in invert(utt2spk).items()})
    write_table(directory / "utt2dur", {utterance.id: f"{seconds:.3f}" for utterance, seconds in merged.utterances})
    write_failures(directory / FAILURES, merged.failures)
    lines = ["utterance\tfault", *("\t".join(pair) for pair in sorted(merged.faults))]
    (directory / "oddities.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_left_out(directory, merged.left_out)
    _write_list(directory / "utterance_list.json", map(_describe, merged.utterances))


def _describe(timed: TimedUtterance) -> dict[str, Any]:
    u: Utterance = timed.utterance
    names = {"id": u.id, "dataset": u.dataset, "speaker": u.speaker, "speaker_id": u.speaker_name or u.speaker}
    times = {} if u.begin is None else {"begin": u.begin, "end": u.end}
    times |= {} if u.channel is None else {"channel": u.channel}
    return {**names, "utterance_id": u.name, "path": str(u.path), **times, "seconds": round(timed.seconds, 3)}


def write_speakers(directory: Path, final: Path, merged: Merged) -> None:
    """Write the mean of each speaker's embeddings, how many there are, and the list of speakers."""
    spk2utt, speakers = {}, []
    for speaker, own in _by_speaker(merged.utterances):
        spk2utt[speaker] = [timed.utterance.id for timed in own]
        about = _describe(own[0])
        speakers.append(
            {
                "id": speaker,
                "dataset": about["dataset"],
                "speaker_id": about["speaker_id"],
                "num_utterances": len(own),
                "seconds": round(sum(timed.seconds for timed in own), 3),
            }
        )
    archive = str(_ark(directory))
    locations = {key: Location(archive, offset) for key, offset in merged.offsets.items()}
    write_speaker_vectors(directory, final, spk2utt, locations)
    _write_list(directory / "speaker_list.json", speakers)


def _by_speaker(utterances: list[TimedUtterance]) -> Iterator[tuple[str, list[TimedUtterance]]]:
    speaker = attrgetter("utterance.speaker")
    for name, group in groupby(sorted(utterances, key=speaker), key=speaker):
        yield name, list(group)


def write_summary(directory: Path, merged: Merged, backend: str) -> None:
    """Write counts, dimension, seconds, and failures by reason."""
    datasets: dict[str, dict[str, Any]] = {}
    for name in sorted({timed.utterance.dataset for timed in merged.utterances}):
        own = [timed for timed in merged.utterances if timed.utterance.dataset == name]
        datasets[name] = {
            "utterances": len(own),
            "speakers": len({timed.utterance.speaker for timed in own}),
            "seconds": round(sum(timed.seconds for timed in own), 3),
        }
    summary = {
        "backend": backend,
        "dimension": merged.dim,
        **{key: sum(counts[key] for counts in datasets.values()) for key in ("utterances", "speakers")},
        "seconds": round(sum(timed.seconds for timed in merged.utterances), 3),
        "datasets": datasets,
        "failed": len(merged.failures),
        "failures": count_reasons(merged.failures),
        "oddities": dict(sorted(Counter(fault for _, fault in merged.faults).items())),
    }
    if merged.left_out:
        summary["files_left_out"] = dict(sorted(Counter(reason for _, reason in merged.left_out).items()))
    text = json_text(summary, directory / "summary.json", indent=2)
    (directory / "summary.json").write_text(f"{text}\n", encoding="utf-8")


def _write_list(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a JSON array, an object a line."""
    with file.open("w", encoding="utf-8") as out:
        separator = "[\n"
        for row in rows:
            out.write(separator + json_text(row, file, ensure_ascii=False))
            separator = ",\n"
        out.write("\n]\n")
