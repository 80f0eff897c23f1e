"""Cut a text into items: words and idioms of the lexicon, the longest first, each with the parts that it may play."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from steps.text.lexicon_files import Book, Meaning
from steps.text.words import Word, is_separator

REACH_OF_OPENER = 6  # words behind "like" in which a comparison may follow
RANKS = ("degree", "says", "simile", "number", "unless", "not")  # of entries of equal length, the first counts
PRONOUNS = ("he", "him", "his", "she", "her", "hers")
LETTERS = {  # short for values
    "gender": {"f": "female", "w": "female", "m": "male"},
    "pitch": {"h": "high", "l": "low", "m": "medium"},
    "speaking_rate": {"f": "fast", "h": "fast", "s": "slow", "l": "slow", "m": "measured", "n": "measured"},
}
UNWORDED = ("{their}", "{a}", "{be}", "{speak}", "{voice}", "{very}", "{vocal}", "{who}")


@dataclass
class Piece:
    """An item: words of a text that belong together.

    Attributes:
        text: the words, with a blank between them.
        kinds: the parts that the words may play, such as `noun`, `grammar`, `{be}`.
        says: attribute and values, for each attribute, that the words say.
        weak: attributes of which what they say yields to other words.
        noun: of a noun, the attribute that degrees before it speak of, or `voice`, `speech`, `range`, `other`.
        degree: low, medium or high.
        glued: a hyphen joins the words to those before.
        compared: the words stand in a comparison or name a listener.
        negators: how many negators reach the words.
        bound: of a noun, whether a degree belongs to it.
    """

    text: str
    kinds: set[str]
    says: tuple[tuple[str, tuple[str, ...]], ...] = ()
    weak: frozenset[str] = frozenset()
    noun: str = ""
    degree: str = ""
    glued: bool = False
    compared: str = ""
    negators: int = 0
    bound: bool = False
    entries: list[Meaning] = field(default_factory=list)

    @property
    def speaks(self) -> bool:
        """Do the words say a value, or a degree of something?"""
        return bool(self.says or self.degree)

    @property
    def names_person(self) -> bool:
        """Do the words say a gender, other than by "her" before a noun?"""
        return any(attribute == "gender" for attribute, _ in self.says) and not self.plays("{their}")

    def plays(self, *kinds: str) -> bool:
        """May the words play one of these parts?"""
        return not self.kinds.isdisjoint(kinds)


def read_items(book: Book, words: Sequence[Word]) -> list[Piece]:
    """The items of a text, in order; words that nothing stands for are items of the kind `unknown`."""
    keys = [[] if is_separator(word.text) else book.patterns.keys(word.text) for word in words]
    items: list[Piece] = []
    position = opened = 0  # until `opened`, words may be a comparison
    while position < len(words):
        word = words[position]
        if is_separator(word.text):
            items.append(Piece(word.text, {"separator", word.text}))
            opened = opened if word.text == "," else 0
            position += 1
            continue
        end, entries = _longest(book, words, keys, position, items if position >= opened else None)
        item = _item(words[position : max(end, position + 1)], entries)
        items.append(item)
        if item.says and "gender" not in dict(item.says):
            items.extend(_pronouns(book, words, keys, range(position, end)))
        position = max(end, position + 1)
        if _opens(items) or item.text == "of" or item.text.endswith(" of"):
            opened = position + REACH_OF_OPENER
        elif item.plays("stop", "{who}"):
            opened = 0
    _mark_compared(items)
    return items


def _pronouns(book: Book, words: Sequence[Word], keys: Sequence[list[str]], idiom: range) -> Iterator[Piece]:
    """The pronouns within an idiom, "a week between his words", which say the gender where no other word does."""
    for position in idiom if len(idiom) > 1 else ():
        if words[position].text in PRONOUNS:
            entries = [
                entry for end, found in book.patterns.matches(keys, position) for entry in found if end == position + 1
            ]
            slots = [Meaning(key) for key in keys[position] if key in UNWORDED]
            pronoun = _item(words[position : position + 1], entries + slots)
            pronoun.compared = "to"  # as in "she talks as if he had a train to catch", he is not the speaker
            yield pronoun


def _longest(
    book: Book, words: Sequence[Word], keys: Sequence[list[str]], start: int, before: Sequence[Piece] | None
) -> tuple[int, list[Meaning]]:
    """The longest match: its end and its entries. `before`: the items before, or None within a comparison."""
    best, found = start, []
    for end, entries in book.patterns.matches(keys, start):
        usable = [
            entry
            for entry in entries
            if entry.kind != "simile" or before is None or _is_likened(words, keys, end) or _is_metaphor(before)
        ]
        if usable and end >= best:
            best, found = end, (found if end == best else []) + usable
    if any(entry.kind == "simile" for entry in found):
        found = _with_person(book, keys, best, found)
    slots = [Meaning(key) for key in keys[start] if key in UNWORDED] if best <= start + 1 else []
    return best, found + slots


def _with_person(book: Book, keys: Sequence[list[str]], end: int, found: list[Meaning]) -> list[Meaning]:
    """A comparison with a person, "like a young girl": its last word says gender and age, the comparison yields."""
    last = next((entries for stop, entries in book.patterns.matches(keys, end - 1) if stop == end), [])
    said = {id(entry): entry for entry in (*found, *last) if entry.kind == "says"}
    persons = [entry for entry in said.values() if any(name in ("gender", "age") for name, _ in entry.says)]
    if not persons:
        return found
    return [
        replace(entry, weak=True) if entry.kind == "simile" else entry for entry in found if entry not in persons
    ] + persons


def _is_likened(words: Sequence[Word], keys: Sequence[list[str]], end: int) -> bool:
    """Do the words that follow make a comparison: thunder-like, a thunder voice, a bear's voice, a bear of a voice?"""
    after = [word.text for word in words[end : end + 4]]
    if after[:1] == ["like"] and words[end].glued or after[:3] in (["of", "a", "voice"], ["of", "a", "tone"]):
        return True
    skipped = end + (after[:1] == ["'s"])
    return skipped < len(words) and "{voice}" in keys[skipped]


