"""Two speakers who say three sentences, their enrolments, trials, and a small model."""

import itertools
from pathlib import Path

import numpy as np

from steps.hmm.hmm_dir import write_hmm
from tests.steps.features.speech import write_speech
from tests.steps.hmm.small_hmm import DIM, sample, small_lang, small_model

SAID = {"s1": ("ab", "c"), "s2": ("abc",), "s3": ("c", "c", "ab")}
SHORT = "tom-s1-8"  # two frames


def write_phrases(directory: Path) -> None:
    """feats, with an enrolment of two recordings, or one, a model; trials; mono."""
    model, lang, rng = small_model(), small_lang(), np.random.default_rng(4)
    shifts = {"ann": rng.normal(size=DIM), "tom": rng.normal(size=DIM)}
    names = [(f"{who}-{said}-{take}", who, said) for who in shifts for said in SAID for take in range(4)]
    names = sorted([*names, (SHORT, "tom", "s1")])
    frames = [
        (sample(model, lang, list(SAID[said]), seed) + shifts[who])[: 2 if name == SHORT else None].astype("f4")
        for seed, (name, who, said) in enumerate(names)
    ]
    tables = {"text": {name: " ".join(SAID[said]) for name, _, said in names}}
    tables["utt2sent"] = {name: said for name, _, said in names}
    write_speech(directory / "feats", {name: who for name, who, _ in names}, frames, **tables)
    models = {f"{who}_{said}": [f"{who}-{said}-0", f"{who}-{said}-1"] for who in shifts for said in SAID}
    models["tom_s1"] = ["tom-s1-0"]
    (directory / "feats/enrol_map").write_text("".join(f"{m} {' '.join(names)}\n" for m, names in models.items()))
    (directory / "feats/model2sent").write_text("".join(f"{m} {m[-2:]}\n" for m in models))
    tests = [name for name, _, _ in names if name[-1] in "238"]
    pairs = [pair for number, pair in enumerate(itertools.product(models, tests)) if number % 5]  # not all of them
    (directory / "trials").write_text("".join(f"{model} {test}\n" for model, test in pairs))
    (directory / "mono").mkdir()
    write_hmm(directory / "mono", model, lang)
