"""The values of a corpus that the lexicon does not have: found by their own words, and in its words for degrees."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from steps.text.items import LETTERS, Piece, read_items
from steps.text.lexicon_files import Book, Meaning, words_of
from steps.text.words import split

CARRIERS = {"pitch": "voice", "speaking_rate": "speech"}  # nouns that stand for an attribute


def with_own_values(book: Book, attributes: Mapping[str, Sequence[str]]) -> tuple[Book, dict[tuple[str, str], str]]:
    """A book that knows these attributes and values too.

    Returns the book, and attribute and value of the lexicon -> value of the corpus that means it: of a speaking rate,
    `measured` -> `normal`.
    """
    entries: list[tuple[str, Meaning]] = []
    means = {degree: dict(of_degree) for degree, of_degree in book.means.items()}
    own: dict[tuple[str, str], str] = {}
    for attribute, values in attributes.items():
        strange = [value for value in values if (attribute, value) not in book.said]
        for value in strange:
            items = [item for item in read_items(book, split(_words(value))) if not item.plays("{very}")]
            person = read_items(book, split(f"{_words(value)} person"))  # "old" is said of persons: "an old person"
            for said in _said(items, book, attribute) or _said(person, book, attribute):
                if said not in values:
                    own.setdefault((attribute, said), value)
            entries.append((_words(value), _meaning(attribute, value, items, means)))
            entries += _hints(book, attribute, value, values)
            own |= {(attribute, one): value for one in _narrower(book, attribute, value) if one not in values}
        if strange and not any(attribute in of_degree for of_degree in book.means.values()):
            entries.append((_words(attribute), Meaning("noun", detail=attribute)))
    if not entries:
        return book, {}
    return replace(book, patterns=book.patterns.with_more(entries), means=means), own


def _narrower(book: Book, attribute: str, value: str) -> Sequence[str]:
    """The values of the lexicon that a value of the corpus stands for: of an age `adult`, `elderly` too."""
    return book.wider.get(attribute, {}).get(value, {}).get("of", ())


def _hints(book: Book, attribute: str, value: str, values: Sequence[str]) -> list[tuple[str, Meaning]]:
    """The words that hint at a value, "woman" at an adult, unless the corpus tells apart what it stands for."""
    if not set(_narrower(book, attribute, value)).isdisjoint(values):
        return []
    hint = Meaning("says", ((attribute, (value,)),), weak=True)
    return [(word, hint) for word in words_of(book.wider.get(attribute, {}).get(value, {}).get("words", ""))]


def _meaning(attribute: str, value: str, items: Sequence[Piece], means: dict[str, dict[str, str]]) -> Meaning:
    """What the words of a value stand for: a degree of its attribute ("very low" of a pitch), or the value itself."""
    degrees = [item.degree for item in items if item.degree]
    if len(items) != 1 or not degrees:
        return Meaning("says", ((attribute, (value,)),))
    plain = _words(value) == items[0].text
    degree = degrees[0] if plain else _words(value)
    of_degree = means.setdefault(degree, dict(means[degrees[0]]))
    if plain and attribute in of_degree:
        return Meaning("degree", detail=degree)
    of_degree |= {attribute: value} | ({CARRIERS[attribute]: value} if attribute in CARRIERS else {})
    return Meaning("degree", detail=degree)


def _said(items: Sequence[Piece], book: Book, attribute: str) -> list[str]:
    """The values of the lexicon that the words of a value say of its attribute."""
    said = [LETTERS[attribute][item.text] for item in items if item.text in LETTERS.get(attribute, {})]
    said += [value for item in items for name, means in item.says if name == attribute for value in means]
    if len(items) == 1 and items[0].degree:
        said += [value for name, value in book.means[items[0].degree].items() if name == attribute]
    return said


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")
