"""A few speakers as features, a mixture of all, and lists of models and trials, for tests of adaptation and scores."""

from pathlib import Path

import numpy as np

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.gmm_dir import write_gmm
from tests.steps.features.speech import write_speech
from utils.data_dir import write_data_dir

DIM, SPEAKERS, RECORDINGS = 4, ("anna", "ben", "carl"), 5
SILENT = "carl-4"  # the recording without speech


def background(n_components: int = 6) -> DiagGmm:
    """A mixture."""
    rng = np.random.default_rng(1)
    weights = rng.uniform(1, 2, n_components)
    return DiagGmm(
        weights / weights.sum(), rng.normal(0, 2, (n_components, DIM)), rng.uniform(0.5, 2, (n_components, DIM))
    )


def write_voices(folder: Path) -> None:
    """feats, ubm; enrol with enrol_map: models of two recordings, one of a single one; test and trials of all."""
    rng, ubm = np.random.default_rng(2), background()
    utt2spk = {f"{speaker}-{number}": speaker for speaker in SPEAKERS for number in range(RECORDINGS)}
    shift = dict(zip(SPEAKERS, rng.normal(0, 0.7, (len(SPEAKERS), DIM)), strict=True))
    frames = []
    for speaker in utt2spk.values():
        chosen = rng.choice(ubm.n_components, rng.integers(20, 40), p=ubm.weights)
        own = ubm.means[chosen] + rng.normal(size=(len(chosen), DIM)) * np.sqrt(ubm.variances[chosen])
        frames.append((own + shift[speaker]).astype(np.float32))
    masks = [rng.uniform(size=len(x)) < (0 if name == SILENT else 0.8) for name, x in zip(utt2spk, frames, strict=True)]
    write_speech(folder / "feats", utt2spk, frames, masks)
    (folder / "ubm").mkdir()
    write_gmm(folder / "ubm", ubm)
    models = {"anna_1": "anna-0 anna-1", "ben_1": "ben-0", "carl_1": "carl-0 carl-4"}
    write_data_dir(folder / "enrol", {"utt2spk": {name: one for name, one in utt2spk.items() if name[-1] in "014"}})
    (folder / "enrol" / "enrol_map").write_text("".join(f"{model} {names}\n" for model, names in models.items()))
    tests = [f"{speaker}-{number}" for speaker in SPEAKERS for number in (2, 3)] + [SILENT]
    lines = [
        f"{model} {test} {'target' if model[:3] == test[:3] else 'nontarget'}\n" for model in models for test in tests
    ]
    (folder / "trials").write_text("".join(lines[1:]))  # one test is claimed by fewer models than the others
