"""The file of a gender classifier, gender.safetensors: weights, and the ids of the speakers that it was learnt from.

With these ids a later run finds the speakers of its corpus that the classifier has seen. Two ids count as one speaker
if they are equal or if one is the other with a prefix that ends in `-` or `_`, as `103` and `libri-train_103`. Speakers
with other new names are not recognised.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.attributes.bins import GENDERS
from steps.metrics.classifiers import Classifier
from utils.errors import InputError
from utils.json_files import parse_json
from utils.mounts import lost_disk_told
from utils.pointer_files import refuse_pointer

MODEL = "gender.safetensors"
# of the metadata, which has one key: safetensors writes several in no fixed order
KEY, OLD_KEY = "gender_model", "classes"


@dataclass(frozen=True, eq=False)
class GenderModel:
    """A classifier of embeddings into GENDERS.

    Attributes:
        classifier: the weights.
        speakers: ids of the speakers that it was learnt from; None where the file has none.
    """

    classifier: Classifier
    speakers: frozenset[str] | None

    def seen(self, speakers: Iterable[str]) -> set[str]:
        """Those of `speakers` that the classifier was learnt from, by their ids."""
        own = self.speakers or frozenset()
        shortened = {short for speaker in own for short in _without_prefixes(speaker)}
        return {
            speaker
            for speaker in speakers
            if speaker in shortened or any(short in own for short in _without_prefixes(speaker))
        }


def _without_prefixes(speaker: str) -> Iterator[str]:
    """An id, and what follows each `-` and `_` in it."""
    yield speaker
    yield from (speaker[mark.end() :] for mark in re.finditer("[-_]", speaker))


def write_gender_model(path: Path, model: GenderModel) -> None:
    """Write a classifier, for other corpora with embeddings of the same network."""
    from safetensors.numpy import save_file

    tensors = {"weights": model.classifier.weights, "offsets": model.classifier.offsets}
    speakers = None if model.speakers is None else sorted(model.speakers)
    metadata = {KEY: json.dumps({"classes": GENDERS, "speakers": speakers}, ensure_ascii=False)}
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, path, metadata)


def read_gender_model(path: Path, dim: int) -> GenderModel:
    """Read a classifier of embeddings of `dim` dimensions; a file of an earlier version has no ids of speakers."""
    from safetensors import SafetensorError, safe_open

    refuse_pointer(path)
    try:
        with lost_disk_told(path), safe_open(path, framework="np") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise InputError(f"{path}: not a safetensors file: {error}") from error
    shapes = {name: array.shape for name, array in tensors.items()}
    try:
        where = f"{path}: its metadata"
        content = (
            parse_json(metadata[KEY], where) if KEY in metadata else {"classes": parse_json(metadata[OLD_KEY], where)}
        )
        classes, speakers = content["classes"], content.get("speakers")
        speakers = None if speakers is None else frozenset(speakers)
    except (KeyError, ValueError, TypeError):
        classes, speakers = None, None
    if classes != list(GENDERS) or shapes != {"weights": (dim, 2), "offsets": (2,)}:
        raise InputError(f"{path}: expected a {MODEL} of this project for embeddings of {dim} dimensions")
    classifier = Classifier(GENDERS, tensors["weights"], tensors["offsets"])
    return GenderModel(classifier, speakers)
