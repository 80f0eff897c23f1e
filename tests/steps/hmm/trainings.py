"""A small corpus that a small model has given, and trainings on it."""

from pathlib import Path

import numpy as np

from steps.hmm import train_mono
from tests.steps.features.speech import write_speech
from tests.steps.hmm.small_hmm import sample, small_lang, small_model

TEXTS = (["ab"], ["c", "ab"], ["abc"], ["ab", "abc"], ["c"], ["abc", "c", "c"])


def write_corpus(directory: Path, n: int = 24) -> Path:
    """feats, data (with text) and lang in a directory: n utterances of three speakers."""
    model, lang = small_model(), small_lang()
    ids = {f"s{number % 3}-u{number:03d}": f"s{number % 3}" for number in range(n)}
    utt2spk = dict(sorted(ids.items()))
    texts = {utterance: TEXTS[number % len(TEXTS)] for number, utterance in enumerate(utt2spk)}
    frames = [
        np.concatenate([sample(model, lang, texts[utterance], number)] * 2) for number, utterance in enumerate(utt2spk)
    ]
    texts = {utterance: " ".join(words * 2) for utterance, words in texts.items()}
    write_speech(directory / "feats", utt2spk, [x.astype(np.float32) for x in frames], text=texts)
    lang.save(directory / "lang")
    return directory


def train(corpus: Path, out: Path, *words: str) -> int:
    """Train on a corpus of `write_corpus`."""
    paths = ["--data", corpus / "feats", "--lang", corpus / "lang", "--feats", corpus / "feats", "--out", out]
    sizes = ["--gaussians", "2", "--silence_gaussians", "4", "--passes_per_split", "2", "--passes", "3"]
    return train_mono.main([*map(str, paths), *sizes, "--least_frames", "4", "--shard_frames", "60", *words])
