"""Which noun a word of degree belongs to: a "high pitch", but a "high volume".

A noun comes behind its word of degree ("high speaking rate, pitch and volume", "high in pitch") or before it ("his
pitch and volume are low", "pitch: low, speed: high", "pitch low volume high"). Of several nouns in a row the last
counts ("voice pitch"), but "level" and "range" leave it to the one before. Without a noun, a list such as "female,
high, normal" names pitch and speaking rate in this order.
"""

from collections.abc import Mapping, Sequence

from steps.text.items import Piece

REACH = 9  # items between a noun and its word of degree
ORDER = ("pitch", "speaking_rate")  # of bare degrees in a list
ATTRIBUTE = {"voice": "pitch", "speech": "speaking_rate"}  # of nouns that are no attributes
JOINING = ("or", "nor", "to", "than", "and", "but", ",")
CHANGES = ("more", "less")  # verbs: "lowers the pitch"
HASTY = ("hi", "lo", "natural", "common")  # words that are no degrees without a noun
PLACES = ("in", "at", "on", "within", "around", "near", "to")  # "a pitch in the medium range"
CARRIERS = ("voice", "speech", "range", "person", "gender")  # nouns that do not join in lists
Found = tuple[int, str, str]  # item of a degree, attribute, words


def bind_degrees(items: Sequence[Piece], means: Mapping[str, Mapping[str, str]], is_list: bool) -> list[Found]:
    """The degrees that belong to an attribute: item, attribute, words; one degree may belong to several nouns."""
    heads = _heads(items)
    degrees = [position for position, item in enumerate(items) if item.degree]
    bound: dict[int, list[int]] = {}
    for find in (_within, _inverted, _named, _behind, _before):
        for position in degrees:
            if position not in bound and (nouns := find(items, heads, position)):
                bound[position] = nouns
                for noun in nouns:
                    items[noun].bound = True
    found = [
        (position, ATTRIBUTE.get(heads[noun], heads[noun]), f"{items[position].text} ... {items[noun].text}")
        for position, nouns in bound.items()
        for noun in nouns
        if heads[noun] in means[items[position].degree]
    ]
    bare = [position for position in degrees if position not in bound]
    return sorted(found + _bare(items, bare, found, is_list))


def _heads(items: Sequence[Piece]) -> dict[int, str]:
    """The nouns that count: item -> attribute, voice, speech or other. Of nouns in a row only one does."""
    heads: dict[int, str] = {}
    previous = -2
    for position, item in enumerate(items):
        if not item.noun:
            continue
        before = heads.get(previous) if previous == position - 1 and not item.plays("stop") else None
        noun = item.noun
        if before and before not in CARRIERS and noun in ("voice", "speech"):  # a "low-energy voice"
            previous = position
            heads[position] = heads.pop(position - 1)
            continue
        if before and noun == "person":  # a "low-pitched speaker"
            continue
        if noun == "range":
            noun = "other" if before in ("voice", "speech") else before or "range"
        if before:
            heads.pop(previous)
        heads[position] = noun
        previous = position
    return heads


def _within(items: Sequence[Piece], heads: Mapping[int, str], degree: int) -> list[int]:
    """The noun of "low in pitch"."""
    if not any(item.plays("in") for item in items[degree + 1 : degree + 2]):
        return []
    for position in range(degree + 2, min(degree + 5, len(items))):
        if position in heads and heads[position] not in CARRIERS:
            return [position, *_list_after(items, heads, position)]
        if not items[position].plays("{a}", "{their}", "{very}"):
            break
    return []


def _inverted(items: Sequence[Piece], heads: Mapping[int, str], degree: int) -> list[int]:
    """The noun of "low is how I would describe the pitch"."""
    begins = degree == 0 or items[degree - 1].plays("separator", "join")
    if not begins or not any(item.plays("{be}") for item in items[degree + 1 : degree + 2]):
        return []
    for position in range(degree + 2, min(degree + REACH, len(items))):
        if position in heads:
            return [position]
        if items[position].plays("separator", "stop", "unknown") or items[position].speaks:
            break
    return []


def _named(items: Sequence[Piece], heads: Mapping[int, str], degree: int) -> list[int]:
    """The nouns that a degree is predicated of: "pitch: low", "his pitch and volume are low"."""
    copula = False
    for position in range(degree - 1, max(degree - REACH, -1), -1):
        item = items[position]
        if position in heads:
            named = heads[position] != "person" and (copula or _is_run(items, heads, position, degree))
            return _subjects(items, heads, position) if named else []
        if (item.plays("{be}", ":") or _is_answered(items, position, degree)) and not item.says:
            if item.text == ":" and position - 1 in heads and _has_degree(items, position - 1):
                return []  # "slow pace > medium pitch"
            copula = True
        elif not _may_part(item, copula):
            return []
    return []


