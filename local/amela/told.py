"""What has a text, or gets one: the recordings that pieces are cut from.

These are the utterances of the data directory; but where those are stretches of recordings, as a manifest of speech has
them, and pieces join several, they are the recordings, by the names that the ids of stretches begin with.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from steps.audio.pack import STRETCH
from utils.command import logger
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.manifest import SOME_TEXTS

log = logger(__name__)


class TextsOfPieces(NamedTuple):
    """What has a text, or gets one.

    Attributes:
        tables: of these utterances, by file name. known: utterance -> its text, of those that have words.
        whole: piece -> the utterance that it is cut from.
    """

    tables: dict[str, dict[str, str]]
    known: dict[str, str]
    whole: dict[str, str]


def told_of(data: DataDir, pieces: DataDir) -> TextsOfPieces:
    """What the texts of some pieces are texts of. Raises InputError for a piece of another utterance."""
    tables, known = data.tables(), known_texts(data)
    whole = {key: key if key in data.utt2spk else _beginning(key) for key in pieces.utt2spk}
    if whole.keys() and not set(whole.values()) <= data.utt2spk.keys():
        told = _of_recordings(tables, known)
        whole = {key: _beginning(key) for key in pieces.utt2spk}
        for key, recording in whole.items():
            if recording not in told.tables["utt2spk"]:
                spk = data.path / "utt2spk"
                raise InputError(f"{pieces.path / 'utt2spk'}: {key}: no piece of an utterance of {spk}")
        tables, known = told.tables, told.known
    return TextsOfPieces({name: table for name, table in tables.items() if name != SOME_TEXTS}, known, whole)


def known_texts(data: DataDir) -> dict[str, str]:
    """Utterance -> its text, of those that have words."""
    names = [name for name in ("text", SOME_TEXTS) if data.has(name)]
    return {key: text for name in names for key, text in data.table(name).items() if text}


def _beginning(key: str) -> str:
    match = STRETCH.fullmatch(key)
    return match[1] if match else key


def _of_recordings(tables: Mapping[str, Mapping[str, str]], known: Mapping[str, str]) -> TextsOfPieces:
    """The recordings of stretches; their texts, joined, where all stretches of one have words."""
    stretches: dict[str, list[str]] = defaultdict(list)
    for key in sorted(tables["utt2spk"]):
        stretches[_beginning(key)].append(key)
    wav, speakers, texts, lost = {}, {}, {}, 0
    for name, keys in stretches.items():
        recording = tables["segments"][keys[0]].split()[0] if "segments" in tables else keys[0]
        wav[name], speakers[name] = tables["wav.scp"][recording], tables["utt2spk"][keys[0]]
        words = [known[key] for key in keys if key in known]
        if len(words) == len(keys):
            texts[name] = " ".join(words)
        else:
            lost += len(words)
    if lost:
        log.warning("%d stretches have a text, but others of their recordings have none: theirs is not used", lost)
    return TextsOfPieces({"wav.scp": wav, "utt2spk": speakers}, texts, {})
