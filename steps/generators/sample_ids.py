"""Ids of sampled speakers, which stay apart when sample sets are combined: `<set>-<text id>-<hash>-0000001`.

The set is the name of the output directory. The hash stands for all that decides the vectors of one text: model, seed,
temperatures, distances, text and numbers of samples. So two speakers have one id only where they have one vector.
Utterances of a speaker who has several are `<speaker>-0001` and so on: Kaldi sorts utt2spk by utterance and by speaker
at once, and ids that such a sort would mix are refused.
"""

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from steps.generators.requests import SampleRequest, SamplingSettings
from utils.digits import digits_of
from utils.errors import InputError, brief

HASH_DIGITS = 8
MOST_LETTERS = 48  # of the set's name in an id
DIGITS = 7  # of a sample's number
UTTERANCE_DIGITS = 4


def number(speaker: int) -> str:
    """How the id of a text's speaker ends, who is the one of this number from 0."""
    return f"{speaker + 1:0{DIGITS}d}"


def numbers(first: int, stop: int) -> np.ndarray:
    """How the ids of a text's n speakers from `first` to before `stop` (both from 0) end: after `<prefix>-`.

    Returns (n, bytes) uint8.
    """
    return digits_of(np.arange(first + 1, stop + 1), DIGITS)


def utterance_numbers(first: int, stop: int, utts_per_speaker: int) -> np.ndarray:
    """How the ids of their utterances end, numbered through over the speakers; a single one has its speaker's id.

    Returns (n, bytes) uint8.
    """
    if utts_per_speaker == 1:
        return numbers(first, stop)
    speakers, own = np.divmod(np.arange(first, stop), utts_per_speaker)
    dashes = np.full((len(own), 1), ord("-"), np.uint8)
    return np.concatenate([digits_of(speakers + 1, DIGITS), dashes, digits_of(own + 1, UTTERANCE_DIGITS)], axis=1)


def check_order(requests: Sequence[SampleRequest], utts_per_speaker: int) -> None:
    """Raise InputError where the utterances of two speakers come in another order than the speakers.

    That is so where the id of one begins with that of another and goes on with what comes before `-0001`, or among
    `-0001`, `-0002`, ...: as `a-0000001-0000001` does after `a-0000001`.
    """
    of_prefix = {request.prefix: request for request in requests}
    for request in requests if utts_per_speaker > 1 else ():
        head = f"{request.prefix}-"
        for found in re.finditer(rf"(?=(-\d{{{DIGITS}}}))", head):
            other, number = of_prefix.get(head[: found.start()]), found[1][1:]
            last = f"{head[: found.start()]}-{number}-{utts_per_speaker:0{UTTERANCE_DIGITS}d}"
            if other and other is not request and 1 <= int(number) <= other.n and last >= head:
                raise InputError(
                    f"{brief(request.text_id)}: its utterances would lie among those of a speaker of"
                    f" {brief(other.text_id)}, {brief(last.rpartition('-')[0])}, in Kaldi's order; name one of these"
                    " texts otherwise, or sample one utterance a speaker"
                )


def id_prefix(name: str, model: str, settings: SamplingSettings, request: SampleRequest) -> str:
    """The prefix of the ids of one text: `<set>-<text id>-<hash>`.

    Args:
        name: of the sample set, as it is. model: `model_hash` of the model.
    """
    drawn = {key: value for key, value in asdict(settings).items() if key != "max_tries"}
    if settings.utts_per_speaker == 1:  # as ids were before speakers could have more
        del drawn["utts_per_speaker"]
    content = [name, model, drawn, request.text_id, request.drawn_as, request.n]
    if request.mix and 0 < request.mix.share < 1:
        content += [request.mix.text, request.mix.share, request.mix.by]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{spelled(name)}-{request.text_id}-{digest[:HASH_DIGITS]}"


def set_name(out: Path) -> str:
    """The name of the sample set that is written into a directory: the last part of its path."""
    return Path(os.path.normpath(out.absolute())).name


def check_prefix(prefix: str) -> str:
    """Return a prefix of the user's if ids can begin with it; else raise InputError."""
    if spelled(prefix) != prefix:
        raise InputError(
            f"--id_prefix: expected up to {MOST_LETTERS} letters, digits, '.', '_' and '-', the first and the last a"
            f" letter or digit, found {prefix[:60]!r}"
        )
    return prefix


def spelled(name: str) -> str:
    """A name as ids have it: letters, digits, `-`, `_` and `.`, no more than MOST_LETTERS; `_` stands for the rest."""
    plain = unicodedata.normalize("NFC", name.encode(errors="replace").decode())
    words = re.sub(r"[^\w.-]+", "_", plain).lstrip("-._")[:MOST_LETTERS].rstrip("-._")
    return words or "samples"


def model_hash(model: Path, several: bool = False) -> str:
    """A hash of the files of a model that decide what is drawn, wherever the model lies.

    Args:
        several: are several utterances of a speaker drawn?
    """
    from steps.generators.contract import DESCRIPTION, WEIGHTS, require_files
    from steps.generators.within_speaker import FILE
    from steps.text.read import ENCODER, FILES

    require_files(model)
    digest = hashlib.sha256()
    read = [name for name in FILES if name == ENCODER or (model / name).is_file()]
    if several and (model / FILE).is_file():
        read.append(FILE)
    for name in (DESCRIPTION, WEIGHTS, *read):
        with (model / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