def _is_answered(items: Sequence[Piece], question: int, degree: int) -> bool:
    """Does a degree alone answer a question of one noun: "Her pitch? Low."?"""
    return (
        items[question].text == "?"
        and question > 0
        and bool(items[question - 1].noun)
        and all(item.plays("{very}", "not") for item in items[question + 1 : degree])
        and all(item.plays("separator") for item in items[degree + 1 : degree + 2])
    )


def _may_part(item: Piece, copula: bool) -> bool:
    """May this item stand between a noun and the degree that is predicated of it? `copula`: before "is" or a colon."""
    if item.plays("{speak}") and not copula:
        return False
    if item.plays("{very}", "not", "{who}", "degree") or item.text == "the" or item.text in PLACES:
        return True
    if item.plays("{a}", "{their}", "separator", "stop", "{speak}", "unknown"):
        return False
    return copula and not item.says or item.plays("grammar") and not item.plays("in")


def _is_run(items: Sequence[Piece], heads: Mapping[int, str], noun: int, degree: int) -> bool:
    """Is this a part of a run "pitch low volume high", which ends with a degree?"""
    if heads[noun] in CARRIERS or items[noun].bound:
        return False
    begin = noun
    while begin > 0 and (begin - 1 in heads or items[begin - 1].degree or items[begin - 1].plays("{very}")):
        begin -= 1
    end = degree
    while end + 1 < len(items) and (end + 1 in heads or items[end + 1].degree or items[end + 1].plays("{very}")):
        end += 1
    core = [position for position in range(begin, end + 1) if position in heads or items[position].degree]
    return core[0] in heads and bool(items[core[-1]].degree)


def _subjects(items: Sequence[Piece], heads: Mapping[int, str], noun: int) -> list[int]:
    """The subject that ends with this noun: "the pitch of her voice" is pitch; "pitch and volume" both."""
    nouns, position = [noun], noun - 1
    of = False
    while position >= 0 and noun - position <= REACH:
        item = items[position]
        if position in heads:
            if of:
                nouns[-1] = position
            elif items[position].bound or heads[position] in CARRIERS or _has_degree(items, position):
                break
            else:
                nouns.append(position)
            of = False
        elif item.plays("in"):
            of = True
        elif (
            (
                item.says
                and not item.plays("{their}")
                or not (item.plays("{their}", "{very}", "join", ",") or item.noun)
                or item.text in ("a", "an")
            )
            or item.plays(",")
            and not _joins(items, position)
        ):
            break
        position -= 1
    return nouns


def _has_degree(items: Sequence[Piece], noun: int) -> bool:
    """Does a degree or another adjective stand before a noun?"""
    for item in reversed(items[max(noun - 4, 0) : noun]):
        if item.degree or item.says and not item.plays("{their}") and not item.names_person:
            return True
        if not item.plays("{very}", "nothing", "unknown", "join", ","):
            return False
    return False


def _joins(items: Sequence[Piece], comma: int) -> bool:
    """Does a comma stand between nouns?"""
    return comma > 0 and bool(items[comma - 1].noun)


def _behind(items: Sequence[Piece], heads: Mapping[int, str], degree: int) -> list[int]:
    """The nouns behind a degree: "high and bright tone", "high in pitch", "normal pitch, speed and energy"."""
    position, through_in = degree + 1, items[degree].degree in CHANGES
    while position < len(items) and position - degree <= REACH:
        item = items[position]
        if heads.get(position) in ("person", "voice") and any(
            one.text == "'s" for one in items[position + 1 : position + 2]
        ):
            position += 2
            continue
        if position in heads and (heads[position] != "range" or not _of_follows(items, position)):
            return [position, *_list_after(items, heads, position)] if heads[position] != "range" else []
        if item.plays("in", "range") or position in heads:
            through_in = True
        elif through_in and item.plays("{a}", "{their}") or item.kinds == {"unknown"} and position + 1 in heads:
            pass
        elif item.plays("separator"):
            if item.text != "," or not _adjective_after(items, position):
                return []
        elif not _may_follow(item) or item.names_person and items[position - 1].plays("join", ","):
            return []
        position += 1
    return []


