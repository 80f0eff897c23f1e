"""Is a data directory valid beyond doubt? Its tables are read side by side, a few lines at a time.

What is not valid, not sorted or has segments is left to `utils.data_dir.validate`, which has the tables in memory and
says what is wrong.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from utils.errors import InputError
from utils.sorted_tables import NotSorted, SortedTable

WITH_RULES = ("text", "wav.scp", "utt2dur", "reco2dur", "utt2num_frames")  # for their values
Fault = Callable[[str, str], str | None]


def is_plainly_valid(path: Path, names: Collection[str], complete: Collection[str], fault: Fault) -> bool:
    """Are these tables of a data directory valid, sorted by utterance and by speaker?

    Args:
        names: of its tables, utt2spk and spk2utt among them. complete: those that must have all utterances.
        fault: what is wrong with a value of a table.
    """
    if "segments" in names or not all(_ends_plainly(path / name) for name in names):
        return False
    tables = {name: SortedTable(path / name) for name in names}
    try:
        utt2spk, spk2utt, spk2gender = tables.pop("utt2spk"), tables.pop("spk2utt"), tables.pop("spk2gender", None)
        speakers = []
        for speaker, utterances in _by_speaker(_checked(utt2spk, tables, complete, fault)):
            if (speakers and speaker <= speakers[-1]) or spk2utt.until(speaker) != ([speaker], [" ".join(utterances)]):
                return False
            speakers.append(speaker)
        rest = [lines for name, table in tables.items() for lines in table.until(None) if name != "cmvn.scp"]
        genders = spk2gender.until(None) if spk2gender else (speakers, [])
        return (
            not any((*rest, *spk2utt.until(None)))
            and genders[0] == speakers
            and not any(fault("spk2gender", gender) for gender in genders[1])
        )
    except (NotSorted, InputError, _Invalid):
        return False


class _Invalid(Exception):
    """A table is not valid, or not sure to be."""


def _checked(
    utt2spk: SortedTable, tables: dict[str, SortedTable], complete: Collection[str], fault: Fault
) -> Iterator[tuple[str, str]]:
    """The utterances and their speakers. Raises _Invalid where the lines of a table do not belong to them."""
    while block := utt2spk.block():
        utterances, speakers = block
        known, beginnings = set(utterances), [f"{utterance} " for utterance in utterances]
        for name, table in tables.items():
            if name not in WITH_RULES and table.lines_of(beginnings):
                continue
            keys, values = table.until(utterances[-1])
            is_known = keys == utterances if name in complete else known.issuperset(keys) or name == "cmvn.scp"
            if not is_known or (name in WITH_RULES and any(fault(name, value) for value in values)):
                raise _Invalid
        if any(fault("utt2spk", speaker) for speaker in set(speakers)):
            raise _Invalid
        yield from zip(utterances, speakers, strict=True)


def _by_speaker(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    for speaker, found in groupby(pairs, lambda pair: pair[1]):
        yield speaker, [utterance for utterance, _ in found]


def _ends_plainly(file: Path) -> bool:
    """Does a file begin without a byte order mark, and end with a line?"""
    with file.open("rb") as content:
        if content.read(len(BOM_UTF8)) in (b"", BOM_UTF8):
            return False
        content.seek(-1, 2)
        return content.read(1) == b"\n"
