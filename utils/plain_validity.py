"""Is a data directory valid beyond doubt? Its tables are read side by side, a few lines at a time.

What is not valid or not sorted is left to `utils.data_dir.validate`, which has the tables in memory and says what is
wrong.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from utils.errors import InputError
from utils.sorted_tables import NotSorted, SortedTable

WITH_RULES = ("text", "wav.scp", "utt2dur", "reco2dur", "utt2num_frames", "segments", "spk2gender")  # for their values
AreGood = Callable[[str, Iterable[str]], bool]


def is_plainly_valid(
    path: Path, names: Collection[str], per_utterance: Collection[str], per_recording: Collection[str], good: AreGood
) -> bool:
    """Are these tables of a data directory valid, sorted by utterance and by speaker?

    Args:
        names: of its tables, utt2spk and spk2utt among them. per_utterance: those that must have all utterances.
        per_recording: those that must have the recordings of `segments`, or all utterances where there is none.
        good: is nothing wrong with values of a table of this name?
    """
    if not all(_ends_plainly(path / name) for name in names):
        return False
    tables = {name: SortedTable(path / name) for name in names}
    of_recordings = {name: tables.pop(name) for name in per_recording if name in names and "segments" in names}
    recordings: set[str] = set()
    try:
        utt2spk, spk2utt, spk2gender = tables.pop("utt2spk"), tables.pop("spk2utt"), tables.pop("spk2gender", None)
        speakers = []
        complete = (*per_utterance, *per_recording, "segments")
        for speaker, utterances in _by_speaker(_checked(utt2spk, tables, complete, good, recordings)):
            if (speakers and speaker <= speakers[-1]) or spk2utt.until(speaker) != ([speaker], [" ".join(utterances)]):
                return False
            speakers.append(speaker)
        rest = [lines for name, table in tables.items() for lines in table.until(None) if name != "cmvn.scp"]
        genders = spk2gender.until(None) if spk2gender else (speakers, [])
        return (
            not any((*rest, *spk2utt.until(None)))
            and genders[0] == speakers
            and good("spk2gender", genders[1])
            and _belong_to(recordings, of_recordings, good)
        )
    except (NotSorted, InputError, _Invalid):
        return False


class _Invalid(Exception):
    """A table is not valid, or not sure to be."""


def _checked(
    utt2spk: SortedTable,
    tables: Mapping[str, SortedTable],
    complete: Collection[str],
    good: AreGood,
    recordings: set[str],
) -> Iterator[tuple[str, str]]:
    """The utterances and their speakers. Raises _Invalid where the lines of a table do not belong to them.

    Args:
        recordings: those that `segments` names are added.
    """
    while block := utt2spk.block():
        utterances, speakers = block
        known, beginnings = set(utterances), [f"{utterance} " for utterance in utterances]
        for name, table in tables.items():
            if name not in WITH_RULES and table.lines_of(beginnings):
                continue
            keys, values = table.until(utterances[-1])
            is_known = keys == utterances if name in complete else known.issuperset(keys) or name == "cmvn.scp"
            if not is_known or (name in WITH_RULES and not good(name, values)):
                raise _Invalid
            if name == "segments":
                recordings.update(value.split()[0] for value in values)
        if not good("utt2spk", set(speakers)):
            raise _Invalid
        yield from zip(utterances, speakers, strict=True)


def _belong_to(recordings: Collection[str], tables: Mapping[str, SortedTable], good: AreGood) -> bool:
    """Do tables have a line for each of the recordings and no other, with good values?"""
    wanted, found = sorted(recordings), {name: table.until(None) for name, table in tables.items()}
    return all(keys == wanted and good(name, values) for name, (keys, values) in found.items())


def _by_speaker(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    for speaker, found in groupby(pairs, itemgetter(1)):
        yield speaker, [utterance for utterance, _ in found]


def _ends_plainly(file: Path) -> bool:
    """Does a file begin without a byte order mark, and end with a line?"""
    with file.open("rb") as content:
        if content.read(len(BOM_UTF8)) in (b"", BOM_UTF8):
            return False
        content.seek(-1, 2)
        return content.read(1) == b"\n"
