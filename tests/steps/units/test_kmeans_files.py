"""Centroids of others: numpy's files and flat indexes of faiss are read, pickles are refused with what to do."""

import pickle
import struct

import numpy as np
import pytest

from steps.units.kmeans_files import read_centroids
from utils.errors import InputError

VALUES = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def flat_index(values: np.ndarray, kind: bytes = b"IxF2", metric: int = 1) -> bytes:
    """The bytes of faiss.write_index for an IndexFlatL2 of these vectors."""
    n, dim = values.shape
    head = struct.pack("<iqqq?i", dim, n, 1 << 20, 1 << 20, True, metric)
    return kind + head + struct.pack("<q", values.size) + values.tobytes()


@pytest.mark.parametrize("name", ["values", "centroids", "cluster_centers_", "anything"])
def test_arrays_of_numpy(tmp_path, name):
    np.savez(tmp_path / "km.npz", **{name: VALUES.astype(np.float64)})
    np.save(tmp_path / "km.npy", VALUES)
    for file in ("km.npz", "km.npy"):
        assert (read_centroids(tmp_path / file).values == VALUES).all()


def test_transforms_come_along(tmp_path):
    transform = np.ones((3, 8), np.float32)
    np.savez(tmp_path / "km.npz", centroids=VALUES, transform=transform, bias=np.zeros(3))
    assert read_centroids(tmp_path / "km.npz").dim == 8


def test_flat_indexes_of_faiss(tmp_path):
    (tmp_path / "km.index").write_bytes(flat_index(VALUES))
    assert (read_centroids(tmp_path / "km.index").values == VALUES).all()


def test_files_that_faiss_has_written(tmp_path):
    faiss = pytest.importorskip("faiss", reason="faiss is not installed")
    index = faiss.IndexFlatL2(3)
    index.add(VALUES)
    faiss.write_index(index, str(tmp_path / "km.index"))
    assert (tmp_path / "km.index").read_bytes() == flat_index(VALUES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"a": 1}), "steps.units.convert_kmeans"),
        (flat_index(VALUES)[:-1], "a whole file"),
        (flat_index(VALUES)[:20], "cut short"),
        (flat_index(VALUES, metric=0), "squared distances"),
        (flat_index(VALUES, kind=b"IwFl"), "IndexFlatL2"),
        (b"no file", "not readable"),
        (b"", "not readable"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path, content, message):
    (tmp_path / "km.bin").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_centroids(tmp_path / "km.bin")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": VALUES, "b": VALUES}, "expected one of values"),
        ({"values": VALUES[0]}, "shape"),
        ({"values": VALUES * np.nan}, "not finite"),
        ({"values": VALUES, "transform": VALUES}, "bias"),
    ],
)
def test_arrays_that_are_no_centroids_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "km.npz", **arrays)
    with pytest.raises(InputError, match=message):
        read_centroids(tmp_path / "km.npz")
