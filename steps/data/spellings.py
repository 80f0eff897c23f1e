"""Speakers who may be one person under two spellings, such as 103 and 103.0, 103 and 00103, Ann and ann.

What nobody sees is normalised by `normal_names`. What can be seen, and may be meant, is an error of
`require_distinct`, unless the user has decided. Data directories keep the decision in the table `distinct_speakers`:
a speaker, and the others of nearly the same id who are somebody else.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from utils.data_dir import DataDir
from utils.errors import InputError, brief
from utils.tables import iterate_table

DISTINCT = "distinct_speakers"
DISTINCT_HELP = "speakers whose ids differ in case, leading zeros or the like are different people; default: an error"
NUMBER = re.compile(r"(\d+)\.0+")  # as software writes whole numbers in a column that has an empty cell
POWER = re.compile(r"(\d)(?:\.(\d+))?e\+0*(\d{1,2})")
IGNORED = {*map(chr, range(0xFE00, 0xFE10)), "\u034f", "\u115f", "\u1160", "\u3164", "\uffa0"}  # not Cf, but invisible


class Mention(NamedTuple):
    """A speaker as an input names it.

    Attributes:
        id: our id of the speaker.
        name: as the input spells it.
        where: file and line.
        decided: the user has named the speaker for us.
    """

    id: str
    name: str
    where: str
    decided: bool = False


def normal_names(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Normalise the speakers of one source: written -> (name, what was changed; empty if nothing).

    Letters are composed (NFC), characters without width go, white space is one blank and none at the ends; `.0` goes
    where all speakers are whole numbers.
    """
    tidy = {written: _tidy(written) for written in names}
    whole = all(name.isdigit() or NUMBER.fullmatch(name) for name, _ in tidy.values())
    if whole:
        for written, (name, changes) in tidy.items():
            if not name.isdigit():
                tidy[written] = name.partition(".")[0], [*changes, "without .0"]
    return {written: (name, ", ".join(changes)) for written, (name, changes) in tidy.items()}


def _tidy(written: str) -> tuple[str, list[str]]:
    if written.isascii() and written.isalnum():
        return written, []
    changes = []
    visible = "".join(c for c in written if c.isspace() or not _is_invisible(c))
    if visible != written:
        changes.append("without invisible characters")
    composed = unicodedata.normalize("NFC", visible)
    if composed != visible:
        changes.append("in NFC")
    name = " ".join(composed.split())
    if name != composed:
        changes.append("with plain blanks")
    return name, changes


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Cc") or character in IGNORED


def look(name: str) -> str:
    """What a name is compared by: without case, leading zeros, width, invisible characters, and `.0`."""
    plain = name.isascii() and name.isprintable()
    name = name.lower() if plain else _folded(name)
    power = POWER.fullmatch(name)
    if power and int(power[3]) >= len(power[2] or ""):
        name = power[1] + (power[2] or "").ljust(int(power[3]), "0")
    name = re.sub(r"(?<![\d.])(\d+)\.0+$", r"\1", name.strip())
    name = re.sub(r"(?<!\d)0+(?=\d)", "", name)
    words = re.sub(r"[^0-9a-z.]", " ", name) if plain else "".join(c if _is_of_a_word(c) else " " for c in name)
    return "_".join(words.split())


def _folded(name: str) -> str:
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _tidy(name)[0]).casefold())
    return "".join(str(unicodedata.decimal(c, c)) for c in name)


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or character == "." or unicodedata.category(character)[0] == "M"


def require_distinct(mentions: Iterable[Mention], distinct: bool, remedy: str) -> dict[str, str]:
    """Find the speakers whose ids look alike. Returns them, each with the others: the table `distinct_speakers`.

    Args:
        distinct: all are different people.
        remedy: what to do, besides `--distinct_ids true`.
    Raises:
        InputError: two speakers look alike, and the user has neither said `distinct` nor named both.
    """
    first: dict[str, Mention] = {}
    for mention in mentions:
        other = first.setdefault(mention.id, mention)
        if other.decided and not mention.decided:
            first[mention.id] = mention
    groups = [group for group in _alike(first.values()) if len(group) > 1]
    open_ones = [] if distinct else [group for group in groups if not all(mention.decided for mention in group)]
    if open_ones:
        one, other = open_ones[0][:2]
        more = f" ({len(open_ones)} such cases)" if len(open_ones) > 1 else ""
        raise InputError(
            f"{other.where}: speaker {brief(other.name)} may be {brief(one.name)} of {one.where}: they differ in "
            f"{_difference(one.name, other.name)} only{more}; {remedy}, or give --distinct_ids true if they are two "
            "people"
        )
    return {
        mention.id: " ".join(other.id for other in group if other is not mention)
        for group in groups
        for mention in group
    }


def _alike(mentions: Iterable[Mention]) -> Iterable[list[Mention]]:
    groups: dict[str, list[Mention]] = defaultdict(list)
    for mention in mentions:
        groups[look(mention.name)].append(mention)
    return groups.values()


def _difference(one: str, other: str) -> str:
    if _tidy(one)[0] == _tidy(other)[0]:
        return f"invisible characters or the composition of letters ({brief(ascii(one))}, {brief(ascii(other))})"
    if one.casefold() == other.casefold():
        return "case"
    return (
        "leading zeros" if re.sub(r"(?<!\d)0+(?=\d)", "", one) == re.sub(r"(?<!\d)0+(?=\d)", "", other) else "writing"
    )


def read_distinct(data: DataDir) -> dict[str, str]:
    """The table of a data directory; empty where there is none."""
    return data.table(DISTINCT) if data.has(DISTINCT) else {}


def mentions_in(data: DataDir) -> Iterable[Mention]:
    """The speakers of a data directory; those of its `distinct_speakers` count as decided.

    Raises InputError where utt2spk names several for one utterance.
    """
    decided, seen = read_distinct(data), set()
    for line, (_, speaker) in enumerate(iterate_table(data.path / "utt2spk"), 1):
        if speaker not in seen:
            seen.add(speaker)
            where = f"{data.path / 'utt2spk'}:{line}"
            if speaker.split() != [speaker]:
                raise InputError(f"{where}: expected 'utterance speaker', found the speaker {brief(speaker)}")
            yield Mention(speaker, speaker, where, speaker in decided)


def refuse_shared(sets: Mapping[str, Collection[str]]) -> None:
    """Raise InputError if two sets share a speaker.

    Args:
        sets: name of a set -> its speakers.
    """
    owner: dict[str, str] = {}
    for name, speakers in sets.items():
        shared = sorted(speaker for speaker in set(speakers) if owner.setdefault(speaker, name) != name)
        if shared:
            raise InputError(
                f"{len(shared)} speakers are in {owner[shared[0]]} and in {name}: {', '.join(shared[:3])}"
                f"{' ...' if len(shared) > 3 else ''}; split by speaker (steps.data.split_speakers), so that nobody is "
                "in two sets"
            )
