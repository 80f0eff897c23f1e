"""An attribute of a corpus: medians of speakers, bins by gender, labels of utterances."""

import numpy as np
import pytest

from steps.attributes.bins import BinRule, tercile_rule
from steps.attributes.gender import Genders
from steps.attributes.labels import Corpus, known_genders, label_attribute, label_corpus, whisperers
from steps.attributes.measurements import UNVOICED, Measurement
from steps.attributes.rates import Rates
from utils.data_dir import write_data_dir
from utils.errors import InputError

UTT2SPK = {f"{speaker}-{take}": speaker for speaker in "abcdxyz" for take in "123"}
GENDERS = dict.fromkeys("abc", "male") | dict.fromkeys("xyz", "female")  # d's is not known
F0 = {"a": 90.0, "b": 140.0, "c": 120.0, "d": 130.0, "x": 150.0, "y": 300.0, "z": 200.0}


def test_pitch_of_speakers_is_cut_within_each_gender():
    values = {key: F0[speaker] + 100 * (key[-1] == "3") for key, speaker in UTT2SPK.items()}  # one of three is off
    pitch = label_attribute(tercile_rule("pitch", "hertz", ("low", "medium", "high")), values, UTT2SPK, GENDERS)
    assert pitch.speakers == F0
    expected = {"a": "low", "c": "medium", "b": "high", "x": "low", "z": "medium", "y": "high"}
    assert pitch.labels == {key: expected[speaker] for key, speaker in UTT2SPK.items() if speaker in expected}
    assert pitch.binned.no_gender == ("d",)


def test_an_utterance_without_a_value_has_the_label_of_its_speaker():
    values = {key: F0[speaker] for key, speaker in UTT2SPK.items() if key != "b-2"}
    rule = tercile_rule("pitch", "hertz", ("low", "medium", "high"))
    assert label_attribute(rule, values, UTT2SPK, GENDERS).labels["b-2"] == "high"


def test_a_rule_of_utterances_uses_the_gender_of_their_speakers():
    edges = {"male": (2.0,), "female": (4.0,)}
    rule = BinRule("speaking_rate", "syllables", ("slow", "fast"), "utterance", edges, {}, True, False)
    rate = label_attribute(rule, {"a-1": 3.0, "x-1": 3.0, "d-1": 3.0}, UTT2SPK, GENDERS)
    assert rate.labels == {"a-1": "fast", "x-1": "slow"} and rate.binned.no_gender == ("d-1",)


@pytest.mark.field_case("Whispered speech")
def test_speakers_who_whisper_have_no_pitch_and_no_rate_of_nuclei():
    utt2spk = {f"{speaker}-{take}": speaker for speaker in "abcd" for take in range(5)}
    unvoiced = {"a": 3, "b": 2, "c": 5, "d": 0}
    measured = [
        Measurement(key, 0.4 if speaker == "c" else 2.0, None, 0.3, 4, UNVOICED)
        if int(key[-1]) < unvoiced[speaker]
        else Measurement(key, 2.0, 120.0, 1.0, 4)
        for key, speaker in utt2spk.items()
    ]
    assert whisperers(measured, utt2spk) == {"a"}  # c's utterances are short
    genders = Genders(dict.fromkeys("abcd", "male"), {}, None, {})
    pitch = tercile_rule("pitch", "hertz", ("low", "medium", "high"))
    of = {key: 2.0 + 0.1 * number for number, key in enumerate(utt2spk)}
    for unit, source, n_rates in (("syllable_nuclei", "audio", 15), ("phonemes", "text", 20)):
        corpus = Corpus(utt2spk, {}, measured, Rates(unit, source, of), [], np.empty((0, 2)))
        labels = label_corpus(corpus, genders, pitch, tercile_rule("speaking_rate", unit, ("slow", "measured", "fast")))
        assert labels.pitch.speakers.keys() == {"b", "d"} and "a-4" not in labels.pitch.utterances
        assert len(labels.rate.utterances) == n_rates and labels.whisperers == {"a"}


def test_genders_of_a_data_directory(tmp_path):
    utt2spk = {"a-1": "a", "b-1": "b", "b-2": "b"}
    write_data_dir(tmp_path / "all", {"utt2spk": utt2spk, "spk2gender": {"a": "f", "b": "m"}})
    assert known_genders(tmp_path / "all", utt2spk) == {"a": "female", "b": "male"}
    write_data_dir(tmp_path / "some", {"utt2spk": utt2spk, "utt2gender": {"b-2": "male"}})
    assert known_genders(tmp_path / "some", utt2spk) == {"b": "male"}
    write_data_dir(tmp_path / "none", {"utt2spk": utt2spk})
    assert known_genders(tmp_path / "none", utt2spk) == {}
    write_data_dir(tmp_path / "two", {"utt2spk": utt2spk, "utt2gender": {"b-1": "female", "b-2": "male"}})
    with pytest.raises(InputError, match="two/utt2gender: b-2: expected .* the same for all of b"):
        known_genders(tmp_path / "two", utt2spk)
