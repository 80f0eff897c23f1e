"""Rivals that are mixtures: the nearest text's embeddings with jitter, and principal directions."""

from dataclasses import replace

import numpy as np

from steps.generators.contract import load_generator
from steps.generators.linear_generator import mean_log_density
from steps.generators.rivals.pca_gmm import PcaGmmOptions, fit_pca_gmm
from steps.generators.rivals.resampled_generator import NearestTextOptions, fit_nearest_text
from tests.steps.generators.experiment import Experiment, write_experiment


def test_little_jitter_gives_the_embeddings_of_the_nearest_text(experiment: Experiment):
    train = experiment.pairs("train")
    generator = fit_nearest_text(train, train, NearestTextOptions(jitter=1e-3, subspace_floor=1e-6))
    for text, group in zip(train.variants[::4], train.variant_groups[::4], strict=True):
        x, components = generator.mixtures(text[None])[0].sample(np.random.default_rng(0), 40)
        own = train.x[train.groups == group]
        np.testing.assert_allclose(x, own[components], atol=0.03)


def test_a_speaker_counts_as_one_however_much_it_says(experiment: Experiment):
    train = experiment.pairs("train")
    keep = (train.speakers != train.speakers[0]) | (np.arange(len(train.x)) == 0)  # of the first speaker one utterance
    less = train.of_speakers(keep)
    mixture = fit_nearest_text(less, less, NearestTextOptions()).mixtures(less.variants[:1])[0]
    weights = np.exp(mixture.log_weights)
    mine = less.speakers[less.groups == less.variant_groups[0]]
    np.testing.assert_allclose(np.bincount(mine, weights)[np.unique(mine)], 1 / len(np.unique(mine)))


def test_captions_lead_to_their_speaker(tmp_path):
    train = write_experiment(tmp_path / "captions", captions="beside").pairs("train")
    mixture = fit_nearest_text(train, train, NearestTextOptions()).mixtures(train.captions[5:6])[0]
    assert len(mixture.log_weights) == (train.speakers == train.speakers[train.caption_rows[5]]).sum() == 4
    several = fit_nearest_text(train, train, NearestTextOptions(n_texts=10**6)).mixtures(train.captions[5:6])[0]
    assert len(several.log_weights) == len(train.x)


def test_dev_speakers_choose_the_number_of_components(experiment: Experiment, caplog):
    caplog.set_level("INFO")
    train, dev = experiment.pairs("train"), experiment.pairs("dev")
    made = {n: fit_pca_gmm(train, dev, PcaGmmOptions(n_components=(n,))) for n in (1, 3, 9)}
    found = {n: mean_log_density(generator, dev) for n, generator in made.items()}
    best = max(found, key=found.get)
    chosen = fit_pca_gmm(train, dev, PcaGmmOptions(n_components=(1, 3, 9)))
    assert len(chosen.table[0].log_weights) == best and f"nats; {best} components" in caplog.text
    assert len(fit_pca_gmm(train, dev, replace(PcaGmmOptions(), n_components=(10**4,))).table[0].log_weights) == 1


def test_samples_of_principal_directions_keep_what_is_constant(rivals, experiment: Experiment):
    x = (
        load_generator(rivals["pca_gmm"])
        .mixtures(experiment.pairs("test").variants[:1])[0]
        .sample(np.random.default_rng(0), 100)[0]
    )
    np.testing.assert_allclose(x[:, 7], 3, atol=1e-4)
    np.testing.assert_allclose(x[:, 9], x[:, 0] + x[:, 1], atol=1e-3)
