"""The closed form by sums is the direct one: whatever the groups, the folds and the linear path; on a GPU too."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from steps.generators.mdn.closed_form import ClosedForm, by_sums, direct
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.start import make_start
from steps.generators.pairs import Pairs
from tests.steps.generators.experiment import Experiment
from utils.errors import InputError

OPTIONS = MdnOptions(hidden=16, n_components=4, folds=5)
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")),
]


@pytest.fixture(scope="module")
def train(experiment: Experiment) -> Pairs:
    return experiment.pairs("train")


def of_kind(train: Pairs, kind: str) -> Pairs:
    """The pairs as they are; far from zero; with a group of one speaker; with groups that change within a speaker."""
    if kind == "far":
        return replace(train, x=train.x + np.float32(50), variants=train.variants + 3)
    if kind == "one speaker":
        alone = train.speakers[np.flatnonzero(train.groups == 3)[0]]
        return train.of_speakers((train.groups != 3) | (train.speakers == alone))
    if kind == "within speakers":
        return replace(train, groups=np.arange(len(train.x)) % len(train.group_names))
    return train


def differences(one: ClosedForm, other: ClosedForm) -> dict[str, float]:
    """The largest differences of what the start is made of."""
    frames = [form.subspace.basis @ form.spread.root for form in (one, other)]
    paths = [form.subspace.to_embedding(form.mean_of(np.eye(form.mean_of.weights.shape[0]))) for form in (one, other)]
    pairs = {"frame": frames, "path": paths, "latent": (one.latent, other.latent), "radii": (one.radii, other.radii)}
    return {name: float(np.abs(a - b).max()) for name, (a, b) in pairs.items()}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("linear_path", [True, False])
@pytest.mark.parametrize("kind", ["as it is", "far", "one speaker", "within speakers"])
def test_sums_give_the_direct_closed_form(train, kind, linear_path, device):
    pairs, options = of_kind(train, kind), replace(OPTIONS, linear_path=linear_path)
    found, wanted = by_sums(pairs, options, device, lambda: None), direct(pairs, options, lambda: None)
    np.testing.assert_allclose(found.spread.variances, wanted.spread.variances, rtol=1e-9)
    np.testing.assert_allclose(found.centre, wanted.centre, atol=1e-9 * np.abs(wanted.latent).max())
    assert found.latent.dtype == np.float32
    largest = differences(found, wanted)
    assert largest.pop("latent") < 1e-5 * np.abs(wanted.latent).max()
    assert max(largest.values()) < 1e-8 * max(1, np.abs(pairs.x).max()), largest


def test_sums_refuse_what_the_direct_form_refuses(train):
    mute = train.variant_groups != 2
    without = replace(train, variants=train.variants[mute], variant_groups=train.variant_groups[mute])
    for solve in (
        lambda: by_sums(without, OPTIONS, "cpu", lambda: None),
        lambda: direct(without, OPTIONS, lambda: None),
    ):
        with pytest.raises(InputError, match="has training speakers but no text"):
            solve()
    with pytest.raises(InputError, match="too few for 41 folds"):
        by_sums(train, replace(OPTIONS, folds=41), "cpu", lambda: None)
    with pytest.raises(InputError, match="all training embeddings are the same vector"):
        by_sums(replace(train, x=np.ones_like(train.x)), OPTIONS, "cpu", lambda: None)


def test_a_large_corpus_starts_by_sums_and_one_with_captions_does_not(train, monkeypatch):
    monkeypatch.setattr("steps.generators.mdn.start.DIRECT", 100)
    captions = replace(train, captions=train.variants[:1], caption_rows=np.array([7]))
    for pairs, expected in ((train, "by_sums"), (captions, "direct")):
        with monkeypatch.context() as patched:
            patched.delattr(f"steps.generators.mdn.start.{'direct' if expected == 'by_sums' else 'by_sums'}")
            assert make_start(pairs, OPTIONS).latent.shape[0] == len(train.x)
