"""The files of a directory of embeddings, written of the parts of a plan in one pass; see `steps.embed.merge`.

Vectors pass through one shard at a time; of an utterance only its names, its length and its place in the archive stay.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from steps.audio.failures import FAILURES, Failure, write_failures
from steps.audio.recordings import Utterance
from steps.embed.batches import Item
from steps.embed.parts import Outcome, Plan, read_part
from utils.archive_writer import ArchiveWriter
from utils.archives import Location, read_locations
from utils.data_dir import invert
from utils.tables import write_table

UTTERANCES, SPEAKERS = "xvector", "spk_xvector"
CHUNK = 4096  # vectors in memory while means are taken


@dataclass
class Result:
    """What the parts of a plan hold, but for the vectors.

    Attributes:
        items: utterances with an embedding, sorted by id, with their seconds. offsets: bytes in the archive, by id.
        failures: those without. oddities: (utterance, fault) of those embedded in spite of one. dim: D.
    """

    items: list[Item] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    oddities: list[tuple[str, str]] = field(default_factory=list)
    dim: int = 0


def copy_vectors(plan: Plan, directory: Path, final: Path) -> Result:
    """Write xvector.{ark,scp} in the order of the plan; the script file names the archive as it will be in `final`."""
    result = Result()
    for item, outcome in plan.refused:
        result.failures.append((item.utterance.id, outcome.reason, outcome.detail))
    with ArchiveWriter(directory / f"{UTTERANCES}.ark", directory / f"{UTTERANCES}.scp", _ark(final)) as writer:
        for shard, batches in plan.read_shards():
            outcomes, embeddings = read_part(plan.part(shard))
            done = _sort_out((item for batch in batches for item in batch), outcomes, result)
            if done:
                writer.write([item.utterance.id for item in done], embeddings)
                result.dim = embeddings.shape[1]
        result.offsets = dict(zip(writer.keys, writer.offsets, strict=True))
    result.items.sort(key=lambda item: item.utterance.id)
    return result


def _ark(final: Path, name: str = UTTERANCES) -> Path:
    return final / f"{name}.ark"


def _sort_out(items: Iterable[Item], outcomes: list[Outcome], result: Result) -> list[Item]:
    """Enter the utterances of a shard. Returns those with an embedding."""
    done = []
    for (utterance, _), outcome in zip(items, outcomes, strict=True):
        if outcome.reason:
            result.failures.append((utterance.id, outcome.reason, outcome.detail))
        else:
            done.append(Item(utterance, outcome.seconds))
            result.oddities += [(utterance.id, problem) for problem in outcome.problems]
    result.items += done
    return done


def write_tables(directory: Path, result: Result) -> None:
    """Write the tables of utterances, and of what failed or is odd."""
    utt2spk = {item.utterance.id: item.utterance.speaker for item in result.items}
    write_table(directory / "utt2spk", utt2spk)
    write_table(directory / "spk2utt", {speaker: " ".join(keys) for speaker, keys in invert(utt2spk).items()})
    write_table(directory / "utt2dur", {item.utterance.id: f"{item.seconds:.3f}" for item in result.items})
    write_failures(directory / FAILURES, result.failures)
    lines = ["utterance\tfault", *("\t".join(oddity) for oddity in sorted(result.oddities))]
    (directory / "oddities.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write_list(directory / "utterance_list.json", map(_describe, result.items))


def _describe(item: Item) -> dict[str, Any]:
    u: Utterance = item.utterance
    names = {"id": u.id, "dataset": u.dataset, "speaker": u.speaker, "speaker_id": u.speaker_name or u.speaker}
    times = {} if u.begin is None else {"begin": u.begin, "end": u.end}
    return {**names, "utterance_id": u.name, "path": str(u.path), **times, "seconds": round(item.seconds, 3)}


def write_speakers(directory: Path, final: Path, result: Result) -> None:
    """Write the mean of each speaker's embeddings, how many there are, and the list of speakers."""
    counts, speakers = {}, []
    ark, scp = (directory / f"{SPEAKERS}.{kind}" for kind in ("ark", "scp"))
    with ArchiveWriter(ark, scp, _ark(final, SPEAKERS)) as writer:
        for speaker, items in _by_speaker(result.items):
            mean = _mean(directory, [item.utterance.id for item in items], result.offsets)
            writer.write([speaker], mean[None])
            counts[speaker] = str(len(items))
            about = _describe(items[0])
            speakers.append(
                {
                    "id": speaker,
                    "dataset": about["dataset"],
                    "speaker_id": about["speaker_id"],
                    "num_utterances": len(items),
                    "seconds": round(sum(item.seconds for item in items), 3),
                }
            )
    write_table(directory / "num_utts", counts)
    _write_list(directory / "speaker_list.json", speakers)


def _by_speaker(items: list[Item]) -> Iterator[tuple[str, list[Item]]]:
    speaker = attrgetter("utterance.speaker")
    for name, group in groupby(sorted(items, key=speaker), key=speaker):
        yield name, list(group)


def _mean(directory: Path, keys: list[str], offsets: dict[str, int]) -> np.ndarray:
    """Mean (D,) of the embeddings of these utterances."""
    archive, total, rest = str(_ark(directory)), 0.0, iter(keys)
    while chunk := list(islice(rest, CHUNK)):
        locations = [Location(archive, offsets[key]) for key in chunk]
        total += read_locations(locations, chunk.__getitem__).sum(axis=0, dtype=np.float64)
    return (total / len(keys)).astype(np.float32)


def write_summary(directory: Path, result: Result, described: dict[str, Any]) -> None:
    """Write counts, dimension, seconds, and failures by reason."""
    datasets: dict[str, dict[str, Any]] = {}
    for name in sorted({item.utterance.dataset for item in result.items}):
        items = [item for item in result.items if item.utterance.dataset == name]
        datasets[name] = {
            "utterances": len(items),
            "speakers": len({item.utterance.speaker for item in items}),
            "seconds": round(sum(item.seconds for item in items), 3),
        }
    summary = {
        "backend": described["backend"],
        "dimension": result.dim,
        **{key: sum(counts[key] for counts in datasets.values()) for key in ("utterances", "speakers")},
        "seconds": round(sum(item.seconds for item in result.items), 3),
        "datasets": datasets,
        "failed": len(result.failures),
        "failures": dict(sorted(Counter(reason for _, reason, _ in result.failures).items())),
        "oddities": dict(sorted(Counter(fault for _, fault in result.oddities).items())),
    }
    (directory / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _write_list(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a JSON array, an object a line."""
    with file.open("w", encoding="utf-8") as out:
        separator = "[\n"
        for row in rows:
            out.write(separator + json.dumps(row, ensure_ascii=False))
            separator = ",\n"
        out.write("\n]\n")
