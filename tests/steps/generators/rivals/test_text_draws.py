"""Texts of embeddings: all that belong to one, and no other, each as likely."""

import numpy as np
import pytest

from steps.generators.rivals.text_draws import TextDraws
from tests.steps.generators.experiment import write_experiment


@pytest.mark.parametrize("captions", ["none", "beside", "instead"])
def test_an_embedding_has_its_own_texts(tmp_path, captions):
    pairs = write_experiment(tmp_path / "made", captions=captions).pairs("train")
    draws = TextDraws(pairs)
    rows = np.repeat(np.arange(len(pairs.x)), 60)
    texts = draws.draw(np.random.default_rng(0), rows)
    for row in (0, 1, 50, len(pairs.x) - 1):
        own = set(np.flatnonzero(pairs.variant_groups == pairs.groups[row]))
        own |= set(len(pairs.variants) + np.flatnonzero(pairs.caption_rows == row))
        assert set(texts[rows == row]) == own and len(own) == pairs.texts_of_row[row]
    rows, some, weights = draws.some()
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.bincount(rows, weights), pairs.weights)
    pairs_of = set(zip(rows.tolist(), some.tolist(), strict=True))
    assert len(pairs_of) == len(rows)  # no text twice
