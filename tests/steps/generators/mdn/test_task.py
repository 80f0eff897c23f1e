"""Training: what a batch is worth, that it learns, when it stops, how it resumes, what it refuses."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from steps.generators.linear_generator import RidgeOptions, fit_ridge_generator, mean_log_density
from steps.generators.mdn.batches import Batches
from steps.generators.mdn.fit import fit_mdn
from steps.generators.mdn.generator import MdnGenerator
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.start import make_start
from steps.generators.pairs import Pairs
from steps.training.workplace import Workplace
from tests.steps.generators.conftest import ROOT
from tests.steps.generators.experiment import Experiment
from utils.errors import InputError
from utils.settings import read_conf

OPTIONS = MdnOptions(hidden=16, n_components=3, folds=5, epochs=6, lr=1e-3)
PLAIN = replace(OPTIONS, covariance="diagonal", linear_path=False, spread=1.0)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def train(experiment: Experiment) -> Pairs:
    return experiment.pairs("train")


@pytest.fixture(scope="module")
def dev(experiment: Experiment) -> Pairs:
    return experiment.pairs("dev")


def history(directory: Path) -> list[dict]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def with_captions(pairs: Pairs, kind: str) -> Pairs:
    """Captions of some embeddings: beside the variants, instead of them, or instead of those of one group."""
    rng = np.random.default_rng(0)
    rows = {"few": np.array([7]), "beside": np.arange(0, len(pairs.x), 3), "instead": np.arange(len(pairs.x))}.get(kind)
    keep = pairs.variant_groups >= 0
    if kind == "one group":
        rows, keep = np.flatnonzero(pairs.groups == 1), pairs.variant_groups != 1
    if kind == "instead":
        rows, keep = np.append(rows, rows[:5]), ~keep  # some have two
    captions = rng.normal(size=(len(rows), pairs.text_dim)).astype(np.float32)
    return replace(
        pairs, captions=captions, caption_rows=rows, variants=pairs.variants[keep],
        variant_groups=pairs.variant_groups[keep],
    )  # fmt: skip


@pytest.mark.parametrize("options", [OPTIONS, PLAIN], ids=["shared", "diagonal"])
@pytest.mark.parametrize("kind", ["none", "few", "beside", "instead", "one group"])
def test_a_batch_is_worth_the_mean_over_the_texts_of_each_embedding(train, kind, options):
    pairs = train if kind == "none" else with_captions(train, kind)
    begin = make_start(pairs, options)
    torch.nn.init.normal_(begin.network.shifts.weight, std=0.3)  # texts matter
    batches = Batches(pairs, begin.latent, CPU)
    rows = np.random.default_rng(1).permutation(len(train.x))[:50]
    found = batches.log_density(begin.network, rows)
    generator = MdnGenerator(begin.network.weights(), begin.frame, 1.0)
    in_order = rows[np.argsort(pairs.groups[rows], kind="stable")]
    for row, value in list(zip(in_order, found.tolist(), strict=True))[::5]:
        texts = [*pairs.variants[pairs.variant_groups == pairs.groups[row]], *pairs.captions[pairs.caption_rows == row]]
        at = begin.frame.to_embedding(begin.latent[row : row + 1].astype(np.float64))
        wanted = np.mean(generator.log_density(at, np.array(texts))) + begin.frame.log_volume
        assert value == pytest.approx(wanted, rel=1e-3)
    found.mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in begin.network.parameters() if p.grad is not None)


def test_the_dev_figure_is_balanced_and_does_not_depend_on_the_chunk(train):
    begin = make_start(train, OPTIONS)
    batches = Batches(train, begin.latent, CPU)
    figures = [batches.balanced_log_density(begin.network, chunk) for chunk in (7, 64, 10_000)]
    assert figures[0] == pytest.approx(figures[1], rel=1e-6) == pytest.approx(figures[2], rel=1e-6)


def test_dev_nll_is_that_of_the_generator(train, dev, tmp_path):
    generator = fit_mdn(train, dev, replace(OPTIONS, spread=1.0), Workplace(tmp_path, "cpu"))
    best = min(history(tmp_path), key=lambda row: row["dev_nll"])
    assert -mean_log_density(generator, dev) == pytest.approx(best["dev_nll"], rel=1e-4)


@pytest.mark.parametrize(
    ("n", "shipped", "given"),
    [(7, 7, 7), (1_300, 100, 10), (13_000, 100, 10), (20_000, 65, 10), (81_000, 16, 10), (10**6, 123, 123)],
)
def test_updates_of_an_epoch_follow_from_the_size_of_the_corpus_where_the_conf_says_so(n, shipped, given):
    assert MdnOptions(**read_conf(MdnOptions, ROOT / "conf" / "mdn_plain.yaml")).n_updates(n) == shipped
    assert MdnOptions().n_updates(n) == given


def test_draws_follow_the_weights(train):
    batches = Batches(train, np.zeros((len(train.x), 2), np.float32), CPU)
    rng = np.random.default_rng(0)
    drawn = np.concatenate([np.concatenate(batches.draw(rng, 10)) for _ in range(200)])
    share = np.bincount(drawn, minlength=len(train.x)) / len(drawn)
    np.testing.assert_allclose(share, train.weights, atol=0.1 / len(train.x))
    parts = batches.draw(rng, 10)
    assert [len(part) for part in parts] == [16] * 10
    assert np.mean([len(np.unique(train.groups[part])) for part in parts]) > 3.5  # mixed over groups


def test_some_variants_stand_for_all_of_their_group(train):
    begin = make_start(train, OPTIONS)
    torch.nn.init.normal_(begin.network.shifts.weight, std=0.1)  # texts matter
    batches, rows = Batches(train, begin.latent, CPU), np.arange(0, len(train.x), 3)
    rng = np.random.default_rng(0)
    with torch.inference_mode():
        whole = batches.log_density(begin.network, rows)
        draws = [batches.some_variants(rng, 2) for _ in range(300)]
        parts = torch.stack([batches.log_density(begin.network, rows, variants) for variants in draws])
        every = batches.log_density(begin.network, rows, batches.some_variants(rng, 9))
    assert all(np.bincount(np.searchsorted(batches.bounds, some, "right") - 1).tolist() == [2] * 4 for some in draws)
    torch.testing.assert_close(every, whole)
    assert parts.std(0).mean() > 0.02
    assert ((parts.mean(0) - whole).abs() < 5 * parts.std(0) / 300**0.5).all()  # unbiased


def two_voices(n_speakers: int, seed: int) -> Pairs:
    """Four groups; in the last one, speakers come in two kinds, far apart: no linear map and one shape can say that."""
    rng = np.random.default_rng(seed)
    speakers = np.arange(n_speakers * 4) // 4
    groups = speakers % 4
    texts = np.repeat(np.eye(4, dtype=np.float32), 3, axis=0)
    texts += 0.05 * np.random.default_rng(9).normal(size=texts.shape).astype(np.float32)
    voices = rng.normal(size=(n_speakers, 6)) + 2 * np.eye(4, 6)[np.arange(n_speakers) % 4]
    voices[:, 5] += np.where(np.arange(n_speakers) % 4 == 3, np.where(rng.random(n_speakers) < 0.5, 6, -6), 0)
    x = (voices[speakers] + 0.3 * rng.normal(size=(len(speakers), 6))).astype(np.float32)
    return Pairs(x, speakers, groups, list("abcd"), texts, np.arange(12) // 3, texts[:0], np.zeros(0, dtype=np.int64))


@pytest.mark.parametrize(("covariance", "gain"), [("shared", 0.2), ("diagonal", 0.5)])
def test_what_is_not_linear_is_learned(tmp_path, covariance, gain):
    train, dev, test = (two_voices(n, seed) for n, seed in ((400, 0), (200, 1), (200, 2)))
    options = MdnOptions(
        n_components=8, hidden=64, lr=3e-3, epochs=40, spread=1.0, covariance=covariance,
        linear_path=covariance == "shared",
    )  # fmt: skip
    generator = fit_mdn(train, dev, options, Workplace(tmp_path, "cpu"))
    ridge = fit_ridge_generator(train, dev, RidgeOptions())
    rows = history(tmp_path)
    assert min(row["dev_nll"] for row in rows) < rows[0]["dev_nll"] - gain
    assert mean_log_density(generator, test) > mean_log_density(ridge, test) + gain
    # the two kinds are two modes for text d, and for no other
    side = [np.abs(mixture.sample(np.random.default_rng(0), 500)[0][:, 5]) for mixture in generator.mixtures(np.eye(4))]
    assert [bool((some > 3).mean() > 0.6) for some in side] == [False, False, False, True]


@pytest.mark.parametrize("options", [OPTIONS, PLAIN], ids=["shared", "diagonal"])
def test_resumed_training_ends_with_the_same_bits(train, dev, tmp_path, options):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    fit_mdn(train, dev, options, Workplace(tmp_path / "whole", "cpu")).save(tmp_path / "whole")
    for epochs in (0, 1, 4, 6, 6):
        fit_mdn(train, dev, replace(options, epochs=epochs), Workplace(tmp_path / "parts", "cpu")).save(
            tmp_path / "parts"
        )
    names = sorted(file.name for file in (tmp_path / "whole").iterdir())
    assert names == [
        "best.safetensors", "curve.png", "generator.json", "last.safetensors", "metrics.jsonl", "weights.safetensors",
    ]  # fmt: skip
    for name in names:
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_the_best_epoch_is_kept_and_patience_ends_training(train, dev, tmp_path):
    wild = replace(PLAIN, lr=0.05, epochs=60, patience=4, lr_patience=1)
    generator = fit_mdn(train, dev, wild, Workplace(tmp_path, "cpu"))
    rows = history(tmp_path)
    losses = [row["dev_nll"] for row in rows]
    best = int(np.argmin(losses))
    assert [row["epoch"] for row in rows] == list(range(best + 5)) and len(rows) < 61
    assert -mean_log_density(generator, dev) == pytest.approx(losses[best], rel=1e-4)
    kept = load_file(tmp_path / "best.safetensors")["network.logits.bias"]
    np.testing.assert_array_equal(kept, generator.network.arrays["logits.bias"])


def test_a_plateau_halves_the_learning_rate(train, dev, tmp_path):
    fit_mdn(train, dev, replace(PLAIN, lr=0.05, epochs=30, patience=30, lr_patience=1), Workplace(tmp_path, "cpu"))
    rates = [row["lr"] for row in history(tmp_path)]
    assert rates[0] == 0.05 and rates[-1] < 0.02
    assert all(b in (a, a / 2) for a, b in zip(rates, rates[1:], strict=False))


def test_metrics_have_a_line_an_epoch_and_the_curve_is_a_picture(train, dev, tmp_path):
    fit_mdn(train, dev, OPTIONS, Workplace(tmp_path, "cpu"))
    rows = history(tmp_path)
    assert [row["epoch"] for row in rows] == list(range(7))
    assert rows[0]["train_nll"] is None and all(math.isfinite(row["train_nll"]) for row in rows[1:])
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_an_exploding_loss_stops_with_its_step_and_leaves_the_last_good_checkpoint(train, dev, tmp_path):
    with pytest.raises(InputError, match=r"the loss became \S+ at update \d+ of 10 of epoch 1; last.safetensors is "):
        fit_mdn(train, dev, replace(PLAIN, lr=1e30), Workplace(tmp_path, "cpu"))
    assert all(value.isfinite().all() for value in load_file(tmp_path / "last.safetensors").values())
    assert [row["epoch"] for row in history(tmp_path)] == [0]


def test_weights_that_explode_with_the_last_update_are_not_saved(train, dev, tmp_path):
    wild = replace(PLAIN, lr=1e30, updates_per_epoch=1)
    with pytest.raises(InputError, match="dev_nll became nan at the end of epoch 1; .* of epoch 0; lower lr"):
        fit_mdn(train, dev, wild, Workplace(tmp_path, "cpu"))
    assert all(value.isfinite().all() for value in load_file(tmp_path / "last.safetensors").values())
    assert [row["epoch"] for row in history(tmp_path)] == [0]


def test_texts_that_are_not_finite_stop_before_anything_is_saved(train, dev, tmp_path):
    spoilt = replace(dev, variants=np.full_like(dev.variants, np.inf))
    with pytest.raises(InputError, match="dev_nll became nan at the end of epoch 0; nothing is learned yet"):
        fit_mdn(train, spoilt, OPTIONS, Workplace(tmp_path, "cpu"))
    assert list(tmp_path.iterdir()) == []
