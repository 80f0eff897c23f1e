"""The words for the gender of a speaker, and m or f for Kaldi's spk2gender."""

from utils.errors import InputError, brief

WORDS = {
    "f": ("f", "female", "woman", "girl", "feminine", "female_feminine"),
    "m": ("m", "male", "man", "boy", "masculine", "male_masculine"),
}
UNKNOWN = ("", "-", "unknown", "unk", "undefined", "null", "none", "nan", "na", "n/a", "<na>", "#n/a", "<unk>")
LETTERS = {word: letter for letter, words in WORDS.items() for word in words}


def parse_cell(cell: str, where: str) -> str | None:
    """m or f for a cell of a table of the user's; None where it says nothing. Raises InputError for any other word."""
    return None if cell.strip().casefold() in UNKNOWN else parse_gender(cell, where)


def parse_gender(word: str, where: str) -> str:
    """m or f for a word of the user's. Raises InputError for any other word."""
    letter = LETTERS.get(word.strip().casefold())
    if letter is None:
        raise InputError(f"{where}: expected m or f (or {', '.join(list(LETTERS)[1:])}), found {brief(word)}")
    return letter


def gender_of(group: str | None) -> str | None:
    """m or f where the gender is one of the values that make the group, else None."""
    words = (group or "").split("_")
    return next((LETTERS[word] for word in words if word in ("female", "male")), None)
