"""The labels of a corpus: genders, and the bins into which F0 and speaking rate fall."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.attributes.bins import GENDERS, Binned, BinRule, bin_values
from steps.attributes.gender import Genders
from steps.attributes.measurements import UNVOICED, Measurement
from steps.attributes.rates import Rates
from utils.data_dir import GENDER_WORDS, DataDir
from utils.errors import InputError

LEAST_VOICED_SHARE = 0.5  # of a speaker's utterances: below it the speaker whispers, and an F0 is chance
LONG = 1.0  # seconds: a shorter utterance may well be unvoiced


@dataclass(frozen=True, eq=False)
class Corpus:
    """The data that labels are made from.

    Attributes:
        utt2spk: of all utterances. known: speaker -> gender, where the corpus gives it.
        measurements: sorted by utterance. rates: speaking rates of the utterances.
        keys (N), x (N, D): the utterances that have an embedding, and their embeddings.
    """

    utt2spk: dict[str, str]
    known: dict[str, str]
    measurements: Sequence[Measurement]
    rates: Rates
    keys: list[str]
    x: np.ndarray


@dataclass(frozen=True, eq=False)
class Attribute:
    """One attribute: the values that were measured, in a unit, and the labels of their bins.

    Attributes:
        utterances, speakers: key -> value.
        binned: the labels of utterances or speakers, as the rule's level is. labels: utterance -> label.
    """

    utterances: dict[str, float]
    speakers: dict[str, float]
    binned: Binned
    labels: dict[str, str]


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a corpus: of gender, pitch and speaking rate; and the speakers whose voice is hardly ever heard."""

    genders: Genders
    utt2gender: dict[str, str]
    pitch: Attribute
    rate: Attribute
    whisperers: frozenset[str] = frozenset()

    @property
    def tables(self) -> dict[str, dict[str, str]]:
        """Attribute -> utterance -> label."""
        return {"gender": self.utt2gender, "pitch": self.pitch.labels, "speaking_rate": self.rate.labels}


def known_genders(data: Path, utt2spk: Mapping[str, str]) -> dict[str, str]:
    """Speaker -> male or female, as spk2gender says, or else utt2gender, which may lack speakers."""
    if (data / "spk2gender").is_file():
        letters = DataDir(data).table("spk2gender")
        wrong = [speaker for speaker, letter in letters.items() if letter not in GENDER_WORDS]
        if wrong:
            raise InputError(f"{data}/spk2gender: {wrong[0]}: expected m or f, found {letters[wrong[0]]!r}")
        return {speaker: GENDER_WORDS[letter] for speaker, letter in letters.items()}
    if not (data / "utt2gender").is_file():
        return {}
    found: dict[str, str] = {}
    for utterance, gender in DataDir(data).table("utt2gender").items():
        speaker = utt2spk[utterance]
        if gender not in GENDERS or found.setdefault(speaker, gender) != gender:
            raise InputError(
                f"{data}/utt2gender: {utterance}: expected one of {GENDERS}, the same for all of {speaker}"
            )
    return found


def label_corpus(corpus: Corpus, genders: Genders, pitch: BinRule, rate: BinRule) -> Labels:
    """Bin F0 and speaking rate of a corpus whose genders are decided.

    Speakers who whisper have neither, unless their rate is counted from a transcript.
    """
    utt2gender = {key: genders.of[speaker] for key, speaker in corpus.utt2spk.items() if speaker in genders.of}
    whispering = whisperers(corpus.measurements, corpus.utt2spk)
    loud = {key for key, speaker in corpus.utt2spk.items() if speaker not in whispering}
    utt2f0 = {one.utterance: one.f0 for one in corpus.measurements if one.f0 is not None and one.utterance in loud}
    rates = corpus.rates.of
    if corpus.rates.source == "audio":
        rates = {key: value for key, value in rates.items() if key in loud}
    return Labels(
        genders,
        utt2gender,
        label_attribute(pitch, utt2f0, corpus.utt2spk, genders.of),
        label_attribute(rate, rates, corpus.utt2spk, genders.of),
        whispering,
    )


def whisperers(measurements: Sequence[Measurement], utt2spk: Mapping[str, str]) -> frozenset[str]:
    """The speakers of whose readable, LONG utterances fewer than LEAST_VOICED_SHARE have an F0."""
    found = [one for one in measurements if one.reason in ("", UNVOICED) and one.seconds >= LONG]
    voiced = Counter(utt2spk[one.utterance] for one in found if one.f0 is not None)
    every = Counter(utt2spk[one.utterance] for one in found)
    return frozenset(speaker for speaker, n in every.items() if voiced[speaker] < LEAST_VOICED_SHARE * n)


def label_attribute(
    rule: BinRule, utterances: dict[str, float], utt2spk: Mapping[str, str], spk2gender: Mapping[str, str]
) -> Attribute:
    """Bin the values of utterances, or the medians of speakers, as the rule says.

    Args:
        utterances: utterance -> value in the rule's unit. spk2gender: speaker -> male or female, where known.
    """
    speakers = speaker_medians(utterances, utt2spk)
    if rule.level == "utterance":
        utt2gender = {key: spk2gender[utt2spk[key]] for key in utterances if utt2spk[key] in spk2gender}
        binned = bin_values(rule, utterances, utt2gender)
        return Attribute(utterances, speakers, binned, binned.labels)
    binned = bin_values(rule, speakers, spk2gender)
    labels = {key: binned.labels[speaker] for key, speaker in utt2spk.items() if speaker in binned.labels}
    return Attribute(utterances, speakers, binned, labels)


def speaker_medians(values: Mapping[str, float], utt2spk: Mapping[str, str]) -> dict[str, float]:
    """Speaker -> median of the values of the speaker's utterances, of those speakers that have one."""
    groups: dict[str, list[float]] = {}
    for utterance, value in values.items():
        groups.setdefault(utt2spk[utterance], []).append(value)
    return {speaker: float(np.median(groups[speaker])) for speaker in sorted(groups)}