def _may_follow(item: Piece) -> bool:
    """May this item stand between a degree and its noun: adjectives, "and"?"""
    if item.plays("join", "{very}") or item.noun or item.text == "'s":
        return True
    if item.plays("{a}", "{their}", "{be}", "{who}", "{speak}", "unknown", "stop", "not"):
        return False
    return item.speaks or item.plays("nothing")


def _of_follows(items: Sequence[Piece], position: int) -> bool:
    return any(item.plays("in") for item in items[position + 1 : position + 2])


def _adjective_after(items: Sequence[Piece], comma: int) -> bool:
    """Is there an adjective and then a noun behind a comma: "a high, squeaky voice"?"""
    after = [item for item in items[comma + 1 : comma + 5] if not item.plays("{very}")]
    adjective = len(after) > 1 and not after[0].degree and (after[0].plays("nothing") or bool(after[0].says))
    return adjective and bool(after[1].noun)


def _list_after(items: Sequence[Piece], heads: Mapping[int, str], noun: int) -> list[int]:
    """The nouns that join one in a list, each without a degree of its own: "pitch, speed and energy"."""
    nouns: list[int] = []
    if heads[noun] in CARRIERS:
        return nouns
    position = noun + 1
    joined = False
    while position < len(items):
        item = items[position]
        if position in heads:
            own = items[position + 1 : position + 3]
            predicated = any(one.plays("{be}", ":", "{who}") for one in own[:1]) or any(one.speaks for one in own[:1])
            if not joined or heads[position] in CARRIERS or predicated:
                break
            nouns.append(position)
            joined = False
        elif item.text in (",", "and", "or", "as well as", "plus"):
            joined = True
        elif not item.plays("{very}", "{their}") and not item.noun or item.text in ("a", "an"):
            break
        position += 1
    return nouns


def _before(items: Sequence[Piece], heads: Mapping[int, str], degree: int) -> list[int]:
    """The noun before a degree without any noun behind it: "with the pitch low", "keep his voice at a normal"."""
    after = next((item for item in items[degree + 1 :] if not item.plays("{very}")), None)
    if after is not None and after.plays("unknown"):
        return []
    for position in range(degree - 1, max(degree - REACH, -1), -1):
        item = items[position]
        if position in heads and not item.bound:
            return _subjects(items, heads, position)
        if item.text == "," and position == degree - 1 and position - 1 in heads:
            return [position - 1]
        if position in heads or item.plays("separator", "stop", "{speak}"):
            return []
        if item.plays("{a}") and not item.plays("{who}") and not (position and items[position - 1].text in PLACES):
            return []
        if item.names_person:
            return []
    return []


def _bare(items: Sequence[Piece], bare: Sequence[int], found: Sequence[Found], is_list: bool) -> list[Found]:
    """What degrees without a noun mean: in a list by their order, else a pitch, if nothing else names it."""
    named = {attribute for _, attribute, _ in found}
    named |= {attribute for item in items for attribute, _ in item.says}
    meant = {position: attribute for position, attribute, _ in found}
    degrees = [position for position, item in enumerate(items) if item.degree]
    for last, position in zip([-1, *degrees], degrees, strict=False):
        item = items[position]
        after = next((one for one in items[position + 1 :] if not one.plays("{very}")), None)
        if position not in bare or item.degree in CHANGES or _is_other(after, is_list):
            continue
        if item.text in HASTY and not is_list:
            continue
        joined = meant.get(last) if _are_joined(items, last, position) else None
        left = [name for name in ORDER if name not in named] if is_list else ["pitch"]
        ranged = after is not None and after.noun == "range"
        if joined or left and (is_list or item.degree not in ("medium", "usual") or ranged):
            meant[position] = joined or left[0]
            named.add(meant[position])
    return [(position, attribute, items[position].text) for position, attribute in meant.items() if position in bare]


def _is_other(after: Piece | None, is_list: bool) -> bool:
    """Does a degree belong to a noun of other things: "low prices", in a list "low background noise"?"""
    if after is None or after.noun or after.plays("grammar") or is_list and " " not in after.text:
        return False
    return after.plays("unknown", "nothing")


def _are_joined(items: Sequence[Piece], first: int, second: int) -> bool:
    """Does a second degree go on with the first: "high or low", "not too high, not too low"?"""
    between = items[first + 1 : second]
    if not 0 < len(between) <= 4 or not all(item.text in JOINING or item.plays("{very}", "not") for item in between):
        return False
    denied = any(item.plays("not") for item in items[max(first - 1, 0) : first])  # "not low, high"
    return denied or any(item.text in ("or", "nor", "to", "than") or item.plays("not") for item in between)
