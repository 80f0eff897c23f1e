"""k-means: ids are those of scikit-learn, and a model has the same bytes whatever the number of jobs."""

from pathlib import Path

import numpy as np
import pytest

from steps.data.unit_sequences import UnitsDir
from steps.features import compute as features_compute
from steps.features import merge as features_merge
from steps.features import plan as features_plan
from steps.units import train
from steps.units.centroids import Centroids
from steps.units.kmeans_dir import read_kmeans
from tests.steps.units.speech import encode, random_frames, write_speech
from utils.data_dir import DataDir


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A directory with data, feats and kmeans."""
    root = tmp_path_factory.mktemp("units")
    data = write_speech(root)
    given = ["--data", str(data), "--out", str(root / "feats"), "--type", "mfcc", "--set", "preset=notebook"]
    assert [one.main(given) for one in (features_plan, features_compute, features_merge)] == [0, 0, 0]
    assert train.main(words(root)) == 0
    return root


def words(root: Path, out: str = "kmeans", *more: str) -> list[str]:
    given = ["--feats", str(root / "feats"), "--out", str(root / out), "--units", "8", "--shard_frames", "100"]
    return [*given, "--passes", "12", *more]


@pytest.mark.parametrize(("dim", "k"), [(13, 100), (39, 7)])
def test_ids_are_those_of_scikit_learn(dim, k):
    from sklearn.cluster import KMeans

    frames = random_frames(5000, dim)
    fitted = KMeans(k, n_init=1, max_iter=3, random_state=0).fit(frames)
    own = Centroids(np.ascontiguousarray(fitted.cluster_centers_, np.float32))
    assert (own.units(frames) == fitted.predict(frames)).all()
    assert (np.concatenate([own.units(part) for part in np.array_split(frames, 37)]) == own.units(frames)).all()


def test_transform_and_scale_come_before_the_distances():
    rng = np.random.default_rng(1)
    frames, values = random_frames(200, 6), rng.normal(size=(5, 3)).astype(np.float32)
    transform, bias = rng.normal(size=(3, 6)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    changed = frames @ transform.T + bias
    wanted = ((changed[:, None] - values) ** 2).sum(axis=2).argmin(axis=1)
    assert (Centroids(values, transform=transform, bias=bias).units(frames) == wanted).all()
    scaled = Centroids(values[:, :3], np.ones(3, np.float32), np.full(3, 2, np.float32))
    wanted = (((changed[:, None] - 1) / 2 - values) ** 2).sum(axis=2).argmin(axis=1)
    assert (scaled.units(changed) == wanted).all()


def test_number_of_jobs_does_not_change_a_byte(corpus):
    for job in (2, 1):
        assert train.main(words(corpus, "of_jobs", "--nj", "2", "--job", str(job))) == 0
    assert train.main(words(corpus, "of_jobs")) == 0
    for name in ("kmeans.safetensors", "features.json", "passes.tsv"):
        assert (corpus / "of_jobs" / name).read_bytes() == (corpus / "kmeans" / name).read_bytes()


def test_passes_do_not_make_the_distance_larger(corpus):
    rows = [line.split("\t") for line in (corpus / "kmeans/passes.tsv").read_text().splitlines()[1:]]
    distances = [float(row[1]) for row in rows]
    assert all(after <= before + 1e-5 for before, after in zip(distances, distances[1:], strict=False))
    assert len(read_kmeans(corpus / "kmeans")) == 8


def test_another_seed_begins_elsewhere(corpus):
    assert train.main(words(corpus, "other", "--seed", "1")) == 0
    assert (read_kmeans(corpus / "other").values != read_kmeans(corpus / "kmeans").values).any()


@pytest.mark.parametrize(
    ("more", "message"), [(["--units", "900"], "frames for 900 units"), (["--start_frames", "3"], "--start_frames 3")]
)
def test_too_few_frames_are_refused(corpus, capsys, more, message):
    assert train.main(words(corpus, "few", *more)) == 1
    assert message in capsys.readouterr().err
    assert not (corpus / "few").exists()


def test_encoding_gives_the_unit_of_each_frame(corpus):
    assert encode(corpus / "data", corpus / "kmeans", corpus / "exp") == 0
    units = UnitsDir(corpus / "exp")
    assert units.info.n_units == 8 and units.info.frame_seconds == 0.01
    from steps.features.feats_dir import FeatsDir

    feats, centroids = FeatsDir(corpus / "feats"), read_kmeans(corpus / "kmeans")
    for utterance in units.utterances:
        assert (units.frames(utterance) == centroids.units(feats.read(utterance))).all()
    table = DataDir(corpus / "exp").table("utt2num_frames")
    assert table == DataDir(corpus / "feats").table("utt2num_frames")


def test_jobs_and_shards_do_not_change_the_units(corpus):
    assert encode(corpus / "data", corpus / "kmeans", corpus / "exp1", "--shard_seconds", "1") == 0
    assert encode(corpus / "data", corpus / "kmeans", corpus / "exp3", "--shard_seconds", "1", nj=3) == 0
    for name in ("units.ark", "durations.ark", "units.json", "summary.json", "utt2num_units"):
        assert (corpus / "exp1" / name).read_bytes() == (corpus / "exp3" / name).read_bytes()


def test_models_that_are_none_are_named(corpus, tmp_path, capsys):
    assert encode(corpus / "data", tmp_path / "nothing", tmp_path / "exp") == 1
    assert "--model" in capsys.readouterr().err
    assert encode(corpus / "data", corpus / "feats", tmp_path / "exp") == 1
    assert "steps/units/train.sh writes" in capsys.readouterr().err
