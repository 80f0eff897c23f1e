"""The alignment from which training starts: the states of an utterance's words share its speech in equal parts.

What the voice activity detection has not found to be speech is silence.
"""

from collections.abc import Sequence

import numpy as np

from steps.hmm.lang import Lang
from steps.hmm.lexicon import fold


def uniform_alignment(lang: Lang, words: Sequence[str], speech: np.ndarray) -> np.ndarray:
    """The density (T,) of each frame, by which of them are speech (T,).

    Words have their first pronunciation. Where there is less speech than states, all frames count as speech.
    """
    rows = [lang.lexicon[fold(word)][0] for word in words]
    row = np.concatenate([states_of_unit(lang, unit) for units in rows for unit in units])
    if speech.sum() < len(row):
        speech = np.ones_like(speech)
    pdfs = np.empty(len(speech), np.int64)
    pdfs[speech] = spread(row, int(speech.sum()))
    borders = np.flatnonzero(np.diff(speech.astype(int))) + 1
    for run in np.split(np.arange(len(speech)), borders):
        if not speech[run[0]]:
            pdfs[run] = spread(states_of_unit(lang, lang.silence), len(run))
    return pdfs


def states_of_unit(lang: Lang, unit: str) -> np.ndarray:
    """The densities of a unit."""
    first = lang.first_pdfs[unit]
    return np.arange(first, first + lang.units[unit])


def spread(row: np.ndarray, n_frames: int) -> np.ndarray:
    """A row of densities (S,) over frames (T,), in equal parts; where there are more of them, some are left out."""
    return row[np.arange(n_frames) * len(row) // max(1, n_frames)]
