"""Vectors as anyone has written them: which file of a directory is taken, what it holds, and what is refused."""

import gzip
from collections.abc import Callable
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from steps.data.vector_files import files_behind, find_vectors, read_vector_files
from utils.archive_writer import write_vectors
from utils.errors import InputError

IDS = ["a-1", "a-2", "b-1"]
X = np.arange(12, dtype=np.float32).reshape(3, 4)


def script(root: Path, name: str = "xvector", ids: list[str] = IDS, x: np.ndarray = X) -> None:
    write_vectors(root / f"{name}.ark", root / f"{name}.scp", ids, x)


def archive_of_text(root: Path) -> None:
    lines = [f"{name}  [ {' '.join(map(str, row))} ]\n" for name, row in zip(IDS, X.tolist(), strict=True)]
    (root / "ivector.ark").write_text("".join(lines))


def archive_of_doubles(root: Path) -> None:
    with kaldiio.WriteHelper(f"ark:{root}/embeddings.ark") as writer:
        for name, row in zip(IDS, X.astype(np.float64), strict=True):
            writer(name, row)


def packed_archive(root: Path) -> None:
    archive_of_doubles(root)
    (root / "embeddings.ark.gz").write_bytes(gzip.compress((root / "embeddings.ark").read_bytes()))
    (root / "embeddings.ark").unlink()


def parts(root: Path) -> None:
    script(root, "xvector.1", IDS[:2], X[:2])
    script(root, "xvector.2", IDS[2:], X[2:])


def one_array_an_id(root: Path) -> None:
    np.savez(root / "x.npz", **dict(zip(IDS, X.astype(np.float16)[:, None], strict=True)))


def files_of_one_vector(root: Path) -> None:
    for name, row in zip(IDS, X, strict=True):
        np.save(root / f"{name}.npy", row)


MADE: dict[str, Callable[[Path], None]] = {
    "xvector.scp": script,
    "another name": lambda root: script(root, "embedding"),
    "parts": parts,
    "text": archive_of_text,
    "doubles": archive_of_doubles,
    "gz": packed_archive,
    "npz": lambda root: np.savez(root / "x.npz", emb=X.astype(np.float64), names=np.array(IDS)),
    "npz, bytes": lambda root: np.savez(root / "x.npz", emb=X, names=np.array(IDS, "S")),
    "npz, speakers too": lambda root: np.savez(root / "x.npz", x=X, ids=np.array(IDS), spk=np.array(["a", "a", "b"])),
    "npz, an array an id": one_array_an_id,
    "npy, a vector a file": files_of_one_vector,
    "npy and txt": lambda root: (np.save(root / "x.npy", X), (root / "x.txt").write_text("\n".join([*IDS, ""]))),
    "means": lambda root: script(root, "spk_xvector"),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_what_is_found(tmp_path: Path, make: Callable[[Path], None]):
    make(tmp_path)
    for name in ("wav.scp", "utt2spk", "README"):
        (tmp_path / name).write_text("a-1 a\n")
    ids, x = read_vector_files(find_vectors(tmp_path))
    assert ids == IDS and x.dtype == np.float32 and np.array_equal(x, X)


def test_rows_without_ids_are_numbered(tmp_path: Path):
    np.save(tmp_path / "voices.npy", np.tile(X, (4, 1)))
    assert read_vector_files(find_vectors(tmp_path))[0][:2] == ["voices-01", "voices-02"]


def test_the_script_of_the_house_comes_first_and_archives_count(tmp_path: Path):
    script(tmp_path)
    script(tmp_path, "other", ["z"], X[:1])
    assert find_vectors(tmp_path) == [tmp_path / "xvector.scp"]
    assert [path.name for path in files_behind(find_vectors(tmp_path))] == ["xvector.scp", "xvector.ark"]


@pytest.mark.hostile("A directory of vectors with a pickle, two networks, an id twice, or nothing that can be read")
@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda root: np.savez(root / "x.npz", ids=np.array(IDS, dtype=object), x=X), "save it without pickles"),
        (lambda root: np.savez(root / "x.npz", x=X, y=X), "expected a matrix of floats"),
        (lambda root: np.save(root / "x.npy", np.arange(6).reshape(2, 3)), "expected a matrix of floats"),
        (lambda root: np.savez(root / "x.npz", x=X, ids=np.array([b"\xff", b"a", b"b"])), "ids that are not UTF-8"),
        (lambda root: (script(root, "a"), script(root, "b")), "b.scp: a-1: comes twice, first in"),
        (lambda root: (script(root, "a"), script(root, "b", ["c"], X[:1, :3])), "b.scp: vectors of dimension 3"),
        (lambda root: (root / "model.pt").write_bytes(b"x"), "no such file; it has model.pt; vectors are read from it"),
        (lambda root: (root / "x.scp").write_text("a gunzip -c a.ark.gz |\n"), "pipes are not run here"),
        (lambda root: (root / "x.ark").write_bytes(b"\x80\x04 [ 1 ]"), "is this an archive?"),
    ],
)
def test_what_is_refused(tmp_path: Path, make: Callable[[Path], None], complaint: str):
    make(tmp_path)
    with pytest.raises(InputError) as caught:
        read_vector_files(find_vectors(tmp_path))
    assert complaint in str(caught.value) and str(tmp_path) in str(caught.value)
