"""Sampled speakers on disk: parts that jobs write side by side, and the data directory that they are merged into.

A part is an archive, its keys, and the provenance of its samples. Merging concatenates the parts in order, so the bytes
do not depend on how many there were.
"""

import heapq
import json
import math
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from steps.generators.mixture import Mixture
from steps.generators.requests import Request
from steps.generators.sampling import Samples
from utils.archive_writer import ArchiveWriter
from utils.archives import parse_location
from utils.data_dir import require_valid
from utils.tables import iterate_lines, split_line

ARK, SCP, PROVENANCE = "xvector.ark", "xvector.scp", "provenance.jsonl"
TABLES = (SCP, "spk_xvector.scp", "xvector.csv", "utt2spk", "spk2utt", "text", "utt2group", "spk2gender")
GENDERS = {"male": "m", "female": "f"}


def write_part(directory: Path, chunks: Iterable[Samples], seed: int, speakers: list[str] | None) -> int:
    """Write archive, script file and provenance of some samples. Returns how many samples there were."""
    count = 0
    with (
        ArchiveWriter(directory / ARK, directory / SCP) as writer,
        (directory / PROVENANCE).open("w", encoding="utf-8") as provenance,
    ):
        for samples in chunks:
            keys = sample_ids(samples.request.text_id, samples.first, len(samples.x))
            writer.write(keys, samples.x)
            provenance.writelines(_provenance(samples, keys, seed, speakers))
            count += len(keys)
    return count


def sample_ids(text_id: str, first: int, n: int) -> list[str]:
    """Ids of n samples of a text, which are utterance and speaker ids at once: `<text_id>-0000001` and on."""
    return [f"{text_id}-{number:07d}" for number in range(first + 1, first + n + 1)]


def _provenance(samples: Samples, keys: list[str], seed: int, speakers: list[str] | None) -> Iterator[str]:
    text = json.dumps(samples.request.text, ensure_ascii=False)
    text_id = json.dumps(samples.request.text_id)
    for row, key in enumerate(keys):
        nearest = 'null, "distance": null'
        if speakers and samples.nearest is not None:
            nearest = f'{json.dumps(speakers[samples.nearest[row]])}, "distance": {samples.distance[row]:.6f}'
        yield (
            f'{{"id": {json.dumps(key)}, "text_id": {text_id}, "text": {text}, "component": {samples.component[row]},'
            f' "seed": {seed}, "log_density": {samples.log_density[row]:.6f}, "nearest_speaker": {nearest}}}\n'
        )


def merge_parts(parts: list[Path], requests: list[Request], target: Path, final: Path) -> int:
    """Make one data directory in `target` of parts; paths are as they will be in `final`.

    Archives are concatenated, and the parts' script files, each sorted, are merged line by line into the tables: memory
    does not grow with the vectors. Returns how many samples there are.
    """
    samples = heapq.merge(*(_places(part, base) for part, base in zip(parts, _concatenate(parts, target), strict=True)))
    asked = {request.text_id: request for request in requests}
    genders = {request.group: gender_of(request.group) for request in requests}
    count, ark = 0, final / ARK
    with ExitStack() as stack:
        tables = {name: stack.enter_context((target / name).open("w", encoding="utf-8")) for name in TABLES}
        tables["xvector.csv"].write("id,storage_path,storage_byte\n")
        for key, place in samples:
            count += 1
            request = asked[key.rpartition("-")[0]]
            for name in (SCP, "spk_xvector.scp"):  # one sample a speaker: both name the same vectors
                tables[name].write(f"{key} {ark}:{place}\n")
            for name in ("utt2spk", "spk2utt"):
                tables[name].write(f"{key} {key}\n")
            tables["xvector.csv"].write(f"{_quoted(key)},{_quoted(str(ark))},{place}\n")
            tables["text"].write(f"{key} {request.text}\n")
            if request.group:
                tables["utt2group"].write(f"{key} {request.group}\n")
            if genders[request.group]:
                tables["spk2gender"].write(f"{key} {genders[request.group]}\n")
    for name in ("utt2group", "spk2gender"):
        if not (target / name).stat().st_size:
            (target / name).unlink()
    require_valid(target)
    return count


def _concatenate(parts: list[Path], target: Path) -> list[int]:
    """Copy archives and provenance of the parts behind each other. Returns where each archive begins."""
    bases = []
    with (target / ARK).open("wb") as ark, (target / PROVENANCE).open("wb") as provenance:
        for part in parts:
            bases.append(ark.tell())
            for name, file in ((ARK, ark), (PROVENANCE, provenance)):
                with (part / name).open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 22)
    return bases


def _places(part: Path, base: int) -> Iterator[tuple[str, int]]:
    """Keys of a part, sorted, and where their vectors are in an archive into which the part's goes at byte `base`."""
    for line in iterate_lines(part / SCP):
        key, place = split_line(line)
        yield key, base + parse_location(place, key).offset


def gender_of(group: str | None) -> str | None:
    """m or f where the gender is one of the values that make the group, else None."""
    return next((GENDERS[value] for value in (group or "").split("_") if value in GENDERS), None)


def write_parameters(target: Path, mixtures: list[Mixture], requests: list[Request]) -> None:
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
