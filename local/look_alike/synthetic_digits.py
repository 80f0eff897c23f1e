"""Digits of voices that are made of formant filters: no data, no package, a few seconds for ten speakers.

A phone is one vowel, nasal, friction or silence of `local.formant_voice`, or two of them; a take differs from another
one in its lengths, formants and pitch. A speaker has one channel. The figures of this corpus show that a recipe works,
no more.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from local.formant_voice import (
    FRICATIVES,
    HOP,
    NASALS,
    SAMPLE_RATE,
    UPPER,
    VOWELS,
    FormantVoice,
    PhoneSegment,
    SessionChannel,
    draw_channel,
    draw_voice,
    speak_segments,
)
from local.look_alike.sources import CMUDICT, ENGLISH, EVERYBODY, SourceSpeaker, Takes
from local.reddots.experiments import deal_folds

OF_VOICE, OF_TAKE = range(2)  # streams of random numbers
HISS, RUSTLE, BREATH = FRICATIVES[2], FRICATIVES[1], FRICATIVES[0]  # Hz
# Stretches of a phone: a row of formants, strength of voice and of friction, place of friction in Hz, share of a length
Stretch = tuple[np.ndarray, float, float, float, float]
STRETCHES: dict[str, tuple[Stretch, ...]] = {
    **{
        phone: ((VOWELS[row], 0.8, 0.0, HISS, 1.0),)
        for phone, row in (("IY", 0), ("IH", 1), ("EH", 2), ("UW", 7), ("AH", 8))
    },
    **{phone: ((VOWELS[row], 0.8, 0.0, HISS, 1.0),) for phone, row in (("AO", 5), ("R", 9))},
    "OW": ((VOWELS[5], 0.8, 0.0, HISS, 0.7), (VOWELS[7], 0.7, 0.0, HISS, 0.6)),
    "EY": ((VOWELS[2], 0.8, 0.0, HISS, 0.7), (VOWELS[0], 0.7, 0.0, HISS, 0.6)),
    "AY": ((VOWELS[4], 0.8, 0.0, HISS, 0.7), (VOWELS[0], 0.7, 0.0, HISS, 0.6)),
    "W": ((VOWELS[7], 0.6, 0.0, HISS, 0.5),),
    "N": ((NASALS[1], 0.35, 0.0, HISS, 0.8),),
    "S": ((VOWELS[1], 0.05, 0.9, HISS, 1.0),),
    "Z": ((VOWELS[1], 0.3, 0.6, HISS, 0.8),),
    "F": ((VOWELS[6], 0.05, 0.4, RUSTLE, 0.9),),
    "V": ((VOWELS[6], 0.35, 0.3, RUSTLE, 0.6),),
    "TH": ((VOWELS[6], 0.05, 0.35, BREATH, 0.9),),
    "T": ((VOWELS[1], 0.0, 0.0, RUSTLE, 0.5), (VOWELS[1], 0.0, 0.8, RUSTLE, 0.3)),
    "K": ((VOWELS[1], 0.0, 0.0, BREATH, 0.5), (VOWELS[1], 0.0, 0.8, BREATH, 0.3)),
}
SHORTEST = 4  # frames
AROUND = 6  # frames of silence before and after a digit


class SyntheticDigits:
    """Speakers, every second one a woman: takes 0 to 2 enrol, 3 to 6 test."""

    words, impostors, estimated, inputs = ENGLISH, EVERYBODY, False, ()
    takes = Takes(range(3), range(3, 7), stride=1, n_enrol=3, n_test=4)

    def __init__(self, n_speakers: int, n_folds: int, seed: int):
        self.seed = seed
        ids = {f"{'fm'[number % 2]}{number + 1:04d}": number for number in range(n_speakers)}
        folds = deal_folds(ids, {name: name[0] for name in ids}, n_folds)
        self.speakers = tuple(SourceSpeaker(name, str(ids[name]), name[0], folds[name]) for name in sorted(ids))
        self._voice = cache(self._draw)

    def _draw(self, speaker: SourceSpeaker) -> tuple[FormantVoice, SessionChannel]:
        rng = np.random.default_rng([self.seed, int(speaker.name), OF_VOICE])
        return draw_voice(rng, speaker.sex), draw_channel(rng)

    def name(self, speaker: SourceSpeaker, digit: int, take: int) -> str:
        return f"synthetic/{digit}_{speaker.name}_{take}"

    def read(self, speaker: SourceSpeaker, digit: int, take: int) -> np.ndarray:
        voice, channel = self._voice(speaker)
        rng = np.random.default_rng([self.seed, int(speaker.name), OF_TAKE, digit, take])
        segments = list(say_digit(rng, voice, digit))
        samples = (sum(segment.frames for segment in segments) - 2) * HOP
        return speak_segments(rng, voice, channel, segments, samples) / np.float32(32768)

    def join(self, takes: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(takes)


def say_digit(rng: np.random.Generator, voice: FormantVoice, digit: int) -> list[PhoneSegment]:
    """The segments of a digit, as a voice says them this time."""
    phones = [phone.rstrip("012") for phone in CMUDICT[ENGLISH[digit]].split()]
    stretches = [stretch for phone in phones for stretch in STRETCHES[phone]]
    silence = (stretches[0][0], 0.0, 0.0, HISS)
    segments = [PhoneSegment(AROUND, *_heard(rng, voice, *silence))]
    for *sound, share in stretches:
        length = share * rng.gamma(30, 1 / 30) / voice.pace * SAMPLE_RATE / HOP
        segments.append(PhoneSegment(max(SHORTEST, round(length)), *_heard(rng, voice, *sound)))
    return [*segments, PhoneSegment(AROUND, *_heard(rng, voice, *silence))]


def _heard(
    rng: np.random.Generator, voice: FormantVoice, formants: np.ndarray, voiced: float, friction: float, place: float
) -> tuple[np.ndarray, float, float, float]:
    """A stretch in the voice of a speaker, a little different each time."""
    target = np.concatenate([formants * np.exp(rng.normal(0, 0.02, len(formants))), UPPER]) * voice.formants
    return target, voiced * rng.uniform(0.9, 1.1), friction * rng.uniform(0.9, 1.1), place * voice.formants[-1]
