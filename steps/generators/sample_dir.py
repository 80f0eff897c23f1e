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

from steps.generators.blend import Blend
from steps.generators.gender_classifier import letters
from steps.generators.mixture import Mixture
from steps.generators.requests import SampleRequest
from steps.generators.sample_ids import sample_ids
from steps.generators.sample_npz import write_npz
from steps.generators.sampling import Samples
from steps.text.check import transcript
from utils.archive_writer import ArchiveWriter
from utils.data_dir import require_valid
from utils.json_files import json_text
from utils.tables import iterate_lines, write_table

ARK, SCP, PROVENANCE = "xvector.ark", "xvector.scp", "provenance.jsonl"
NPZ = "xvector.npz"
TABLES = ("xvector.csv", "utt2spk", "num_utts.ark", "utt2description", "utt2group")
NO_GENDER = "-"  # in a part
SHARE_DIGITS = 4  # of the posterior in a line of provenance


class Part(NamedTuple):
    """The N samples of one shard.

    Attributes:
        chunks: prefix of the ids, number of the first sample (from 0) and number of samples, of each chunk.
        x: (N, D) float32. provenance: (B,) uint8, the bytes of the lines of all samples.
        genders: (N,) uint8, the letters m, f and NO_GENDER.
    """

    chunks: list[tuple[str, int, int]]
    x: np.ndarray
    provenance: np.ndarray
    genders: np.ndarray


def make_part(chunks: Sequence[Samples], seed: int, speakers: list[str] | None, gender_threshold: float = 0) -> Part:
    """Join the chunks of a shard. `seed` and `speakers`, the training speakers, are named in the provenance."""
    genders = [genders_of(samples, gender_threshold) for samples in chunks]
    lines = "".join(
        line for samples, own in zip(chunks, genders, strict=True) for line in _provenance(samples, seed, speakers, own)
    )
    known = "".join(gender or NO_GENDER for own in genders for gender in own)
    return Part(
        [(samples.request.prefix, samples.first, len(samples.x)) for samples in chunks],
        np.concatenate([samples.x for samples in chunks]),
        np.frombuffer(lines.encode(), dtype=np.uint8),
        np.frombuffer(known.encode(), dtype=np.uint8),
    )


def genders_of(samples: Samples, threshold: float) -> list[str | None]:
    """The gender of each sample: that of the request, or what the classifier is sure of, if there is one."""
    if samples.request.gender or samples.female is None:
        return [samples.request.gender] * len(samples.x)
    return letters(samples.female, threshold)


def _provenance(
    samples: Samples, seed: int, speakers: list[str] | None, genders: Sequence[str | None]
) -> Iterator[str]:
    text, understood = json.dumps(samples.request.text, ensure_ascii=False), _understood(samples)
    text_id = json.dumps(samples.request.text_id)
    for row, key in enumerate(sample_ids(samples.request.prefix, samples.first, len(samples.x))):
        nearest = 'null, "distance": null'
        if speakers and samples.nearest is not None:
            nearest = f'{json.dumps(speakers[samples.nearest[row]])}, "distance": {samples.distance[row]:.6f}'
        gender = ""
        if samples.female is not None:
            posterior = max(samples.female[row], 1 - samples.female[row])
            gender = f', "gender": {json.dumps(genders[row])}, "gender_posterior": {posterior:.6f}'
        elif samples.request.gender and not samples.request.group:
            gender = f', "gender": {json.dumps(genders[row])}, "gender_posterior": null'
        rest = gender + understood
        yield (
            f'{{"id": {json.dumps(key)}, "text_id": {text_id}, "text": {text}, "component": {samples.component[row]},'
            f' "seed": {seed}, "log_density": {samples.log_density[row]:.6f}, "nearest_speaker": {nearest}{rest}}}\n'
        )


def _understood(samples: Samples) -> str:
    """How the text was read, as the end of each of its lines."""
    if not samples.read_as:
        return ""
    rounded = {
        attribute: {value: round(share, SHARE_DIGITS) for value, share in shares.items()}
        for attribute, shares in samples.read_as.items()
    }
    warnings = json.dumps(samples.request.warnings, ensure_ascii=False)
    return f', "read_as": {json.dumps(rounded, ensure_ascii=False)}, "warnings": {warnings}'


