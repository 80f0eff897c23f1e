"""A k-means of scikit-learn in a file of joblib gives its centroids, and what else is in the file never runs."""

import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest

from steps.units import convert_kmeans
from steps.units.kmeans_files import read_centroids
from tests.steps.units.speech import random_frames


def fitted(dtype: str = "float32"):
    from sklearn.cluster import MiniBatchKMeans

    return MiniBatchKMeans(6, n_init=1, max_iter=2, random_state=0).fit(random_frames(300, 5).astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("protocol", [2, 3, 5])
def test_centroids_are_taken_out(tmp_path, dtype, protocol):
    model = fitted(dtype)
    joblib.dump(model, tmp_path / "km.bin", protocol=protocol)
    assert convert_kmeans.main(["--file", str(tmp_path / "km.bin"), "--out", str(tmp_path / "km.npz")]) == 0
    found = read_centroids(tmp_path / "km.npz")
    assert (found.values == model.cluster_centers_.astype(np.float32)).all()
    frames = random_frames(500, 5, seed=1)
    assert dtype != "float32" or (found.units(frames) == model.predict(frames)).all()


class Trap:
    """An object that would make a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_code_in_a_file_does_not_run(tmp_path, capsys):
    model = fitted()
    model.trap = Trap(tmp_path / "trapped")
    joblib.dump(model, tmp_path / "km.bin")
    assert convert_kmeans.main(["--file", str(tmp_path / "km.bin"), "--out", str(tmp_path / "km.npz")]) == 0
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"a": [1, 2]}), "no array cluster_centers_"),
        (pickle.dumps({"a": 1})[:-3], "not readable"),
        (b"\x80\x04no pickle", "not readable"),
    ],
)
def test_files_without_centroids_are_named(tmp_path, capsys, content, message):
    (tmp_path / "km.bin").write_bytes(content)
    assert convert_kmeans.main(["--file", str(tmp_path / "km.bin"), "--out", str(tmp_path / "km.npz")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "km.npz").exists()
