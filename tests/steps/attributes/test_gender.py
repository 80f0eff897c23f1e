"""Genders by embeddings: real ones of held-out speakers, the unknown band, and the classifier's file."""

import numpy as np
import pytest

from steps.attributes.gender import MODEL, calibration, decide, load, save
from utils.archives import read_vectors
from utils.data_dir import DataDir
from utils.errors import InputError

FULL = {"f": "female", "m": "male"}


@pytest.fixture(scope="module")
def real(librispeech, real_embeddings):
    """utt2spk, speaker -> gender, keys and embeddings of 251 speakers."""
    data = DataDir(librispeech)
    known = {speaker: FULL[letter] for speaker, letter in data.table("spk2gender").items()}
    return data.utt2spk, known, *read_vectors(real_embeddings)


def test_held_out_accuracy_on_librispeech(real):
    utt2spk, known, keys, x = real
    summary = decide(utt2spk, known, keys, x, 0.9, 0).summary
    print(summary)
    assert summary["held_out"]["speakers"] == 251
    assert summary["held_out"]["accuracy"] > 0.95
    assert summary["held_out"]["share_unknown"] < 0.15
    assert summary["held_out"]["accuracy_of_the_others"] >= summary["held_out"]["accuracy"]


def test_unknown_speakers_are_judged_or_stay_unknown(real, tmp_path):
    utt2spk, known, keys, x = real
    told = dict(sorted(known.items())[::2])
    found = decide(utt2spk, told, keys, x, 0.9, 0)
    judged = found.of.keys() - told.keys()
    assert len(judged) == found.summary["judged"] > 90
    assert found.summary["judged"] + found.summary["unknown"] == len(known) - len(told) == len(found.odds)
    assert np.mean([found.of[speaker] == known[speaker] for speaker in judged]) > 0.97
    assert all(abs(odds) < np.log(9) for speaker, odds in found.odds.items() if speaker not in found.of)

    save(tmp_path / MODEL, found.classifier)
    again = decide(utt2spk, {}, keys, x, 0.9, 0, tmp_path / MODEL)
    assert again.summary["held_out"] is None and again.summary["known"] == 0
    assert {speaker: again.odds[speaker] for speaker in found.odds} == pytest.approx(found.odds)


def test_calibration():
    rng = np.random.default_rng(0)
    odds = rng.normal(size=2000) * 2
    known = {f"s{n}": "female" if rng.random() < 1 / (1 + np.exp(-3 * one)) else "male" for n, one in enumerate(odds)}
    assert calibration(dict(zip(known, odds.tolist(), strict=True)), known) == pytest.approx(3, rel=0.15)


def test_without_teachers_nobody_is_judged(real):
    utt2spk, known, keys, x = real
    few = dict(sorted(known.items())[:9])
    found = decide(utt2spk, few, keys, x, 0.9, 0)
    assert found.of == few and found.classifier is None
    assert found.summary["unknown"] == 242


def test_swapped_labels_are_at_chance(real):
    utt2spk, known, keys, x = real
    shuffled = dict(zip(known, np.random.default_rng(0).permutation(list(known.values())).tolist(), strict=True))
    assert 0.35 < decide(utt2spk, shuffled, keys, x, 0.9, 0).summary["held_out"]["accuracy"] < 0.65


def test_a_file_of_other_embeddings(tmp_path):
    from safetensors.numpy import save_file

    save_file({"weights": np.zeros((5, 2)), "offsets": np.zeros(2)}, tmp_path / "m.safetensors")
    with pytest.raises(InputError, match="expected a gender.safetensors of this project for embeddings of 256 dim"):
        load(tmp_path / "m.safetensors", 256)
    (tmp_path / "m.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(InputError, match="not a safetensors file"):
        load(tmp_path / "m.safetensors", 256)