def write_samples(
    target: Path,
    final: Path,
    requests: Sequence[SampleRequest],
    parts: Iterable[Part],
    text_as_transcript: bool = False,
    npz: bool = False,
) -> int:
    """Write the data directory of all parts into `target`; paths are as they will be in `final`.

    Memory holds one part at a time, and the ids, offsets and genders of all samples. Returns the number of speakers in
    spk2gender.
    """
    genders = _write_vectors(target, final, parts)
    _write_tables(target, requests, (*TABLES, "text") if text_as_transcript else TABLES)
    for name, copy in ((SCP, "spk_xvector.scp"), ("utt2spk", "spk2utt")):  # each speaker has one sample
        shutil.copyfile(target / name, target / copy)
    if npz:
        write_npz(target / NPZ, target / SCP, target / ARK)
    if not (target / "utt2group").stat().st_size:
        (target / "utt2group").unlink()
    require_valid(target)
    if genders:  # Kaldi wants all, or no such file; those that are known are better than none
        write_table(target / "spk2gender", genders)
    return len(genders)


def _write_vectors(target: Path, final: Path, parts: Iterable[Part]) -> dict[str, str]:
    """Write archive, script file and provenance, in the order of the parts. Returns the known genders."""
    genders: dict[str, str] = {}
    with (
        ArchiveWriter(target / ARK, target / SCP, final / ARK) as writer,
        (target / PROVENANCE).open("wb") as provenance,
    ):
        for part in parts:
            keys = [key for chunk in part.chunks for key in sample_ids(*chunk)]
            writer.write(keys, part.x)
            provenance.write(part.provenance.data)
            known = zip(keys, part.genders.tobytes().decode(), strict=True)
            genders |= {key: gender for key, gender in known if gender != NO_GENDER}
    return genders


def _write_tables(target: Path, requests: Sequence[SampleRequest], names: Sequence[str]) -> None:
    """Write the named tables of all samples in the script file, in its order."""
    asked = {request.prefix: request for request in requests}
    spoken = {request.prefix: transcript(request.text) for request in requests}
    with ExitStack() as stack:
        tables = {name: stack.enter_context((target / name).open("w", encoding="utf-8")) for name in names}
        tables["xvector.csv"].write("id,storage_path,storage_byte\n")
        for line in iterate_lines(target / SCP):
            key, _, location = line.partition(" ")
            ark, _, offset = location.rpartition(":")
            request = asked[key.rpartition("-")[0]]
            tables["xvector.csv"].write(f"{_quoted(key)},{_quoted(ark)},{offset}\n")
            tables["utt2spk"].write(f"{key} {key}\n")
            tables["num_utts.ark"].write(f"{key} 1\n")
            tables["utt2description"].write(f"{key} {request.text}\n")
            if "text" in tables:
                tables["text"].write(f"{key} {spoken[request.prefix]}\n")
            if request.group:
                tables["utt2group"].write(f"{key} {request.group}\n")


def write_parameters(target: Path, mixtures: list[Mixture | Blend], requests: list[SampleRequest]) -> None:
    """Write the mixture of each text in the space of the embeddings, as `Mixture.original_space` names its parts.

    `mixtures.npz` holds the arrays `<text-id>/weights` and so on, `mixtures.json` the same numbers below `texts`.
    Texts share their bases: `basis` is a number n that stands for the array `bases/n`, or for the entry n of `bases`;
    where the components of a text stand in several frames, it is such a number for each (K,).
    """
    frames = {id(frame): frame for mixture in mixtures for frame in mixture.frames}
    number = {identity: n for n, identity in enumerate(frames)}
    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, dict[str, Any]] = {}
    for request, mixture in zip(requests, mixtures, strict=True):
        own = np.array([number[id(frame)] for frame in mixture.frames])
        parameters = mixture.original_space() | {"basis": own if isinstance(mixture, Blend) else own[0]}
        arrays |= {f"{request.text_id}/{name}": array for name, array in parameters.items()}
        texts[request.text_id] = {"text": request.text} | {name: array.tolist() for name, array in parameters.items()}
        texts[request.text_id]["dof"] = None if math.isinf(mixture.dof) else mixture.dof
    bases = [frame.matrix for frame in frames.values()]
    np.savez_compressed(target / "mixtures.npz", **arrays, **{f"bases/{n}": basis for n, basis in enumerate(bases)})
    table = {"bases": [basis.tolist() for basis in bases], "texts": texts}
    text = json_text(table, target / "mixtures.json", ensure_ascii=False)
    (target / "mixtures.json").write_text(f"{text}\n", encoding="utf-8")


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if any(mark in field for mark in ',"') else field
