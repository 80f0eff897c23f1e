"""The audit finds labels that were swapped, and says how far embeddings know an attribute."""

import numpy as np

from steps.attributes.audit import audit, write_audit


def corpus(seed: int = 0):
    """40 speakers of 4 utterances; the first dimension tells high from low voices, the others nothing."""
    rng = np.random.default_rng(seed)
    speakers = [f"s{number:02d}" for number in range(40) for _ in range(4)]
    keys = [f"{speaker}-{number % 4}" for number, speaker in enumerate(speakers)]
    high = np.array([int(speaker[1:]) % 2 for speaker in speakers])
    x = rng.normal(size=(len(keys), 6))
    x[:, 0] += 12 * high
    return (
        keys,
        dict(zip(keys, speakers, strict=True)),
        x,
        {key: ("low", "high")[one] for key, one in zip(keys, high, strict=True)},
    )


def test_swapped_labels_come_first(tmp_path):
    keys, utt2spk, x, labels = corpus()
    wrong = ["s04-2", "s11-0"]
    for key in wrong:
        labels[key] = "low" if labels[key] == "high" else "high"
    doubts, summary = audit("pitch", labels, utt2spk, keys, x, 0)
    assert sorted(doubt.utterance for doubt in doubts[:2]) == wrong and all(doubt.log_odds < -1 for doubt in doubts[:2])
    assert summary["judged"] == 160 and summary["balanced_accuracy"] > 0.95
    write_audit(tmp_path / "audit.tsv", doubts)
    header, first, *_ = (tmp_path / "audit.tsv").read_text().splitlines()
    assert header.split("\t") == ["utterance", "speaker", "attribute", "label", "likelier", "log_odds"]
    assert first.split("\t")[:3] == [doubts[0].utterance, doubts[0].speaker, "pitch"]


def test_labels_without_speakers_enough_are_not_judged():
    keys, utt2spk, x, labels = corpus()
    labels["s00-0"] = "medium"
    assert audit("pitch", labels, utt2spk, keys, x, 0)[1]["not_judged"] == 1
    assert audit("pitch", dict.fromkeys(keys, "low"), utt2spk, keys, x, 0) == ([], {"judged": 0, "not_judged": 160})


def test_noise_is_at_chance():
    keys, utt2spk, x, labels = corpus()
    x[:, 0] = 0
    assert 0.35 < audit("pitch", labels, utt2spk, keys, x, 0)[1]["balanced_accuracy"] < 0.65
