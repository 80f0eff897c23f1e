"""The lines of `provenance.jsonl`, one a speaker: how it was drawn, and what it is like.

Of a speaker with several utterances, `utterances` says how many; log density is their mean, distance and gender are of
their mean embedding.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from steps.generators.gender_classifier import letters
from steps.generators.sample_ids import DIGITS
from steps.generators.sample_tables import UNKNOWN
from steps.generators.sampling import Samples

PROVENANCE = "provenance.jsonl"
JSON_OF = {"m": '"m"', "f": '"f"', UNKNOWN: "null"}  # a gender
SHARE_DIGITS = 4  # of the posterior in a line
Piece = tuple[str, Sequence | None]  # of a line: a format, and the column (n) that it is for; None: it is for none


def genders_of(samples: Samples, threshold: float) -> np.ndarray:
    """The gender (n,) uint8 of each speaker, m, f or UNKNOWN: of the request, or what the classifier is sure of."""
    if samples.request.gender or samples.female is None:
        return np.full(len(samples.component), ord(samples.request.gender or UNKNOWN), np.uint8)
    told = "".join([gender or UNKNOWN for gender in letters(samples.female, threshold)])
    return np.frombuffer(told.encode(), np.uint8)


def provenance_lines(samples: Samples, seed: int, speakers: Sequence[str] | None, genders: np.ndarray) -> bytes:
    """The lines of a chunk of n speakers.

    Args:
        speakers: the training speakers, by their positions. genders: (n,) uint8, m, f or UNKNOWN.
    """
    request, first = samples.request, samples.first
    key = json.dumps(f"{request.prefix}-").removesuffix('"')
    text_id, text = json.dumps(request.text_id), json.dumps(request.text, ensure_ascii=False)
    each = len(samples.x) // len(samples.component)
    utterances = f', "utterances": {each}' if each > 1 else ""
    pieces: list[Piece] = [
        (f'{{"id": {_literal(key)}%0{DIGITS}d"{utterances}', range(first + 1, first + 1 + len(samples.component))),
        (f', "text_id": {_literal(text_id)}, "text": {_literal(text)}, "component": %d', samples.component.tolist()),
        *_mix(samples),
        *_density(samples, seed),
        *_nearest(samples, speakers),
        *_gender(samples, genders),
        (f"{_literal(_understood(samples.read_as, samples.request.warnings))}}}\n", None),
    ]
    line = "".join(form for form, _ in pieces)
    columns = [column for _, column in pieces if column is not None]
    return "".join(map(line.__mod__, zip(*columns, strict=True))).encode()


def _literal(text: str) -> str:
    """A text as a format has it."""
    return text.replace("%", "%%")


def _density(samples: Samples, seed: int) -> Iterator[Piece]:
    if samples.log_density is None:
        yield f', "seed": {seed}, "log_density": null', None
    else:
        yield f', "seed": {seed}, "log_density": %.6f', samples.log_density.tolist()


def _nearest(samples: Samples, speakers: Sequence[str] | None) -> Iterator[Piece]:
    if not speakers or samples.nearest is None:
        yield ', "nearest_speaker": null, "distance": null', None
        return
    name = {row: json.dumps(speakers[row]) for row in np.unique(samples.nearest).tolist()}
    yield ', "nearest_speaker": %s', [name[row] for row in samples.nearest.tolist()]
    yield ', "distance": %.6f', samples.distance.tolist()


def _gender(samples: Samples, genders: np.ndarray) -> Iterator[Piece]:
    """The gender, where it is not that of the request's group."""
    if samples.female is not None:
        yield ', "gender": %s', [JSON_OF[gender] for gender in genders.tobytes().decode()]
        yield ', "gender_posterior": %.6f', np.maximum(samples.female, 1 - samples.female).tolist()
    elif samples.request.gender and not samples.request.group:
        yield f', "gender": {json.dumps(samples.request.gender)}, "gender_posterior": null', None


def _mix(samples: Samples) -> Iterator[Piece]:
    """The second description of a mix."""
    if mix := samples.request.mix:
        told = {"text": mix.text, "share": mix.share, "by": mix.by}
        yield f', "mix": {_literal(json.dumps(told, ensure_ascii=False)[:-1])}', None
        yield f"{_literal(_understood(samples.mix_read_as, mix.warnings))}}}", None


def _understood(read_as: Mapping[str, Mapping[str, float]], warned: Sequence[str]) -> str:
    """How a text was read, as the end of an object."""
    if not read_as:
        return ""
    rounded = rounded_shares(read_as)
    warnings = json.dumps(warned, ensure_ascii=False)
    return f', "read_as": {json.dumps(rounded, ensure_ascii=False)}, "warnings": {warnings}'


def rounded_shares(read_as: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """A posterior of each attribute, as lines have it."""
    return {
        attribute: {value: round(share, SHARE_DIGITS) for value, share in shares.items()}
        for attribute, shares in read_as.items()
    }
