"""Pool averages: who is averaged, norms, and small pools."""

import numpy as np
import pytest

from steps.generators.contract import load_generator
from steps.generators.rivals.pool_generator import PoolAverages, PoolOptions, fit_pool
from tests.steps.generators.experiment import Experiment
from utils.errors import InputError
from utils.vectors import unit_rows


def test_the_mean_is_of_far_speakers_alone():
    pool = np.eye(8, dtype=np.float32) + np.float32(0.1) * np.arange(8, dtype=np.float32)
    x, sources = PoolAverages(pool, farthest=3, averaged=2, norm=0).sample(np.random.default_rng(0), 200)
    cosines = unit_rows(pool) @ unit_rows(pool).T
    for one, source in zip(x, sources, strict=True):
        far = np.argsort(cosines[source])[:3]
        pairs = [pool[list(pair)].mean(axis=0) for pair in (far[[0, 1]], far[[0, 2]], far[[1, 2]])]
        assert min(np.abs(one - pair).max() for pair in pairs) < 1e-6
    assert set(sources) == set(range(8))


def test_samples_have_the_mean_norm_on_request(rivals, experiment: Experiment):
    train = experiment.pairs("train")
    text, rng = train.variants[:1], np.random.default_rng(0)
    scaled = load_generator(rivals["pool_scaled"]).mixtures(text)[0].sample(rng, 50)[0]
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), np.linalg.norm(train.x, axis=1).mean(), rtol=1e-5)
    plain = load_generator(rivals["pool"]).mixtures(text)[0].sample(rng, 50)[0]
    assert np.linalg.norm(plain, axis=1).mean() < np.linalg.norm(scaled, axis=1).mean()


def test_a_text_chooses_the_pool_of_its_gender(experiment: Experiment):
    train = experiment.pairs("train")
    generator = fit_pool(train, train, PoolOptions(farthest=200, averaged=1))
    for text, group in zip(train.variants, train.variant_groups, strict=True):
        mine = [name.split("_")[0] == train.group_names[group].split("_")[0] for name in train.group_names]
        own = train.x[np.array(mine)[train.groups]]
        of_pool = generator.mixtures(text[None])[0].pool
        np.testing.assert_allclose(of_pool.mean(axis=0), own.mean(axis=0), atol=1e-4)
    assert len(fit_pool(train, train, PoolOptions(by="none")).pools[0].pool) == 40


def test_a_small_pool_is_told(experiment: Experiment, caplog):
    train = experiment.pairs("train")
    assert [(one.farthest, one.averaged) for one in fit_pool(train, train, PoolOptions()).pools] == [(10, 5), (10, 5)]
    assert "a pool of 20 speakers: 5 of the farthest 10 are averaged, not 100 of 200" in caplog.text


def test_there_is_no_spread_to_change(rivals, experiment: Experiment):
    made = load_generator(rivals["pool"]).mixtures(experiment.pairs("test").variants[:1])[0]
    assert made.tempered(2.0, 1.0) is made
    with pytest.raises(InputError, match=r"spread temperature 0.5: averages over a pool .* leave it at 1"):
        made.tempered(1.0, 0.5)
