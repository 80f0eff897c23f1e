"""Utterances with frames and words, and why some cannot be used.

    no_transcript   `text` has no line of it, or no words
    unknown_word    the lexicon lacks one of its words
    too_short       it has fewer frames than the shortest way through its words has states
and what `steps/features/speech_frames.py` says: no_speech, not_finite, missing.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from steps.features.speech_frames import FramesProblem, SpeechFrames
from steps.hmm.expectation import Spoken
from steps.hmm.frame_choice import ALL, SPEECH
from steps.hmm.lang import Lang
from steps.hmm.lexicon import words_of
from steps.hmm.word_loop import ANY_WORDS, fewest_frames
from utils.data_dir import DataDir
from utils.errors import InputError, brief

NO_TRANSCRIPT, UNKNOWN_WORD, TOO_SHORT = "no_transcript", "unknown_word", "too_short"


class TranscribedFrames:
    """The utterances of a data directory.

    Args:
        which: one of FRAMES. any_words: `text` is not read: each utterance may be any row of the lexicon's words.

    Attributes:
        skipped: (utterance, reason, detail) that `usable` has left out.
    """

    def __init__(self, feats: Path, data: Path, lang: Lang, which: str = ALL, any_words: bool = False):
        self.frames, self.lang, self.which, self.any_words = SpeechFrames(feats, data), lang, which, any_words
        directory = DataDir(data)
        if not any_words and not directory.has("text"):
            raise InputError(f"{data}: no text here; expected lines `utterance word word ...`")
        self.text, self.path = {} if any_words else directory.table("text"), data / "text"
        self.skipped: list[tuple[str, str, str]] = []

    @property
    def utterances(self) -> list[str]:
        """All ids, in the order of the data directory."""
        return self.frames.utterances

    def words(self, utterance: str) -> tuple[str, ...]:
        """The words of an utterance. Raises FramesProblem where there are none, or one is not in the lexicon."""
        if self.any_words:
            return ANY_WORDS
        words = words_of(self.text.get(utterance, ""))
        if not words:
            raise FramesProblem(utterance, NO_TRANSCRIPT, f"{self.path}: {utterance}: no words")
        unknown = self.lang.unknown(words)
        if unknown:
            detail = f"{self.path}: {utterance}: no word {brief(unknown[0])} in the lexicon"
            raise FramesProblem(utterance, UNKNOWN_WORD, detail)
        return tuple(words)

    def read(self, utterance: str) -> Spoken:
        """Words and frames of an utterance. Raises FramesProblem."""
        words = self.words(utterance)
        frames = self.frames.read(utterance) if self.which == SPEECH else self.frames.all_frames(utterance)
        least = fewest_frames(self.lang) if self.any_words else self.lang.fewest_frames(words)
        if len(frames) < least:
            detail = f"{self.path}: {utterance}: {len(frames)} frames, but its words take {least} at least"
            raise FramesProblem(utterance, TOO_SHORT, detail)
        return Spoken(words, frames)

    def mask(self, utterance: str) -> np.ndarray:
        """Which of the frames that `read` gives are speech, (T,) bool."""
        mask = self.frames.mask(utterance)
        return mask[mask] if self.which == SPEECH else mask

    def usable(self, utterances: Iterable[str]) -> Iterator[tuple[str, Spoken]]:
        """Each of the utterances that can be used; the others are noted in `skipped`."""
        for utterance in utterances:
            try:
                spoken = self.read(utterance)
            except FramesProblem as problem:
                self.skipped.append((problem.utterance, problem.reason, problem.detail))
                continue
            yield utterance, spoken
