"""Speaking rates of the same speakers in two units: phonemes of transcripts, and syllable nuclei of the audio.

The first are counted twice, by English spelling and by a lexicon. Rates are medians of speakers; labels are those of
terciles inside each gender, so that both units are cut alike, and those of the recipe's rules.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from steps.attributes.bins import bin_values, read_rule, tercile_rule
from steps.attributes.labels import speaker_medians
from steps.attributes.measurements import MEASUREMENTS, read_measurements
from steps.attributes.rates import UNITS, rates
from tests.bench.results import table
from utils.data_dir import DataDir

LABELS = ("slow", "measured", "fast")
RULES = Path("local/rules/attributes.yaml")
SPELLING, LEXICON, NUCLEI = "phonemes, by spelling", "phonemes, by a lexicon", "syllable nuclei"
EVERYBODY = "all"
Rates = dict[str, float]


def speaker_rates(audio: Path, attributes: Path, lexicon: Path) -> dict[str, Rates]:
    """Unit -> speaker -> rate, a second."""
    measured = read_measurements(attributes / MEASUREMENTS)
    found = {
        SPELLING: rates(audio, "text", measured, None).of,
        LEXICON: rates(audio, "text", measured, lexicon).of,
        NUCLEI: rates(audio, "audio", measured, None).of,
    }
    utt2spk = DataDir(audio).utt2spk
    return {unit: speaker_medians(of, utt2spk) for unit, of in found.items()}


def tables_of_rates(of: Mapping[str, Rates], sources: Mapping[str, str], genders: Mapping[str, str]) -> str:
    """Correlation and agreement of labels by source, and the labels that the rules give.

    Args:
        of: unit -> speaker -> rate. sources, genders: of the speakers.
    """
    words = {speaker: {"f": "female", "m": "male"}[letter] for speaker, letter in genders.items()}
    rows = []
    for source in (EVERYBODY, *sorted(set(sources.values()))):
        speakers = sorted(s for s in of[NUCLEI] if s in of[SPELLING] and source in (EVERYBODY, sources[s]))
        rows.append([source, len(speakers), *_agreement(of, speakers, words)])
    header = [
        "speakers of",
        "",
        "correlation",
        "the same label",
        "opposite labels",
        "spelling and lexicon",
        "the same label",
    ]
    ruled = table(["labels of the rules", "speakers of", *LABELS], _labelled(of, sources, words))
    return f"{table(header, rows)}\n\n{ruled}"


def _agreement(of: Mapping[str, Rates], speakers: list[str], genders: Mapping[str, str]) -> list[str]:
    """Correlation with nuclei, shares of equal and opposite labels; and correlation and labels of the two counts."""
    x = {unit: np.array([own[speaker] for speaker in speakers]) for unit, own in of.items()}
    rule = tercile_rule("speaking_rate", "any", LABELS)
    labels = {
        unit: bin_values(rule, {speaker: own[speaker] for speaker in speakers}, genders).labels
        for unit, own in of.items()
    }
    return [
        f"{np.corrcoef(x[LEXICON], x[NUCLEI])[0, 1]:.2f}",
        f"{100 * _equal(labels[LEXICON], speakers, labels[NUCLEI]):.0f} %",
        f"{100 * _opposite(labels[LEXICON], speakers, labels[NUCLEI]):.0f} %",
        f"{np.corrcoef(x[LEXICON], x[SPELLING])[0, 1]:.3f}",
        f"{100 * _equal(labels[LEXICON], speakers, labels[SPELLING]):.0f} %",
    ]


def _equal(one: Mapping[str, str], speakers: list[str], other: Mapping[str, str]) -> float:
    return float(np.mean([one[speaker] == other[speaker] for speaker in speakers]))


def _opposite(one: Mapping[str, str], speakers: list[str], other: Mapping[str, str]) -> float:
    return float(np.mean([{one[speaker], other[speaker]} == {LABELS[0], LABELS[-1]} for speaker in speakers]))


def _labelled(of: Mapping[str, Rates], sources: Mapping[str, str], genders: Mapping[str, str]) -> list[list[str]]:
    """Rows of the labels that speakers of each source have by the rules of the recipe, in either unit."""
    rows = []
    for unit, source_of in ((LEXICON, "text"), (NUCLEI, "audio")):
        labels = bin_values(read_rule(RULES, "speaking_rate", UNITS[source_of]), of[unit], genders).labels
        for source in sorted(set(sources.values())):
            counts = Counter(label for speaker, label in labels.items() if sources[speaker] == source)
            rows.append([unit, source, *(str(counts[label]) for label in LABELS)])
    return rows
