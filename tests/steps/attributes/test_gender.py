"""Genders by embeddings: accuracy on held-out speakers, with a file too, and the unknown band."""

from pathlib import Path

import numpy as np
import pytest

from steps.attributes.gender import calibration, decide
from steps.attributes.gender_model import MODEL, GenderModel, read_gender_model, write_gender_model
from utils.archives import read_vectors
from utils.data_dir import DataDir

SHIPPED = Path(__file__).parents[3] / "local/rules/gender_resemblyzer.safetensors"
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

    write_gender_model(tmp_path / MODEL, found.model)
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
    assert found.of == few and found.model is None
    assert found.summary["unknown"] == 242


def test_swapped_labels_are_at_chance(real):
    utt2spk, known, keys, x = real
    shuffled = dict(zip(known, np.random.default_rng(0).permutation(list(known.values())).tolist(), strict=True))
    assert 0.35 < decide(utt2spk, shuffled, keys, x, 0.9, 0).summary["held_out"]["accuracy"] < 0.65


@pytest.fixture
def half(real, tmp_path):
    """A classifier of every second speaker, and the others' genders."""
    utt2spk, known, keys, x = real
    own = dict(sorted(known.items())[::2])
    write_gender_model(tmp_path / MODEL, decide(utt2spk, own, keys, x, 0.9, 0).model)
    return tmp_path / MODEL, own, {speaker: gender for speaker, gender in known.items() if speaker not in own}


def test_a_file_is_judged_on_the_speakers_that_it_was_not_learnt_from(real, half):
    utt2spk, known, keys, x = real
    model, own, others = half
    held_out = decide(utt2spk, known, keys, x, 0.9, 0, model).summary["held_out"]
    assert held_out["speakers"] == len(others) == 125 and held_out["accuracy"] > 0.95
    assert held_out == decide(utt2spk, others, keys, x, 0.9, 0, model).summary["held_out"]


@pytest.mark.parametrize("prefix", ["", "train_clean_100-", "libri_"])
def test_no_figure_where_no_speaker_is_left(real, half, prefix):
    utt2spk, _, keys, x = real
    model, own, _ = half
    renamed = {key: prefix + speaker for key, speaker in utt2spk.items()}
    known = {prefix + speaker: gender for speaker, gender in own.items()}
    summary = decide(renamed, known, keys, x, 0.9, 0, model).summary
    assert summary["held_out"] is None and summary["speakers_seen_in_training"] == 126
    assert "learnt from all 126 speakers of known gender" in summary["held_out_speakers"]


def test_a_file_without_ids_gets_no_figure(real, half):
    utt2spk, known, keys, x = real
    old = GenderModel(read_gender_model(half[0], x.shape[1]).classifier, None)
    write_gender_model(half[0], old)
    summary = decide(utt2spk, known, keys, x, 0.9, 0, half[0]).summary
    assert summary["held_out"] is None and summary["speakers_seen_in_training"] is None
    assert summary["held_out_speakers"].startswith("unknown: the file does not name the speakers")


def test_the_shipped_classifier_makes_no_claim_on_the_corpus_that_it_was_learnt_from(real):
    utt2spk, known, keys, x = real
    summary = decide(utt2spk, known, keys, x, 0.9, 0, SHIPPED).summary
    assert summary["held_out"] is None and summary["speakers_seen_in_training"] == 251
    strangers = {key: f"p{speaker}" for key, speaker in utt2spk.items()}  # other ids: other people, as far as is known
    told = {f"p{speaker}": gender for speaker, gender in known.items()}
    assert decide(strangers, told, keys, x, 0.9, 0, SHIPPED).summary["held_out"]["speakers"] == 251