def _is_metaphor(items: Sequence[Piece]) -> bool:
    """Do the words before make a comparison: "his voice is a"?"""
    last = [item for item in items[-4:] if not item.plays("{very}", "{a}")][-2:]
    return len(last) == 2 and last[0].noun in ("voice", "speech") and last[1].plays("{be}")


def _item(words: Sequence[Word], entries: list[Meaning]) -> Piece:
    text = " ".join(word.text for word in words)
    named = any(entry.kind == "noun" for entry in entries)  # the "speed" of a list is no comparison
    said = [entry for entry in entries if entry.kind == "says" or entry.kind == "simile" and not named]
    units = [entry for entry in entries if entry.kind == "number"]
    says: dict[str, tuple[str, ...]] = {}
    for entry in said:
        for attribute, means in entry.says:
            before = says.get(attribute, means)
            common = tuple(value for value in before if value in means)
            says[attribute] = common or tuple(dict.fromkeys((*before, *means)))
    kinds = {entry.kind for entry in entries} or {"number" if text[0].isdigit() else "unknown"}
    kinds |= {"{very}"} if "{vocal}" in kinds else set()
    first = next((entry for rank in RANKS for entry in entries if entry.kind == rank), None)
    item = Piece(text, kinds, glued=words[0].glued, entries=units)
    if said and first.kind in ("says", "simile"):
        item.says, item.weak = tuple(says.items()), frozenset(says) - _strong(said)
    elif first and first.kind == "degree":
        item.degree = first.detail
    item.noun = next((entry.detail for entry in entries if entry.kind == "noun"), "") if not item.speaks else ""
    if first and first.kind in ("says", "simile", "unless", "degree"):
        item.kinds -= {"not", "stop", "noun"}
    return item


def _opens(items: Sequence[Piece]) -> bool:
    """Does the last item begin a comparison? "As" alone does not, but in "as deep as a cello"."""
    last = items[-1]
    if not last.plays("opener") or last.says:
        return False
    return last.text != "as" or any(item.text in ("as", "same") for item in items[-5:-1])


def _strong(entries: Sequence[Meaning]) -> set[str]:
    """The attributes of which an entry that is not weak says something."""
    return {attribute for entry in entries if not entry.weak for attribute, _ in entry.says}


def _mark_compared(items: Sequence[Piece]) -> None:
    """Mark the items of comparisons, and those that name a listener ("to her son")."""
    for position, item in enumerate(items):
        if _opens(items[max(position - 4, 0) : position + 1]):
            for other in items[position + 1 : position + 1 + REACH_OF_OPENER]:
                if other.plays("separator", "stop", "{who}", "{speak}"):
                    break
                other.compared = other.compared or item.text
        elif item.plays("listener") and not item.says:
            for index, other in enumerate(items[position + 1 : position + 4], position + 1):
                if not other.plays("{a}", "{their}", "{very}") and not other.says:
                    break
                if other.names_person and any(one.noun for one in items[index + 1 : index + 2]):  # "for a male voice"
                    break
                other.compared = other.compared or "to"
                if other.names_person:
                    break
        elif item.text == "'s" and position and items[position - 1].names_person:
            before = [one.text for one in items[max(position - 3, 0) : position - 1] if not one.plays("{very}", "{a}")]
            if before[-1:] == ["with"]:  # a woman "with a man's voice"
                items[position - 1].compared = items[position - 1].compared or "with"
