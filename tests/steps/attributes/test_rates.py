"""Rates: what they are counted from, in which unit, and how phonemes and syllable nuclei agree on known speech."""

import numpy as np
import pytest

from steps.attributes.measurements import Measurement
from steps.attributes.phonemes import of_words, why_not_spelt
from steps.attributes.rates import PER_NUCLEUS, agreement, rates, source_of, words_per_minute
from utils.data_dir import write_data_dir
from utils.errors import InputError

MEASURED = [Measurement("s-1", 2.0, 100.0, 1.0, 6), Measurement("s-2", reason="corrupt", detail="x")]
UTT2SPK = {"s-1": "s", "s-2": "s"}


def test_the_first_that_is_there(tmp_path):
    write_data_dir(tmp_path, {"utt2spk": UTT2SPK})
    assert source_of(tmp_path, "auto") == "audio"
    with pytest.raises(InputError, match="--rate_from text: there is no"):
        source_of(tmp_path, "text")
    write_data_dir(tmp_path, {"utt2spk": UTT2SPK, "text": {"s-1": "HELLO WORLD", "s-2": "A"}})
    assert source_of(tmp_path, "auto") == "text"
    write_data_dir(tmp_path, {"utt2spk": UTT2SPK, "utt2phones": {"s-1": "HH AH0 L OW1 W ER1 L D"}})
    assert source_of(tmp_path, "auto") == "phones"
    assert source_of(tmp_path, "audio") == "audio"


def test_units(tmp_path):
    tables = {"utt2spk": UTT2SPK, "utt2phones": {"s-1": "HH AH0 L OW1 W ER1 L D"}}
    write_data_dir(tmp_path, tables)
    found = rates(tmp_path, "audio", MEASURED, None)
    assert (found.unit, found.of) == ("syllable_nuclei", {"s-1": 3.0})
    with pytest.raises(InputError, match="s-1: its number of words is unknown"):
        rates(tmp_path, "phones", MEASURED, None)
    write_data_dir(tmp_path, tables | {"text": {"s-1": "HELLO WORLD", "s-2": "A"}})
    found = rates(tmp_path, "phones", MEASURED, None)
    assert (found.unit, found.of) == ("phonemes", {"s-1": 5.5})


def text_rates(folder, text: dict[str, str], nuclei: int = 10, lexicon=None):
    """The rates of utterances of 2 s whose audio has so many nuclei."""
    write_data_dir(folder, {"utt2spk": dict.fromkeys(text, "s"), "text": text})
    return rates(folder, "text", [Measurement(key, 2.0, 100.0, 1.0, nuclei) for key in text], lexicon)


@pytest.mark.field_case("Transcripts that English spelling does not count")
@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("今天天气很好", "not in Latin letters"),
        ("привет, мир", "not in Latin letters"),
        ("สวัสดี", "not in Latin letters"),
        ("नमस्ते दुनिया", "not in Latin letters"),
        ("مرحبا", "not in Latin letters"),
        ("καλημέρα", "not in Latin letters"),
        ("我 喜欢 Python", "not in Latin letters"),
        ("0 1 2 3", "mostly digits"),
        ("19:45", "mostly digits"),
        ("٣ ٤", "mostly digits"),
        ("... -- !", "no words"),
        ("", "no words"),
    ],
)
def test_text_that_is_not_spelt_in_english_has_no_rate(tmp_path, words, fault):
    found = text_rates(tmp_path, {"s-1": words, "s-2": "It was a naïve idea of 1 or 2 people."})
    assert found.of.keys() == {"s-2"} and found.not_counted == {fault: 1}


@pytest.mark.field_case("Transcripts that English spelling does not count")
def test_a_lexicon_counts_every_language(tmp_path):
    (tmp_path / "lexicon.txt").write_text("今天 j in t ian\nनमस्ते n a m a s t e\n7 s e v e n\n")
    text = {"s-1": "今天 今天", "s-2": "नमस्ते", "s-3": "今天 天气", "s-4": "7 7"}
    found = text_rates(tmp_path, text, lexicon=tmp_path / "lexicon.txt")
    assert found.of == {"s-1": 7.5, "s-2": 3.5, "s-4": 5.5} and found.not_counted == {"not in Latin letters": 1}


@pytest.mark.field_case("Transcripts that are in another language, or not those of the audio")
@pytest.mark.parametrize(("nuclei", "ratio"), [(20, "2.20"), (5, "8.80")])
def test_text_that_does_not_fit_the_syllables_has_no_rate(tmp_path, nuclei, ratio):
    text = {f"s-{number}": "seven paper boats were drifting under the willow" for number in range(20)}
    assert len(text_rates(tmp_path, text).of) == 20
    found = text_rates(tmp_path, text, nuclei)
    assert found.of == {} and found.not_counted == {f"{ratio} phonemes a syllable nucleus, expected 2.5 to 7": 20}


@pytest.mark.field_case("One transcript of many is empty")
def test_an_empty_transcript_beside_unmarked_phones(tmp_path):
    tables = {"utt2spk": {"s-1": "s", "s-2": "s"}, "utt2phones": {"s-1": "HH AH0", "s-2": "SIL"}}
    write_data_dir(tmp_path, tables | {"text": {"s-1": "HUH", "s-2": ""}})
    measured = [Measurement(key, 2.0, 100.0, 1.0, 3) for key in ("s-1", "s-2")]
    assert rates(tmp_path, "phones", measured, None).of == {"s-1": 1.0}


def test_real_transcripts_are_within_the_range(librispeech_text):
    text = {row["utterance"]: row["text"] for row in librispeech_text}
    assert len(text) == 251 and not any(why_not_spelt(words, {}) for words in text.values())
    seconds = {row["utterance"]: float(row["seconds"]) for row in librispeech_text}
    rate = sum(of_words(words, {}) for words in text.values()) / sum(seconds.values())
    assert PER_NUCLEUS[0] * 4 < rate < PER_NUCLEUS[1] * 3  # of 3 to 4 syllables a second


def test_agreement_on_speech_of_known_rate(spoken, tmp_path):
    pytest.importorskip("parselmouth", reason="praat-parselmouth (GPL, optional) is not installed")
    from steps.attributes.measure import measure_waveform

    measured = [measure_waveform(f"s-{number:04d}", one.waveform) for number, one in enumerate(spoken)]
    names = [one.utterance for one in measured]
    texts = {name: one.sentence for name, one in zip(names, spoken, strict=True)}
    write_data_dir(tmp_path, {"utt2spk": dict.fromkeys(names, "s"), "text": texts})
    found = rates(tmp_path, "text", measured, None)
    true = [one.characters * 16000 / len(one.waveform) for one in spoken]
    assert np.mean(np.abs(np.array([found.of[name] for name in names]) - true) / true) < 0.05
    summary = agreement(found, measured)
    print(summary)
    assert summary["utterances"] == len(spoken)
    assert summary["correlation"] > 0.9
    assert 2.5 < summary["phonemes_per_nucleus"] < 4.5
    assert summary["mean_relative_deviation"] < 0.15
    assert agreement(rates(tmp_path, "audio", measured, None), measured) is None


def test_words_per_minute_are_those_between_the_silences():
    speech = np.concatenate([np.zeros(8000), np.ones(1), 0.02 * np.ones(31998), np.ones(1), 0.005 * np.ones(16000)])
    assert words_per_minute(" one two  three four ", speech, 16000) == 120.0
