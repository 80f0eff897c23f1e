"""Which statements a negation turns round.

A negator reaches the first statement after it, the rest of the same words ("not a deep, booming voice" denies both,
"not a deep-voiced man" does not deny the man), and those joined to it by "or" and "nor". Its scope ends at "but",
"and", the end of a clause. "Deep it is not" and "Deep? No." reach back. Two negators of one statement ("not unlike
thunder") affirm it.
"""

from collections.abc import Sequence

from steps.text.items import Piece

REACH = 12  # items between a negator and its statement
SUBJECTS = ("he", "him", "she")  # "her" is one of {their}
ANSWERS = ("no", "nope", "nah", "never", "false", "wrong", "not", "absent", "none")


def negate(items: Sequence[Piece]) -> None:
    """Count in `negators` how many negations reach each item that says something."""
    used: set[int] = set()
    for position, item in enumerate(items):
        is_negator = item.plays("not") or item.text == "than" and _prefers(items, position)
        if is_negator and position not in used and not item.says:
            reached = _after(items, position, used)
            for index in reached or _before(items, position):
                items[index].negators += 1


def _prefers(items: Sequence[Piece], than: int) -> bool:
    """Does "than" deny what follows: "rather fast than slow", "more high than low"?"""
    return any(item.text in ("rather", "more") for item in items[max(than - 4, 0) : than])


def _after(items: Sequence[Piece], negator: int, used: set[int]) -> list[int]:
    """The statements that a negator reaches to the right; negators that only continue it are added to `used`."""
    reached: list[int] = []
    joined, position = True, negator + 1
    while position < len(items) and position - negator <= REACH:
        item = items[position]
        if item.plays("separator") or item.text in ("but",):
            if not (item.text == "," and _continues(items, negator, position, reached)):
                break
            joined = True
        elif item.speaks and not _goes_on(items, position):
            if not _is_reached(item, reached, joined):
                break
            if not _affirms(items[negator], item):
                reached.append(position)
            joined = False
        elif item.text in ("nor", "or", "either"):
            used.add(position)
            joined = True
        elif item.text == "with" and not reached and _only_speaks(items[negator + 1 : position]):
            joined = True
        elif (
            item.plays("not")
            and reached
            or item.plays("stop")
            and not (item.text == "and" and reached and _same_attribute(items, position, reached))
        ):
            break
        elif item.plays("stop"):
            joined = True
        elif reached and item.plays("{who}", "in"):
            break
        position += 1
    return reached


def _goes_on(items: Sequence[Piece], position: int) -> bool:
    """Does a verb or noun follow a pronoun? "I don't think she's slow" denies the rate, "not a he" the gender."""
    if items[position].text not in SUBJECTS and not items[position].plays("{their}"):
        return False
    after = items[position + 1 : position + 2]
    return bool(after) and not after[0].plays("separator", "stop") and after[0].text not in ("nor", "or")


def _only_speaks(items: Sequence[Piece]) -> bool:
    """Is there nothing, or a verb of speaking alone: "not with a deep voice", "never speaks with a deep voice"?"""
    return all(item.plays("{speak}", "{very}") or item.text in ("ever", "again") for item in items)


def _is_reached(item: Piece, reached: list[int], joined: bool) -> bool:
    """Does the scope go on to a statement? The noun behind what is denied is not: "not a deep-voiced man"."""
    return not reached or joined or all(attribute != "gender" for attribute, _ in item.says)


def _continues(items: Sequence[Piece], negator: int, comma: int, reached: list[int]) -> bool:
    """Does a list of adjectives go on behind a comma: "not a deep, booming voice", "neither fast, nor high"?"""
    after = next((item for item in items[comma + 1 :] if not item.plays("{very}")), None)
    if after is None or not reached:
        return False
    if after.text in ("nor", "or"):
        return True
    if comma - 1 != reached[-1]:
        return False
    listed = any(item.plays("{a}") for item in items[negator : reached[0]]) or _same_attribute(items, comma, reached)
    return after.speaks and not after.names_person and listed and _noun_follows(items, comma + 2)


def _noun_follows(items: Sequence[Piece], position: int) -> bool:
    return any(item.noun or item.names_person for item in items[position : position + 2])


def _same_attribute(items: Sequence[Piece], position: int, reached: list[int]) -> bool:
    """Does the next statement speak of an attribute that was just denied, with a common value?"""
    after = next((item for item in items[position + 1 : position + 4] if item.speaks), None)
    last = items[reached[-1]]
    if after is None:
        return False
    if after.degree or last.degree:
        return after.degree == last.degree
    said = dict(last.says)
    return any(set(means) & set(said.get(attribute, ())) for attribute, means in after.says)


def _affirms(negator: Piece, item: Piece) -> bool:
    """Does a negator of a comparative affirm: "couldn't be deeper"?"""
    return negator.plays("limit") and item.text.split()[0].endswith("er")


def _before(items: Sequence[Piece], negator: int) -> list[int]:
    """The statements that a negator at the end of its clause reaches to the left."""
    after = items[negator + 1 : negator + 2]
    if after and not after[0].plays("separator") or items[negator].text.split()[0].split("n't")[0] == "":
        return []
    answer = items[negator].text in ANSWERS
    reached = []
    for position in range(negator - 1, max(negator - 7, -1), -1):
        item = items[position]
        if item.plays("separator") and not (answer and position == negator - 1) or item.plays("stop"):
            break
        if item.speaks and not item.negators and not any(name == "gender" for name, _ in item.says):
            reached.append(position)
    return reached
