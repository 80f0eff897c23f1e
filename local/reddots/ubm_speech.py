"""Other speech for the UBM: the tables of a Kaldi data directory, or of a tree of audio with a folder a speaker.

Speakers get the prefix `ubm`, so that none is mistaken for one of the corpus. In a tree the speaker's is the first
folder below the deepest one that holds all files (of LibriSpeech, that below train-clean-100); sexes are those of
LibriSpeech's SPEAKERS.TXT, where it is there. Files that cannot be used are counted.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from local.reddots.recordings import Tables
from local.saved_librispeech import read_genders
from steps.audio.audio_files import find_audio
from steps.audio.failures import check_failures
from steps.audio.lengths import read_lengths
from steps.audio.recordings import Utterance, read_data_dir
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import check_key

PREFIX = "ubm"
MAX_FAIL = 0.05  # share of files that cannot be used


def read_ubm_speech(source: Path, min_seconds: float, out: Path) -> Tables:
    """The tables of the speech: wav.scp, utt2spk, utt2dur, and text and spk2gender where they are known of all."""
    is_data = (source / "wav.scp").is_file()
    if is_data and (source / "segments").is_file():
        raise InputError(f"--ubm_data {source}: has segments; give whole recordings, such as those it was cut from")
    utterances = [_renamed(one) for one in read_data_dir(source)] if is_data else list(_of_tree(source))
    tables: Tables = {"wav.scp": {}, "utt2spk": {}, "utt2dur": {}}
    failures = []
    for measured in read_lengths(utterances, min_seconds):
        one, outcome = measured.utterance, measured.outcome
        if outcome.reason:
            failures.append((one.id, outcome.reason, outcome.detail))
            continue
        tables["wav.scp"][one.id] = str(one.path.absolute())
        tables["utt2spk"][one.id] = one.speaker
        tables["utt2dur"][one.id] = f"{outcome.seconds:.3f}"
    check_failures(failures, len(utterances), MAX_FAIL, out.with_name("ubm"))
    genders = _genders(source, is_data)
    speakers = set(tables["utt2spk"].values())
    if speakers <= genders.keys():
        tables["spk2gender"] = {speaker: genders[speaker] for speaker in speakers}
    if is_data and DataDir(source).has("text"):
        texts = {f"{PREFIX}{name}": text for name, text in DataDir(source).table("text").items()}
        tables["text"] = {name: texts[name] for name in tables["utt2spk"]}
    return tables


def _renamed(one: Utterance) -> Utterance:
    return Utterance(f"{PREFIX}{one.id}", one.path, None, None, one.dataset, f"{PREFIX}{one.speaker}", one.name)


def _of_tree(source: Path) -> Iterator[Utterance]:
    files = find_audio(source).found
    if not files:
        raise InputError(f"--ubm_data {source}: no wav.scp, and no audio as <speaker>/<name>.wav below it")
    top = Path(os.path.commonpath([file.parent for file in files]))
    for file in files:
        parts = file.relative_to(top).with_suffix("").parts
        speaker = check_key(f"{PREFIX}{parts[0]}", str(file))
        yield Utterance(
            check_key(f"{speaker}-{'-'.join(parts[1:]) or '0'}", str(file)), file, None, None, "", speaker, ""
        )


def _genders(source: Path, is_data: bool) -> dict[str, str]:
    """Speaker -> f or m, where it is known."""
    if is_data:
        known = DataDir(source).table("spk2gender") if DataDir(source).has("spk2gender") else {}
    else:
        found = [*source.glob("SPEAKERS.TXT"), *source.glob("*/SPEAKERS.TXT")]
        known = read_genders(found[0]) if found else {}
    return {f"{PREFIX}{speaker}": gender for speaker, gender in known.items()}
