"""A small background of speakers who say sentences, with a UBM, for tests."""

from pathlib import Path

import numpy as np

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.gmm_dir import write_gmm
from tests.steps.features.speech import write_speech
from utils.data_dir import write_data_dir

DIM = 4
CENTRES = np.random.default_rng(5).normal(size=(4, DIM)) * 4  # of sounds


def write_background(folder: Path, speakers: int = 6, takes: int = 8, silent: str = "") -> Path:
    """`feats`, `data` with models of two takes, `ubm` and `trials` in a folder: speakers shift all of their sounds."""
    rng = np.random.default_rng(0)
    utt2spk, utt2sent, frames, masks = {}, {}, [], []
    for speaker in (f"s{number}" for number in range(speakers)):
        shift = rng.normal(size=(4, DIM))
        for sentence, sounds in (("1", (0, 1)), ("2", (2, 3))):
            for take in range(takes):
                utterance = f"{speaker}-{sentence}-{take}"
                which = rng.choice(sounds, 30)
                utt2spk[utterance], utt2sent[utterance] = speaker, sentence
                frames.append((CENTRES[which] + shift[which] + 0.5 * rng.normal(size=(30, DIM))).astype(np.float32))
                masks.append(np.zeros(30) if utterance == silent else np.arange(30) > 2)
    write_speech(folder / "feats", utt2spk, frames, masks)
    write_data_dir(folder / "data", {"utt2spk": utt2spk, "utt2sent": utt2sent})
    models = {
        f"{speaker}_{sentence}": f"{speaker}-{sentence}-"
        for speaker in sorted(set(utt2spk.values()))
        for sentence in "12"
    }
    lines = [f"{model} {prefix}0 {prefix}1\n" for model, prefix in models.items()]
    (folder / "data" / "enrol_map").write_text("".join(lines))
    (folder / "data" / "model2sent").write_text("".join(f"{model} {model[-1]}\n" for model in models))
    tests = [one for one in utt2spk if one[-1] not in "01"]
    trials = [
        f"{model} {test} {'target' if model == test[:2] + '_' + test[3] else 'nontarget'}\n"
        for model in models
        for test in tests
    ]
    (folder / "trials").write_text("".join(trials))
    (folder / "ubm").mkdir()
    write_gmm(folder / "ubm", DiagGmm(np.full(4, 0.25), CENTRES, np.full((4, DIM), 1.5)))
    return folder
