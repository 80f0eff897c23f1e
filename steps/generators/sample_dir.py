"""The files of sampled speakers: the part of one shard, and the data directory with the samples of all parts.

A part holds vectors and provenance. The directory holds them in the order of the table of shards, so its bytes do not
depend on the jobs.
"""

import json
import math
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steps.generators.mixture import Mixture
from steps.generators.requests import SampleRequest
from steps.generators.sample_ids import sample_ids
from steps.generators.sampling import Samples
from utils.archive_writer import ArchiveWriter
from utils.data_dir import require_valid
from utils.tables import iterate_lines

ARK, SCP, PROVENANCE = "xvector.ark", "xvector.scp", "provenance.jsonl"
TABLES = ("xvector.csv", "utt2spk", "num_utts.ark", "text", "utt2group", "spk2gender")
GENDERS = {"male": "m", "female": "f"}


class Part(NamedTuple):
    """The N samples of one shard.

    Attributes:
        chunks: prefix of the ids, number of the first sample (from 0) and number of samples, of each chunk.
        x: (N, D) float32. provenance: (B,) uint8, the bytes of the lines of all samples.
    """

    chunks: list[tuple[str, int, int]]
    x: np.ndarray
    provenance: np.ndarray


def make_part(chunks: Sequence[Samples], seed: int, speakers: list[str] | None) -> Part:
    """Join the chunks of a shard. `seed` and `speakers`, the training speakers, are named in the provenance."""
    lines = "".join(line for samples in chunks for line in _provenance(samples, seed, speakers))
    return Part(
        [(samples.request.prefix, samples.first, len(samples.x)) for samples in chunks],
        np.concatenate([samples.x for samples in chunks]),
        np.frombuffer(lines.encode(), dtype=np.uint8),
    )


def _provenance(samples: Samples, seed: int, speakers: list[str] | None) -> Iterator[str]:
    text = json.dumps(samples.request.text, ensure_ascii=False)
    text_id = json.dumps(samples.request.text_id)
    for row, key in enumerate(sample_ids(samples.request.prefix, samples.first, len(samples.x))):
        nearest = 'null, "distance": null'
        if speakers and samples.nearest is not None:
            nearest = f'{json.dumps(speakers[samples.nearest[row]])}, "distance": {samples.distance[row]:.6f}'
        yield (
            f'{{"id": {json.dumps(key)}, "text_id": {text_id}, "text": {text}, "component": {samples.component[row]},'
            f' "seed": {seed}, "log_density": {samples.log_density[row]:.6f}, "nearest_speaker": {nearest}}}\n'
        )


def write_samples(target: Path, final: Path, requests: Sequence[SampleRequest], parts: Iterable[Part]) -> None:
    """Write the data directory of all parts into `target`; paths are as they will be in `final`.

    Memory holds one part at a time, and the ids and offsets of all samples.
    """
    _write_vectors(target, final, parts)
    _write_tables(target, requests)
    for name, copy in ((SCP, "spk_xvector.scp"), ("utt2spk", "spk2utt")):  # each speaker has one sample
        shutil.copyfile(target / name, target / copy)
    for name in ("utt2group", "spk2gender"):
        if not (target / name).stat().st_size:
            (target / name).unlink()
    require_valid(target)


def _write_vectors(target: Path, final: Path, parts: Iterable[Part]) -> None:
    """Write archive, script file and provenance, in the order of the parts."""
    with (
        ArchiveWriter(target / ARK, target / SCP, final / ARK) as writer,
        (target / PROVENANCE).open("wb") as provenance,
    ):
        for part in parts:
            writer.write([key for chunk in part.chunks for key in sample_ids(*chunk)], part.x)
            provenance.write(part.provenance.data)


def _write_tables(target: Path, requests: Sequence[SampleRequest]) -> None:
    """Write the tables of all samples in the script file, in its order."""
    asked = {request.prefix: request for request in requests}
    genders = {request.group: gender_of(request.group) for request in requests}
    with ExitStack() as stack:
        tables = {name: stack.enter_context((target / name).open("w", encoding="utf-8")) for name in TABLES}
        tables["xvector.csv"].write("id,storage_path,storage_byte\n")
        for line in iterate_lines(target / SCP):
            key, _, location = line.partition(" ")
            ark, _, offset = location.rpartition(":")
            request = asked[key.rpartition("-")[0]]
            tables["xvector.csv"].write(f"{_quoted(key)},{_quoted(ark)},{offset}\n")
            tables["utt2spk"].write(f"{key} {key}\n")
            tables["num_utts.ark"].write(f"{key} 1\n")
            tables["text"].write(f"{key} {request.text}\n")
            if request.group:
                tables["utt2group"].write(f"{key} {request.group}\n")
            if genders[request.group]:
                tables["spk2gender"].write(f"{key} {genders[request.group]}\n")


def gender_of(group: str | None) -> str | None:
    """m or f where the gender is one of the values that make the group, else None."""
    return next((GENDERS[value] for value in (group or "").split("_") if value in GENDERS), None)


def write_parameters(target: Path, mixtures: list[Mixture], requests: list[SampleRequest]) -> None:
    """Write the mixture of each text in the space of the embeddings, as `Mixture.original_space` names its parts.

    `mixtures.npz` holds the arrays `<text-id>/weights` and so on, `mixtures.json` the same numbers below `texts`.
    Texts share their bases: `basis` is a number n that stands for the array `bases/n`, or for the entry n of `bases`.
    """
    frames = {id(mixture.frame): mixture.frame for mixture in mixtures}
    number = {identity: n for n, identity in enumerate(frames)}
    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, dict[str, Any]] = {}
    for request, mixture in zip(requests, mixtures, strict=True):
        parameters = mixture.original_space() | {"basis": np.array(number[id(mixture.frame)])}
        arrays |= {f"{request.text_id}/{name}": array for name, array in parameters.items()}
        texts[request.text_id] = {"text": request.text} | {name: array.tolist() for name, array in parameters.items()}
        texts[request.text_id]["dof"] = None if math.isinf(mixture.dof) else mixture.dof
    bases = [frame.matrix for frame in frames.values()]
    np.savez_compressed(target / "mixtures.npz", **arrays, **{f"bases/{n}": basis for n, basis in enumerate(bases)})
    table = {"bases": [basis.tolist() for basis in bases], "texts": texts}
    (target / "mixtures.json").write_text(json.dumps(table, ensure_ascii=False) + "\n", encoding="utf-8")


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if any(mark in field for mark in ',"') else field
