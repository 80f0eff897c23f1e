"""Ids of sampled speakers, which stay apart when sample sets are combined: `<set>-<text id>-<hash>-0000001`.

The set is the name of the output directory. The hash stands for all that decides the vectors of one text: model, seed,
temperatures, distances, text and number of samples. So two speakers have one id only where they have one vector.
Kaldi sorts utt2spk by utterance and by speaker at once: utterances of a speaker would be `<speaker>-0001` and so on.
"""

import hashlib
import json
import os
import re
import unicodedata
from dataclasses import asdict
from pathlib import Path

from steps.generators.requests import SampleRequest, SamplingSettings
from utils.errors import InputError

HASH_DIGITS = 8
MOST_LETTERS = 48  # of the set's name in an id
DIGITS = 7  # of a sample's number


def numbers(first: int, stop: int) -> list[str]:
    """How the ids of a text's samples from `first` to before `stop` (both from 0) end: after `<prefix>-`."""
    return [f"{number:0{DIGITS}d}" for number in range(first + 1, stop + 1)]


def id_prefix(name: str, model: str, settings: SamplingSettings, request: SampleRequest) -> str:
    """The prefix of the ids of one text: `<set>-<text id>-<hash>`.

    Args:
        name: of the sample set, as it is. model: `model_hash` of the model.
    """
    drawn = {key: value for key, value in asdict(settings).items() if key != "max_tries"}
    content = [name, model, drawn, request.text_id, request.text, request.n]
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


def model_hash(model: Path) -> str:
    """A hash of the files of a model that decide what is drawn, wherever the model lies."""
    from steps.generators.contract import DESCRIPTION, WEIGHTS, require_files
    from steps.text.read import ENCODER, FILES

    require_files(model)
    digest = hashlib.sha256()
    read = [name for name in FILES if name == ENCODER or (model / name).is_file()]
    for name in (DESCRIPTION, WEIGHTS, *read):
        with (model / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
