"""From measurements and embeddings to labels: genders are found, and each attribute is cut by its rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steps.attributes.bins import GENDERS, Cut, Rule, cut
from steps.attributes.gender import Genders, decide
from steps.attributes.measurements import Measurement
from steps.attributes.rates import Rates
from utils.data_dir import DataDir
from utils.errors import InputError

if TYPE_CHECKING:
    from steps.attributes.label import Options

FULL_NAMES = {"f": "female", "m": "male"}


@dataclass(frozen=True, eq=False)
class Corpus:
    """What labels are made of.

    Attributes:
        utt2spk: of all utterances. known: speaker -> gender that the corpus gives.
        measurements: sorted by utterance. rates: speaking rates of the utterances.
        keys (N), x (N, D): embeddings of those utterances that have one.
    """

    utt2spk: dict[str, str]
    known: dict[str, str]
    measurements: Sequence[Measurement]
    rates: Rates
    keys: list[str]
    x: np.ndarray


@dataclass(frozen=True, eq=False)
class Measured:
    """One attribute: what was measured, in a unit, and the labels that it was cut into.

    Attributes:
        utterances, speakers: key -> value.
        cut: labels of the utterances or speakers, as the rule's level is. labels: utterance -> label.
    """

    utterances: dict[str, float]
    speakers: dict[str, float]
    cut: Cut
    labels: dict[str, str]


@dataclass(frozen=True, eq=False)
class Labelled:
    """The labels of a corpus: of gender, pitch and speaking rate."""

    genders: Genders
    utt2gender: dict[str, str]
    pitch: Measured
    rate: Measured

    @property
    def labels(self) -> dict[str, dict[str, str]]:
        """Attribute -> utterance -> label."""
        return {"gender": self.utt2gender, "pitch": self.pitch.labels, "speaking_rate": self.rate.labels}


def known_genders(place: Path, utt2spk: Mapping[str, str]) -> dict[str, str]:
    """Speaker -> male or female as spk2gender says, or else utt2gender, which need not have all speakers."""
    if (place / "spk2gender").is_file():
        letters = DataDir(place).table("spk2gender")
        odd = [speaker for speaker, letter in letters.items() if letter not in FULL_NAMES]
        if odd:
            raise InputError(f"{place}/spk2gender: {odd[0]}: expected m or f, found {letters[odd[0]]!r}")
        return {speaker: FULL_NAMES[letter] for speaker, letter in letters.items()}
    if not (place / "utt2gender").is_file():
        return {}
    found: dict[str, str] = {}
    for utterance, gender in DataDir(place).table("utt2gender").items():
        speaker = utt2spk[utterance]
        if gender not in GENDERS or found.setdefault(speaker, gender) != gender:
            raise InputError(
                f"{place}/utt2gender: {utterance}: expected one of {GENDERS}, the same for all of {speaker}"
            )
    return found


def label_corpus(corpus: Corpus, pitch: Rule, rate: Rule, options: "Options") -> Labelled:
    """Find genders, and cut F0 and rate by their rules."""
    genders = decide(
        corpus.utt2spk,
        corpus.known,
        corpus.keys,
        corpus.x,
        options.gender_threshold,
        options.seed,
        options.gender_model,
    )
    utt2gender = {key: genders.of[speaker] for key, speaker in corpus.utt2spk.items() if speaker in genders.of}
    utt2f0 = {one.utterance: one.f0 for one in corpus.measurements if one.f0 is not None}
    both = (genders.of, utt2gender)
    return Labelled(
        genders,
        utt2gender,
        _measured(pitch, utt2f0, corpus.utt2spk, *both),
        _measured(rate, corpus.rates.of, corpus.utt2spk, *both),
    )


def _measured(
    rule: Rule,
    utterances: dict[str, float],
    utt2spk: Mapping[str, str],
    spk2gender: Mapping[str, str],
    utt2gender: Mapping[str, str],
) -> Measured:
    speakers = speaker_medians(utterances, utt2spk)
    if rule.level == "utterance":
        found = cut(rule, utterances, utt2gender)
        return Measured(utterances, speakers, found, found.labels)
    found = cut(rule, speakers, spk2gender)
    labels = {key: found.labels[speaker] for key, speaker in utt2spk.items() if speaker in found.labels}
    return Measured(utterances, speakers, found, labels)


def speaker_medians(values: Mapping[str, float], utt2spk: Mapping[str, str]) -> dict[str, float]:
    """Speaker -> median of the values of the speaker's utterances, of those speakers that have one."""
    groups: dict[str, list[float]] = {}
    for utterance, value in values.items():
        groups.setdefault(utt2spk[utterance], []).append(value)
    return {speaker: float(np.median(groups[speaker])) for speaker in sorted(groups)}
