"""Speaking rate and its unit: phonemes a second if there is a transcript, otherwise syllable nuclei a second.

The rate is over the whole duration of the audio, with its pauses. All utterances of a corpus have one unit.

Transcripts that English spelling cannot count have no rate: those in other letters, of digits, or without words; and
all, if the phonemes of a syllable nucleus show that the text is not in English, or not that of the audio.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from steps.attributes import phonemes
from steps.attributes.measurements import Measurement
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import read_table

PHONES = "utt2phones"  # of a data directory: the phones of an utterance
DEFINITIONS = {
    "phonemes": "characters of IPA and blanks between words, a second of audio with its pauses",
    "syllable_nuclei": "loud, voiced peaks of intensity parted by dips, a second of audio with its pauses",
}
SILENCE = 0.01  # of the highest sample
# Phonemes a syllable nucleus, where spelling is the source. 251 utterances of LibriSpeech have 3.96 together, and 2.67
# to 6.81 each; Chinese characters would have 1.4.
PER_NUCLEUS = (2.5, 7.0)
LEAST_NUCLEI = 50  # of all utterances together: fewer show nothing
UNITS = {"phones": "phonemes", "text": "phonemes", "audio": "syllable_nuclei"}


@dataclass(frozen=True)
class Rates:
    """The speaking rates of a corpus.

    Attributes:
        unit: phonemes or syllable_nuclei, a second. source: phones, text or audio, which they were counted from.
        of: utterance -> rate; utterances without a rate are absent.
        not_counted: why transcripts have no rate -> their number.
    """

    unit: str
    source: str
    of: dict[str, float]
    not_counted: Mapping[str, int] = field(default_factory=dict)


def source_of(data: Path, wanted: str) -> str:
    """The source to count from: `wanted`, or for `auto` the first of phones, text and audio in the data directory."""
    files = {"phones": data / PHONES, "text": data / "text"}
    if wanted == "auto":
        return next((source for source, path in files.items() if path.is_file()), "audio")
    if wanted != "audio" and not files[wanted].is_file():
        raise InputError(f"--rate_from {wanted}: there is no {files[wanted]}")
    return wanted


def rates(data: Path, source: str, measurements: Sequence[Measurement], lexicon: Path | None) -> Rates:
    """The rates of all utterances that could be read and, unless `source` is audio, have a transcript to count."""
    faults: Counter[str] = Counter()
    if source == "audio":
        counts = {one.utterance: one.nuclei for one in measurements}
    elif source == "phones":
        counts = counts_of_phones(DataDir(data))
    else:
        counts = counts_of_text(DataDir(data).table("text"), measurements, lexicon, faults)
    of = {
        one.utterance: round(counts[one.utterance] / one.seconds, 3)
        for one in measurements
        if one.seconds and counts.get(one.utterance)
    }
    return Rates(UNITS[source], source, of, faults)


def counts_of_text(
    text: Mapping[str, str], measurements: Sequence[Measurement], lexicon: Path | None, faults: Counter[str]
) -> dict[str, int]:
    """Utterance -> phonemes of its words, where they can be counted; why others cannot is counted in `faults`."""
    known = phonemes.read_lexicon(lexicon) if lexicon else {}
    counts = {}
    for utterance, words in text.items():
        fault = phonemes.why_not_spelt(words, known)
        if fault:
            faults[fault] += 1
        else:
            counts[utterance] = phonemes.of_words(words, known)
    spelt = {key for key in counts if not known.keys() >= set(phonemes.split_words(text[key], known))}
    voiced = [one for one in measurements if one.utterance in spelt and not one.reason]
    nuclei = sum(one.nuclei for one in voiced)
    ratio = sum(counts[one.utterance] for one in voiced) / max(nuclei, 1)
    least, most = PER_NUCLEUS
    if nuclei >= LEAST_NUCLEI and not least <= ratio <= most:
        faults[f"{ratio:.2f} phonemes a syllable nucleus, expected {least:g} to {most:g}"] = len(spelt)
        counts = {key: count for key, count in counts.items() if key not in spelt}
    return counts


def counts_of_phones(data: DataDir) -> dict[str, int]:
    """Utterance -> phonemes of utt2phones, as `steps.attributes.phonemes` counts them."""
    text = data.table("text") if data.has("text") else {}
    counts = {}
    for utterance, line in read_table(data.path / PHONES).items():
        phones = line.split()
        n_words = phonemes.n_words(phones) or len(text.get(utterance, "").split())
        if not n_words and text.get(utterance) == "":
            continue
        if not n_words:
            raise InputError(
                f"{data.path / PHONES}: {utterance}: its number of words is unknown, and phonemes are counted with the "
                "blanks between words; mark word positions as in HH_B AH_I, add a text, or give --rate_from audio"
            )
        counts[utterance] = phonemes.of_phones(phones, n_words)
    return counts


def words_per_minute(words: str, waveform: np.ndarray, sample_rate: int) -> float:
    """The rate of known words in a waveform (samples,), from the first sample that is not silence to the last."""
    level = np.abs(waveform)
    sounding = np.flatnonzero(level > SILENCE * level.max())
    return 60 * len(words.split()) / ((sounding[-1] - sounding[0] + 1) / sample_rate)


def agreement(found: Rates, measurements: Sequence[Measurement]) -> dict[str, Any] | None:
    """Agreement of phonemes and syllable nuclei, if both were counted: correlation, ratio, deviation from the ratio."""
    pairs = [(found.of[one.utterance], one.nuclei / one.seconds) for one in measurements if one.utterance in found.of]
    if found.source == "audio" or len(pairs) < 3:
        return None
    counted, nuclei = np.array(pairs).T
    if not (np.ptp(counted) and np.ptp(nuclei)):
        return None
    ratio = counted.sum() / nuclei.sum()
    return {
        "utterances": len(pairs),
        "correlation": round(float(np.corrcoef(counted, nuclei)[0, 1]), 4),
        f"{found.unit}_per_nucleus": round(float(ratio), 4),
        "mean_relative_deviation": round(float(np.mean(np.abs(nuclei * ratio - counted) / counted)), 4),
    }
