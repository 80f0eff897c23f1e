"""The scorer on real speakers: what copies, text-blind generators and a simple good one are known to reach there."""

from pathlib import Path

import numpy as np
import pytest

from local.capspeech import __main__ as prepare_capspeech
from steps.data import build_index, split_speakers
from steps.data.index import Index
from steps.generators.covariance import principal_subspace
from steps.generators.linear import LinearMap
from steps.generators.linear_generator import LinearGenerator
from steps.generators.mixture import Frame
from steps.score.data import GroupTexts, ScoreData, VectorSet
from steps.score.evaluation import Scorer


@pytest.fixture(scope="module")
def scorer(capspeech_libri: Path, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """The scorer of one split of the real speakers; the text of a group is its one-hot vector."""
    root = tmp_path_factory.mktemp("real")
    data, embeddings = str(capspeech_libri), str(capspeech_libri / "embeddings")
    words = ["--data_dir", data, "--embedding_dir", embeddings, "--out", str(root / "all")]
    assert prepare_capspeech.main(words) == 0
    assert split_speakers.main(["--data", str(root / "all"), "--out", str(root)]) == 0
    assert build_index.main(["--data", str(root), "--out", str(root / "index")]) == 0
    opened = [Index.open(root / "index" / name) for name in ("train", "dev", "test")]
    sets = [VectorSet(one.matrix(), np.array(one.speakers), np.array(one.groups)) for one in opened]
    groups = np.unique(sets[0].groups)
    texts = GroupTexts(np.eye(len(groups), dtype=np.float32), groups)
    return Scorer(ScoreData.build(*sets, {"seen": texts, "heldout": texts}), seed=0, n_draws=5)


def shared_gaussian(scorer: Scorer, blind: bool = False) -> LinearGenerator:
    """The mean of each group, or of all, and one shared full covariance, of the training speakers."""
    train, groups = scorer.data.train, scorer.data.texts["seen"].groups
    subspace = principal_subspace(train.x)
    y = subspace.to_latent(train.x.astype(float))
    means = np.array([y[(train.groups == group) | blind].mean(axis=0) for group in groups])
    residuals = y - means[np.searchsorted(groups, train.groups)]
    root = np.linalg.cholesky(residuals.T @ residuals / len(y))
    mean_of = LinearMap(np.linalg.solve(root, means.T).T, np.zeros(len(root)))
    return LinearGenerator(Frame(subspace.offset, subspace.basis @ root), mean_of, np.zeros(1), np.ones(1))


def test_real_speakers_are_as_far_from_each_other_as_is_known(scorer: Scorer):
    distances = scorer.yardsticks["distances"]
    assert distances["s2s"] == pytest.approx(0.26, abs=0.015)
    assert distances["t2s"] == pytest.approx(0.265, abs=0.02)


def test_classifiers_reach_what_is_known_on_held_out_speakers(scorer: Scorer):
    attributes = scorer.yardsticks["attributes"]
    assert attributes["gender"]["ceiling"] > 0.96
    assert 0.45 < attributes["pitch"]["ceiling"] < 0.65
    assert 0.45 < attributes["speaking_rate"]["ceiling"] < 0.62


def test_copies_are_at_the_ceiling_and_betrayed_by_distance(scorer: Scorer):
    copies, _ = scorer.evaluate_real("real_same_group")
    own = copies["samples"]["given"]
    assert all(figure["ratio"] == pytest.approx(1, abs=0.02) for figure in own["attributes"].values())
    assert own["frechet"]["ratio"] == pytest.approx(1, abs=0.06)
    assert own["distances"]["g2s"] == pytest.approx(0.123, abs=0.015)
    assert copies["memorisation"]["copies"] == copies["memorisation"]["n_samples"]


def test_a_shared_gaussian_obeys_and_a_text_blind_one_does_not(scorer: Scorer):
    generators = (shared_gaussian(scorer, blind) for blind in (False, True))
    good, blind = (scorer.score_generator(generator)["samples"]["seen"] for generator in generators)
    for name, figure in good["attributes"].items():
        assert figure["ratio"] == pytest.approx(1, abs=0.08)
        assert blind["attributes"][name]["accuracy"] < scorer.yardsticks["attributes"][name]["floor"] + 0.03
    for own in (good, blind):
        assert own["frechet"]["ratio"] == pytest.approx(1.05, abs=0.06)
        assert own["distances"]["g2s"] == pytest.approx(0.272, abs=0.015)
        assert own["distances"]["g2g"] == pytest.approx(0.275, abs=0.015)
    assert blind["frechet"]["mean_over_conditions"] > good["frechet"]["mean_over_conditions"] + 0.05
