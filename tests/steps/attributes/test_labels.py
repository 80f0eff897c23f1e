"""An attribute of a corpus: medians of speakers, bins by gender, labels of utterances."""

import pytest

from steps.attributes.bins import BinRule, tercile_rule
from steps.attributes.labels import known_genders, label_attribute
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
