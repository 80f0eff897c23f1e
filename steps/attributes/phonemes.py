"""The number of phonemes of an utterance: from a transcript of phones, from words and a lexicon, or from spelling.

The count is that of the published edges of the rate (CapSpeech takes them from ParaSpeechCaps, which takes them from
DataSpeech, whose `speaking_rate` is the length of the words' IPA string over the duration): characters of IPA, two for
a diphthong, an affricate or a rhotic vowel and one for other phonemes, and one for each blank between words. A count of
phonemes proper would be a fifth lower, and the published edges would be wrong for it.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from utils.errors import InputError
from utils.tables import read_lines

TWO_CHARACTERS = {"AW", "AY", "CH", "ER", "EY", "JH", "OW", "OY"}  # of ARPAbet: aʊ aɪ tʃ ɜ˞ eɪ dʒ oʊ ɔɪ
SILENCES = {"<eps>", "<sil>", "<s>", "</s>", "sil", "SIL", "sp", "SP", "spn", "SPN", "nsn", "NSN", "pau"}
RHOTIC = "ɚɝ"
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d")
NO_WORDS = "no words"
CHARACTERS_OF_DIGIT = 4  # "seven" has five, "two" has two
# English spelling: the first pattern that matches, and its characters of IPA. Other letters count as one.
SPELLINGS: tuple[tuple[str, int], ...] = (
    (r"^(?:to|do|who|two)$", 2),
    (r"^(?:kn|wr|gn)", 1),
    (r"^wh", 1),
    (r"^y(?=[aeiou])", 1),
    (r"tch|ch", 2),
    (r"dge?(?=e)|dg", 2),
    (r"tion|sion|cian", 3),
    (r"ture$", 4),
    (r"[cst]i(?=ou|al)", 1),
    (r"igh", 2),
    (r"ough$", 2),
    (r"augh|ough", 1),
    (r"gh", 0),
    (r"mb$", 1),
    (r"ng$|ng(?=s$|ing|ed$)", 1),
    (r"ck|sh|th|ph|qu(?=e$)|(?<=[aeiouy])gu(?=e$)", 1),
    (r"(?P<double>[bcdfgklmnprstvz])(?P=double)", 1),
    (r"x", 2),
    (r"j", 2),
    (r"(?<=n)g(?=e$|ed$|es$|er)", 2),
    (r"g(?=e$|es$|ed$|ent|i[aou])", 2),
    (r"(?<=[td])ed$", 2),
    (r"(?<=[sxz])es$|(?<=[cs]h)es$|(?<=[cg])es$", 2),
    (r"(?<=[^aeiouy])le(?=$|s$|d$)", 2),
    (r"(?<=[^aeiouy])e(?=d$|s$)|(?<=[aeiouy].)e$|(?<=[aeiouy]..)e$", 0),
    (r"(?<=[^aeiouy])[aio](?=[bcdfgklmnpstvz](?:e$|es$|ed$|ing$))", 2),
    (r"a(?=tion|[bdfgklpt]le)", 2),
    (r"ay|ai|oa|oy|oi|ou|ow|ey$", 2),
    (r"ee|ea|oo|ie|ei|au|aw|ew|ue|ui|oe", 1),
    (r"[eiu]r(?![aeiouyr])", 2),
    (r"i(?=nd|ld)|o(?=ld|st$|ll$)", 2),
    (r"o$", 2),
    (r"^[^aeiou]{1,2}y$", 3),
    (r"^i$", 2),
    (r".", 1),
)
SPELLING = re.compile("|".join(f"(?P<s{number}>{pattern})" for number, (pattern, _) in enumerate(SPELLINGS)))
CHARACTERS = {f"s{number}": characters for number, (_, characters) in enumerate(SPELLINGS)}


def of_phones(phones: Sequence[str], n_words: int) -> int:
    """The count of a transcript of phones that has `n_words` words.

    Phones are ARPAbet or IPA; marks of stress and Kaldi's marks of word positions do not count.
    """
    return sum(map(of_phone, phones)) + max(n_words - 1, 0)


def n_words(phones: Sequence[str]) -> int:
    """Number of words by Kaldi's marks of word positions, as in `HH_B AH0_I L_I OW1_E`; 0 if there are no marks."""
    return sum(phone.endswith(("_B", "_S")) and phone[:-2] not in SILENCES for phone in phones)


def of_phone(phone: str) -> int:
    """Characters of one phone; silence, and marks of stress and length, count 0."""
    bare = re.sub(r"_[BIES]$", "", phone).rstrip("012")
    if bare in SILENCES:
        return 0
    if bare.isascii() and bare.isupper():
        return 2 if bare in TWO_CHARACTERS else 1
    return sum(1 + (letter in RHOTIC) for letter in bare if unicodedata.category(letter) in ("Ll", "Lo", "Lu"))


def of_words(words: str, lexicon: Mapping[str, int]) -> int:
    """The count of a transcript of words: each word's by the lexicon (word -> count), or else by its spelling."""
    found = split_words(words, lexicon)
    return sum(lexicon.get(word) or of_spelling(word) for word in found) + max(len(found) - 1, 0)


def split_words(words: str, lexicon: Mapping[str, int]) -> list[str]:
    """The words of a transcript in lower case; each digit is one, and what the lexicon has between blanks."""
    text = words.lower().replace("’", "'")
    if text.isascii():
        return WORD.findall(text)
    parts = ([part] if part in lexicon else WORD.findall(part) for part in text.split())
    return [word for part in parts for word in part]


def why_not_spelt(words: str, lexicon: Mapping[str, int]) -> str:
    """Why English spelling does not tell the count of a transcript, or ""."""
    found = split_words(words, lexicon)
    spelt = [word for word in found if word not in lexicon]
    letters = [letter for word in spelt for letter in word if letter.isalpha()]
    if not found:
        return NO_WORDS
    if not all(letter.isascii() or unicodedata.name(letter, "").startswith("LATIN") for letter in letters):
        return "not in Latin letters"
    digits = sum(word.isdecimal() for word in spelt)
    return "mostly digits" if digits > len(letters) + sum(len(word) for word in found if word in lexicon) else ""


def of_spelling(word: str) -> int:
    """Estimated count of an English word in lower case, or of a digit."""
    if word.isdigit():
        return CHARACTERS_OF_DIGIT
    letters = word.replace("'", "")
    return max(1, sum(CHARACTERS[part.lastgroup] for part in SPELLING.finditer(letters)))


def read_lexicon(path: Path) -> dict[str, int]:
    """Word -> count of the first of its pronunciations, of Kaldi's lines `WORD [probability] phone phone ...`."""
    counts: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), 1):
        word, *phones = line.split() or [""]
        if phones and re.fullmatch(r"[01]?\.\d+|1|0", phones[0]):
            del phones[0]
        if not phones:
            raise InputError(f"{path}:{number}: expected a word and its phones, found {line!r}")
        counts.setdefault(word.lower(), sum(map(of_phone, phones)))
    return counts
