"""Rates: what they are counted from, in which unit, and how phonemes and syllable nuclei agree on known speech."""

import numpy as np
import pytest

from steps.attributes.measurements import Measurement
from steps.attributes.rates import agreement, rates, source_of, words_per_minute
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
