"""Transforms before PLDA: dead dimensions leave no trace, projections have the variances they promise."""

import numpy as np
import pytest

from steps.metrics.plda import PldaSettings, fit_plda, speaker_statistics
from steps.metrics.speaker_transform import PROJECTIONS, TransformSettings, fit_transform
from utils.errors import InputError


def voices(dim: int = 5, n_speakers: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, D) of speakers (N,) with three utterances each."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(n_speakers), 3)
    scale = np.linspace(0.5, 3, dim)
    mixing = rng.normal(size=(dim, dim))
    return (
        rng.normal(size=(n_speakers, dim))[speakers] * scale + rng.normal(size=(len(speakers), dim))
    ) @ mixing, speakers


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.field_case("Dimensions that are zero throughout (Resemblyzer's) in front of whitening, LDA and PLDA")
def test_dead_dimensions_change_no_score(projection):
    x, speakers = voices()
    rng = np.random.default_rng(1)
    padded = np.hstack([np.zeros((len(x), 2)), x, np.full((len(x), 1), 7.0), x[:, :1]])
    found = []
    for one in (x, padded):
        transform = fit_transform(one, speakers, TransformSettings(projection))
        assert transform.projection.shape == (5, one.shape[1])
        y = transform(one)
        model = fit_plda(y, speakers, PldaSettings())
        found.append(model.scores(y[:10], np.ones(10), y[rng.permutation(10)]) if one is x else None)
        assert np.isfinite(model.scores(y[:10], np.ones(10), y)).all()
    if projection == "lda":  # which does not depend on the scale of the dimensions, so the copy of one says nothing new
        again = fit_plda(y, speakers, PldaSettings()).scores(
            y[:10], np.ones(10), y[np.random.default_rng(1).permutation(10)]
        )
        np.testing.assert_allclose(again, found[0], rtol=1e-5, atol=1e-6)


def test_projections_keep_their_promises():
    x, speakers = voices()
    plain = {one: fit_transform(x, speakers, TransformSettings(one, length_norm=False))(x) for one in PROJECTIONS}
    np.testing.assert_allclose(np.linalg.norm(plain["none"], axis=1), np.linalg.norm(x - x.mean(axis=0), axis=1))
    np.testing.assert_allclose(np.cov(plain["whitening"], rowvar=False, bias=True), np.eye(5), atol=1e-9)
    within = speaker_statistics(plain["lda"], speakers).scatter / (len(x) - 200)
    np.testing.assert_allclose(within, np.eye(5), atol=1e-9)
    spread = speaker_statistics(plain["lda"], speakers).means.var(axis=0)
    assert (np.diff(spread) < 0).all()
    for one in PROJECTIONS:
        lengths = np.linalg.norm(fit_transform(x, speakers, TransformSettings(one, dim=3))(x), axis=1)
        np.testing.assert_allclose(lengths, np.sqrt(3))


def test_a_shrunk_covariance_needs_no_more_differences_than_dimensions():
    x, speakers = voices()
    few, own = x[:6], speakers[:6]
    with pytest.raises(InputError, match="more than"):
        fit_transform(few, own, TransformSettings())
    shrunk = TransformSettings(shrinkage=0.5, length_norm=False)
    assert fit_transform(few, own, shrunk)(few).shape == few.shape
    with pytest.raises(InputError, match="each of the 4 speakers has one utterance"):
        fit_transform(few[:4], np.arange(4), shrunk)
    nearly = fit_transform(x, speakers, TransformSettings(shrinkage=1e-12, length_norm=False))
    plain = fit_transform(x, speakers, TransformSettings(length_norm=False))
    np.testing.assert_allclose(np.abs(nearly.projection), np.abs(plain.projection), rtol=1e-6)


def test_more_dimensions_than_there_are_is_an_error():
    x, speakers = voices()
    with pytest.raises(
        InputError, match="9 dimensions are asked for, but the training embeddings vary in 5 directions"
    ):
        fit_transform(x, speakers, TransformSettings(dim=9))
    with pytest.raises(InputError, match="all training embeddings are the same vector"):
        fit_transform(np.ones((8, 3)), np.arange(8) // 2, TransformSettings())
