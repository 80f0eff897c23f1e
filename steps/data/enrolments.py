"""Models of several recordings: `enrol_map` of a data directory says which recordings enrol which model.

    enrol_map     model utterance utterance ...      the utterances are of one speaker, and stand in utt2spk
    model2sent    model sentence                     what a model says, where models are of a voice and a sentence

A directory without `enrol_map` has a model for each speaker, of all of the speaker's utterances.
"""

from pathlib import Path

import numpy as np

from steps.data.spoken_vectors import SpokenVectors
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import iterate_table, read_table, repeated_key

ENROL_MAP, SENTENCES = "enrol_map", "model2sent"


def read_enrolments(data: Path) -> dict[str, tuple[str, ...]]:
    """Model -> its utterances, in the order of the file. Raises InputError with the line of a fault."""
    utt2spk, path = DataDir(data).utt2spk, Path(data) / ENROL_MAP
    if not path.is_file():
        return {speaker: tuple(utterances) for speaker, utterances in DataDir(data).spk2utt.items()}
    found: dict[str, tuple[str, ...]] = {}
    for line, (model, value) in enumerate(iterate_table(path), 1):
        utterances = tuple(value.split())
        if model in found:
            raise repeated_key(path, line, model)
        unknown = next((one for one in utterances if one not in utt2spk), None)
        if unknown is not None:
            raise InputError(f"{path}:{line}: {unknown}: no utterance of {Path(data) / 'utt2spk'}; add it there")
        if len(set(utterances)) < len(utterances):
            raise InputError(f"{path}:{line}: {model}: an utterance stands twice; expected each once")
        speakers = sorted({utt2spk[one] for one in utterances})
        if len(speakers) > 1:
            raise InputError(
                f"{path}:{line}: {model}: utterances of {speakers[0]} and {speakers[1]}; expected one speaker"
            )
        found[model] = utterances
    return found


def model_speakers(data: Path) -> dict[str, str]:
    """Model -> speaker."""
    utt2spk = DataDir(data).utt2spk
    return {model: utt2spk[utterances[0]] for model, utterances in read_enrolments(data).items()}


def model_sentences(data: Path) -> dict[str, str]:
    """Model -> sentence, of all models. Raises InputError where there is no such table, or a model is not in it."""
    path = Path(data) / SENTENCES
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected lines 'model sentence'")
    sentences = read_table(path)
    missing = sorted(read_enrolments(data).keys() - sentences.keys())
    if missing:
        raise InputError(f"{path}: {missing[0]}: no line for this model ({len(missing)} such models)")
    return sentences


def vectors_of_models(spoken: SpokenVectors, data: Path) -> SpokenVectors:
    """The embeddings of a directory's utterances, each with its model as its speaker; one of two models comes twice.

    A model none of whose utterances has an embedding is left.
    """
    rows = spoken.rows()
    pairs = [(model, one) for model, utterances in read_enrolments(data).items() for one in utterances if one in rows]
    models = np.array([model for model, _ in pairs], dtype=object)
    return SpokenVectors([one for _, one in pairs], models, spoken.x[[rows[one] for _, one in pairs]])
