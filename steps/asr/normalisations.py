"""Ways to write a transcript, so that what is no error of recognition counts as none: each has a name.

    none            as it stands, words between blanks
    plain           small letters; what is no letter, digit or apostrophe within a word is a blank
    whisper_english what the authors of Whisper compare, but for their list of British spellings: numbers in digits, no
                    contractions, no fillers such as hmm, nothing in brackets

A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, appendix C.
"""

import re
import unicodedata
from collections.abc import Callable

NONE, PLAIN, WHISPER_ENGLISH = "none", "plain", "whisper_english"
NORMALISATIONS = (PLAIN, NONE, WHISPER_ENGLISH)
APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\uff07`\u00b4", "'"))
BESIDE_WORDS = re.compile(r"(?<!\w)'+|'+(?!\w)")


def normaliser(name: str) -> Callable[[str], str]:
    """The function of a name: a text becomes words with one blank between them."""
    if name == WHISPER_ENGLISH:
        from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

        whisper = EnglishTextNormalizer({})
        return lambda text: " ".join(whisper(text).split())
    return {NONE: lambda text: " ".join(text.split()), PLAIN: _plain}[name]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).casefold()
    kept = "".join(sign if _is_of_word(sign) else " " for sign in folded)
    return " ".join(BESIDE_WORDS.sub(" ", kept).split())


def _is_of_word(sign: str) -> bool:
    return sign == "'" or unicodedata.category(sign)[0] in "LNM"
