"""Are tables that are in memory, once they are written, a data directory that is valid beyond doubt?

So that a command which has just written a million lines need not read them all again. What is not sure to be valid is
left to `utils.data_dir.validate`, which reads the files and says what is wrong.
"""

from collections.abc import Collection, Mapping
from itertools import pairwise

from utils.plain_validity import WITH_RULES, AreGood
from utils.tables import LONGEST_LINE, MARK, sorted_lines

LONGEST = LONGEST_LINE // 4  # characters: no line of as many is too long to be read


def will_be_valid(
    tables: Mapping[str, Mapping[str, str]], whole: Mapping[str, Collection[str]], are_good: AreGood
) -> bool:
    """Are these tables (file name -> key -> value) valid beyond doubt, when `write_table` has not refused them?

    Args:
        whole: the keys that a table must have, by its name; of other tables each key must be an utterance.
        are_good: is nothing wrong with values of a table of this name?
    """
    utt2spk = tables["utt2spk"]
    for name, table in tables.items():
        is_known = _has_all(table, whole.get(name, utt2spk.keys()))
        is_known = is_known or (name not in whole and table.keys() <= utt2spk.keys())
        if not (table and is_known and _comes_back(table)):
            return False
        if name in WITH_RULES and not are_good(name, map(str.strip, table.values())):
            return False
    speakers = [speaker for _, speaker in sorted_lines(utt2spk)]
    return all(a <= b for a, b in pairwise(speakers)) and are_good("utt2spk", set(speakers))


def _has_all(table: Mapping[str, str], keys: Collection[str]) -> bool:
    """Has the table these keys and no other? Most tables have them in the same order, where none is looked up."""
    return list(table) == list(keys) or table.keys() == keys


def _comes_back(table: Mapping[str, str]) -> bool:
    """Is what is read from the lines of a table what was written, but for white space around values?"""
    keys, values = "".join(table), "".join(table.values())
    are_short = len(keys) + len(values) < LONGEST or max(map(len, table)) + max(map(len, table.values())) < LONGEST
    return MARK not in keys and "\0" not in values and are_short
