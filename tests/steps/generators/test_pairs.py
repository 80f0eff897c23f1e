"""Pairs: how much each embedding counts, sums over pairs, and what is read for which set."""

from dataclasses import replace

import numpy as np
import pytest

from steps.generators.linear import fit_ridge
from steps.generators.pairs import Pairs, load_pairs, sum_by
from tests.steps.generators.experiment import DIM, GROUPS, SETS, UTTERANCES, Experiment, write_experiment
from utils.errors import InputError


def by_hand(captions: int = 0) -> Pairs:
    """Three groups, of which one has no embeddings; four speakers, one of them in two groups; some captions."""
    rng = np.random.default_rng(0)
    speakers = np.array([0, 0, 0, 0, 1, 1, 1, 2, 3])
    groups = np.array([0, 0, 0, 2, 0, 0, 0, 2, 2])
    rows = np.arange(captions) * 2 % 9
    return Pairs(
        rng.normal(size=(9, 4)).astype(np.float32), speakers, groups, ["a", "b", "c"],
        rng.normal(size=(7, 5)).astype(np.float32), np.array([2, 0, 1, 0, 2, 0, 1]),
        rng.normal(size=(captions, 5)).astype(np.float32), rows,
    )  # fmt: skip


def all_pairs(pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Text, embedding and weight of every pair, one by one: the texts of an embedding share its weight."""
    texts, targets, weights = [], [], []
    for row, group in enumerate(pairs.groups):
        own = [*pairs.variants[pairs.variant_groups == group], *pairs.captions[pairs.caption_rows == row]]
        texts += own
        targets += [pairs.x[row]] * len(own)
        weights += [pairs.weights[row] / len(own)] * len(own)
    return np.array(texts, np.float64), np.array(targets, np.float64), np.array(weights)


def test_groups_and_speakers_count_alike():
    weights, pairs = by_hand().weights, by_hand()
    assert weights.sum() == pytest.approx(1)
    assert weights[pairs.groups == 0].sum() == pytest.approx(weights[pairs.groups == 2].sum()) == pytest.approx(0.5)
    # speaker 1 is in group 0 with all of three utterances, speaker 0 with three of four
    assert weights[pairs.speakers == 1].sum() == pytest.approx(
        weights[(pairs.speakers == 0) & (pairs.groups == 0)].sum() * 4 / 3
    )
    assert weights[7] == pytest.approx(weights[8]) == pytest.approx(4 * weights[3])


@pytest.mark.parametrize("captions", [0, 1, 6])
def test_aggregated_pairs_give_the_regression_over_all_pairs(captions):
    pairs = by_hand(captions)
    texts, means, weights = pairs.aggregated()
    assert weights.sum() == pytest.approx(1)
    summed = fit_ridge(texts, means, weights * 9, 0.1)
    one_by_one = all_pairs(pairs)
    wanted = fit_ridge(one_by_one[0], one_by_one[1], one_by_one[2] * 9, 0.1)
    np.testing.assert_allclose(summed.weights, wanted.weights, atol=1e-9)
    np.testing.assert_allclose(summed.offset, wanted.offset, atol=1e-9)


def test_a_group_without_text_is_an_error_unless_captions_describe_it():
    pairs = by_hand(captions=5)  # of rows 0 2 4 6 8
    mute = replace(pairs, variants=pairs.variants[:0], variant_groups=pairs.variant_groups[:0])
    with pytest.raises(InputError, match="'a' has training speakers but no text"):
        mute.aggregated()
    captioned = np.isin(np.arange(9), [0, 2, 4, 6, 8])
    assert mute.of_speakers(captioned).aggregated()[2].sum() == pytest.approx(1)


def test_part_of_the_speakers():
    pairs = by_hand(captions=6)
    part = pairs.of_speakers(pairs.speakers != 0)
    np.testing.assert_array_equal(part.x, pairs.x[4:])
    kept = pairs.caption_rows >= 4
    np.testing.assert_array_equal(part.captions, pairs.captions[kept])
    np.testing.assert_array_equal(part.x[part.caption_rows], pairs.x[pairs.caption_rows[kept]])


def test_sums_by_label():
    values = np.arange(12.0).reshape(6, 2)
    labels, weights = np.array([2, 0, 2, 2, 0, 3]), np.arange(6.0)
    wanted = [(values * weights[:, None])[labels == label].sum(axis=0) for label in range(5)]
    np.testing.assert_allclose(sum_by(labels, values, 5, weights), wanted)


def test_one_set_is_read_with_the_seen_variants(experiment: Experiment):
    pairs = experiment.pairs("train")
    assert pairs.x.shape == (len(SETS["train"]) * UTTERANCES, DIM)
    assert pairs.speakers.max() + 1 == len(SETS["train"])
    assert pairs.group_names == list(GROUPS)
    assert np.bincount(pairs.variant_groups).tolist() == [4, 4, 4, 4]  # the fifth of each group is held out
    assert len(pairs.captions) == 0


@pytest.mark.parametrize(("captions", "variants", "share"), [("beside", 16, 0.5), ("instead", 0, 1)])
def test_captions_belong_to_the_utterances_of_the_set(tmp_path, captions, variants, share):
    made = write_experiment(tmp_path, captions=captions)
    for name in ("train", "dev"):
        pairs = made.pairs(name)
        assert len(pairs.variants) == variants
        assert len(pairs.captions) == share * len(pairs.x)
        assert set(pairs.caption_rows) <= set(range(len(pairs.x)))
        assert pairs.aggregated()[2].sum() == pytest.approx(1)


def test_a_text_without_vector_is_named(tmp_path):
    made = write_experiment(tmp_path)
    scp = made.text_vectors / "text_vec.scp"
    scp.write_text("".join(line for line in scp.open() if not line.startswith("male_low-v02")))
    with pytest.raises(InputError, match="text_vec.scp: no line for 'male_low-v02'"):
        load_pairs(made.index / "train", made.descriptions, made.text_vectors)
