"""What each model claims: the words of its sentence, which are told by transcripts of the sentence.

model2words     model word word ...    in a directory of adapted models
"""

from pathlib import Path

from steps.data.enrolments import SENTENCES, model_sentences, read_enrolments
from steps.hmm.lexicon import words_of
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import read_table, write_table

MODEL_WORDS = "model2words"
Words = tuple[str, ...]


def claimed_words(data: Path, texts: Path) -> dict[str, Words]:
    """Model -> the words of its sentence.

    Args:
        data: with enrol_map, and model2sent. texts: a data directory whose text and utt2sent tell what sentences are.
            Without model2sent a model's recordings must all say the same.
    """
    if not (data / SENTENCES).is_file():
        return _words_of_recordings(data)
    directory = DataDir(texts)
    for name in ("text", "utt2sent"):
        if not directory.has(name):
            raise InputError(
                f"{texts}: no {name} here, which tells what sentences are; --texts names another directory"
            )
    sentences, text = directory.table("utt2sent"), directory.table("text")
    spoken: dict[str, Words] = {}
    for utterance, sentence in sentences.items():
        words = tuple(words_of(text.get(utterance, "")))
        if words and spoken.setdefault(sentence, words) != words:
            raise InputError(
                f"{texts / 'text'}: {utterance}: says another text of sentence {sentence} than those before"
            )
    found = {model: spoken.get(sentence, ()) for model, sentence in model_sentences(data).items()}
    missing = [model for model, words in found.items() if not words]
    if missing:
        raise InputError(
            f"{data / SENTENCES}: {missing[0]}: no utterance of {texts} says its sentence ({len(missing)} such models);"
            " name a directory in which one does by --texts"
        )
    return found


def _words_of_recordings(data: Path) -> dict[str, Words]:
    """Model -> the words of its recordings."""
    directory = DataDir(data)
    text = directory.table("text") if directory.has("text") else {}
    found = {}
    for model, recordings in read_enrolments(data).items():
        said = {tuple(words_of(text.get(utterance, ""))) for utterance in recordings}
        if len(said) != 1 or () in said:
            raise InputError(f"{data / 'text'}: {model}: expected one text of all its recordings; or write {SENTENCES}")
        found[model] = said.pop()
    return found


def write_words(directory: Path, words: dict[str, Words]) -> None:
    """Write model2words."""
    write_table(directory / MODEL_WORDS, {model: " ".join(own) for model, own in sorted(words.items())})


def read_words(directory: Path) -> dict[str, Words]:
    """Read model2words."""
    path = directory / MODEL_WORDS
    if not path.is_file():
        raise InputError(f"{path}: no such file; steps/hmm/map_adapt.sh writes it")
    return {model: tuple(value.split()) for model, value in read_table(path).items()}
