"""The states of a free loop of all words of a lexicon, and silence: what may be said where nobody has said what is.

Silence has the probability that it has between the words of a transcript; words share the rest evenly, and a word's
pronunciations its own. A word that training has not heard has the density of all frames and would stand for anything:
it is not in the loop. The words are numbered as `sorted(lang.heard)`.
"""

import numpy as np

from steps.hmm.lang import Lang
from steps.hmm.transcript_states import SILENCE_WORD, TranscriptStates
from steps.hmm.trellis import NEVER

ANY_WORDS = ("*",)  # in the place of the words of a transcript, none of which is this


def loop_states(lang: Lang) -> TranscriptStates:
    """The states, row behind row; each row is entered from the end of every one."""
    units = {unit: number for number, unit in enumerate(lang.units)}
    choices = [(SILENCE_WORD, (lang.silence,), lang.silence_share)]
    for word, rows in enumerate(lang.heard[word] for word in sorted(lang.heard)):
        share = (1 - lang.silence_share) / len(lang.heard) / len(rows)
        choices += [(word, row, share) for row in rows]
    rows = [
        [
            (lang.first_pdfs[unit] + position, word, units[unit], position)
            for unit in row
            for position in range(lang.units[unit])
        ]
        for word, row, _ in choices
    ]
    last = np.cumsum([len(row) for row in rows]) - 1
    first = last - [len(row) - 1 for row in rows]
    size = int(last[-1]) + 1
    sources, log_choices = np.full((size, 1 + len(rows)), -1), np.full((size, 1 + len(rows)), NEVER)
    sources[:, 0] = np.arange(size)
    sources[1:, 1], log_choices[1:, 1] = np.arange(size - 1), 0.0
    entry = np.log([share for _, _, share in choices])
    sources[first, 1:], log_choices[first, 1:] = last, entry[:, None]
    start, end = np.full((2, size), NEVER)
    start[first], end[last] = entry, 0.0
    return TranscriptStates(*np.array([state for row in rows for state in row]).T, sources, log_choices, start, end)


def fewest_frames(lang: Lang) -> int:
    """How many frames the shortest way through the loop takes: silence, or the shortest word."""
    rows = [(lang.silence,), *(row for rows in lang.heard.values() for row in rows)]
    return min(sum(lang.units[unit] for unit in row) for row in rows)
