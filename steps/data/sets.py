"""The sets of a split: their names and shares, what is drawn for them, and each as a data directory of its own."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from steps.data.spellings import DISTINCT
from utils.command import logger
from utils.data_dir import PER_SPEAKER, restrict, validate, write_data_dir
from utils.errors import InputError
from utils.stage_dir import StageDir

log = logger(__name__)
SETS = ("train", "dev", "test")


def check_fractions(fractions: Sequence[float]) -> None:
    """Raise InputError unless there is a share above 0 for each of SETS."""
    if len(fractions) != len(SETS) or not min(fractions) > 0 or not math.isfinite(sum(fractions)):
        raise InputError(f"--fractions: expected three numbers above 0 for {', '.join(SETS)}, found {fractions}")


def chance(seed: int, name: str) -> float:
    """A number from 0 to 1 that follows from a seed and a name alone, whatever others there are."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:7], "big") / 2**56


def write_set(stage: StageDir, tables: Mapping[str, Mapping[str, str]], utterances: list[str], source: Path) -> None:
    """Write of the tables what belongs to some utterances, as the data directory of a set.

    Args:
        tables: file name -> key -> value, of the whole corpus.
        source: the directory of the corpus, which messages name.
    """
    tables = restrict(tables, utterances, (*PER_SPEAKER, DISTINCT))
    genders, speakers = speaker_genders(tables), set(tables["utt2spk"].values())
    if genders and "spk2gender" not in tables and genders.keys() != speakers:
        unknown = len(speakers - genders.keys())
        log.info(
            "%s: no spk2gender: %d of %d speakers are neither male nor female", stage.final, unknown, len(speakers)
        )
        genders = {}
    tables["spk2gender"] = genders
    with naming_source(source):
        write_data_dir(stage.dir, {name: table for name, table in tables.items() if table})


@contextmanager
def naming_source(source: Path) -> Iterator[None]:
    """An InputError within is of a file that is gone in a moment: name the one that it was made from."""
    try:
        yield
    except InputError as error:
        problems = [
            one
            for one in validate(source, text=False, feats=False, wav=False)
            if not any(words in one for words in ("LC_ALL=C", "spk2utt: missing"))
        ]
        raise InputError(problems[0] if problems else str(error)) from error


def speaker_genders(tables: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """spk2gender, as it is or from utt2gender, where that says male or female; empty where there is neither."""
    if "spk2gender" in tables:
        return tables["spk2gender"]
    spk2gender: dict[str, str] = {}
    for utterance, gender in tables.get("utt2gender", {}).items():
        if utterance not in tables["utt2spk"]:
            raise InputError(f"utt2gender: {utterance}: utt2spk has no such utterance; run utils/fix_data_dir.sh")
        if gender not in ("male", "female", "m", "f"):
            continue
        speaker = tables["utt2spk"][utterance]
        if spk2gender.setdefault(speaker, gender[0]) != gender[0]:
            raise InputError(f"utt2gender: {utterance}: {gender}, expected the same for all utterances of {speaker}")
    return spk2gender
