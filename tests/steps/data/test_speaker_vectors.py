"""Means of speakers in every data directory, and the index as a data directory that Kaldi takes."""

import shutil
import subprocess
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from steps.data.build_index import Options as Index
from steps.data.build_index import work as build_index
from steps.data.speaker_vectors import CHUNK, write_speaker_vectors
from steps.data.split_speakers import SETS
from steps.data.split_speakers import Options as Split
from steps.data.split_speakers import work as split
from tests.steps.data.corpus import make_all
from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.script_files import Location
from utils.tables import read_table, write_table

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> Path:
    """The folder of train, dev and test, with keys of 5 to 7 letters; the index is `index` beside it."""
    folder = tmp_path_factory.mktemp("corpus") / "some data"
    split(Split(make_all(folder, 120), attributes=("gender", "pitch")))
    build_index(Index(folder, folder.parent / "index"))
    return folder


def assert_means(directory: Path) -> None:
    """spk_xvector.scp and num_utts.ark agree with the vectors of the directory, and Kaldi's readers take them."""
    data, table = DataDir(directory), kaldiio.load_scp(str(directory / "xvector.scp"))
    means = kaldiio.load_scp(str(directory / "spk_xvector.scp"))
    assert sorted(means) == sorted(data.spk2utt)
    for speaker, keys in data.spk2utt.items():
        np.testing.assert_allclose(means[speaker], np.mean([table[key] for key in keys], axis=0), atol=1e-6)
        assert means[speaker].dtype == np.float32
    lines = [f"{speaker} {len(keys)}\n" for speaker, keys in data.spk2utt.items()]
    assert (directory / "num_utts.ark").read_text() == "".join(lines)


@pytest.mark.field_case("spk_xvector.scp and num_utts.ark of train, dev and test")
@pytest.mark.parametrize("name", SETS)
def test_sets_have_means_of_their_speakers(sets, name):
    assert_means(sets / name)


@pytest.mark.field_case("Each set of the index is a valid data directory with a sorted archive")
@pytest.mark.parametrize("name", SETS)
def test_an_index_is_a_data_directory(sets, name):
    directory = sets.parent / "index" / name
    command = [str(ROOT / "utils/validate_data_dir.sh"), "--no-text", "--no-feats", "--no-wav", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    keys = [key for key, _ in kaldiio.load_ark(str(directory / "xvector.ark"))]
    assert keys == sorted(keys) == list(read_table(directory / "utt2spk"))
    assert read_table(directory / "spk2utt") == {s: " ".join(k) for s, k in DataDir(directory).spk2utt.items()}
    assert_means(directory)


def test_a_set_has_the_means_of_its_own_utterances(tmp_path):
    """Not of all that `all` has of the speaker."""
    data = make_all(tmp_path, 60)
    pitch = read_table(data / "utt2pitch")
    write_table(data / "utt2pitch", {key: value for key, value in pitch.items() if not key.endswith("u1")})
    split(Split(data, attributes=("gender", "pitch")))
    assert set(read_table(tmp_path / "train/num_utts.ark").values()) == {"2"}
    assert_means(tmp_path / "train")


def test_data_without_vectors_are_split_too(tmp_path):
    data = make_all(tmp_path, 60)
    (data / "xvector.scp").unlink()
    split(Split(data, attributes=("gender", "pitch")))
    assert not list((tmp_path / "train").glob("spk_xvector*"))


@pytest.mark.hostile("An archive that is gone when the speakers are split")
def test_a_missing_archive_is_named(tmp_path):
    data = make_all(tmp_path, 60)
    (tmp_path / "x.ark").unlink()
    told = r"all/xvector.scp:1: s0-u0: no archive .*x.ark; correct it, or run stage 0 with"
    with pytest.raises(InputError, match=told):
        split(Split(data, attributes=("gender", "pitch")))
    assert not (tmp_path / "train").exists()


def test_means_follow_an_archive_that_is_replaced(tmp_path):
    data = make_all(tmp_path, 60)
    split(Split(data, attributes=("gender", "pitch")))
    keys, x = read_vectors(tmp_path / "x.scp")
    write_vectors(tmp_path / "x.ark", tmp_path / "x.scp", keys, x + 1)
    split(Split(data, attributes=("gender", "pitch")))
    assert_means(tmp_path / "train")


def test_speakers_of_any_size(tmp_path):
    """Smaller than a chunk, larger, and several in one; summed as one speaker alone would be."""
    sizes = {"a": 3, "b": CHUNK - 4, "c": 2 * CHUNK + 5, "d": 1, "e": 7}
    spk2utt = {speaker: [f"{speaker}-{n:05d}" for n in range(size)] for speaker, size in sizes.items()}
    keys = [key for some in spk2utt.values() for key in some]
    x = np.random.default_rng(0).standard_normal((len(keys), 3)).astype(np.float32)
    write_vectors(tmp_path / "x.ark", tmp_path / "x.scp", keys, x)
    locations = {
        key: Location(*text.rsplit(":", 1))._replace(offset=int(text.rsplit(":", 1)[1]))
        for key, text in read_table(tmp_path / "x.scp").items()
    }
    write_speaker_vectors(tmp_path, tmp_path, spk2utt, locations)
    _, means = read_vectors(tmp_path / "spk_xvector.scp")
    begin = 0
    for row, size in enumerate(sizes.values()):
        chunks = [x[at : min(at + CHUNK, begin + size)] for at in range(begin, begin + size, CHUNK)]
        total = sum(chunk.sum(axis=0, dtype=np.float64) for chunk in chunks)
        np.testing.assert_array_equal(means[row], (total / size).astype(np.float32))
        begin += size


@pytest.mark.field_case("--ark_paths of the sets and of the index")
@pytest.mark.parametrize(("ark_paths", "top"), [("recipe", "{}/"), ("relative", ""), ("absolute", "{root}/{}/")])
def test_archives_are_named_as_asked(tmp_path, monkeypatch, ark_paths, top):
    monkeypatch.chdir(tmp_path)
    split(Split(make_all(Path("data"), 60), attributes=("gender", "pitch"), ark_paths=ark_paths))
    build_index(Index(Path("data"), Path("index"), ark_paths=ark_paths))
    for directory, names in (("data/train", ["spk_xvector"]), ("index/train", ["xvector", "spk_xvector"])):
        for name in names:
            location = next(iter(read_table(Path(directory, f"{name}.scp")).values())).rpartition(":")[0]
            assert location == f"{top}{name}.ark".format(directory, root=tmp_path)
        assert_means_of_copy(Path(directory), tmp_path / "copy")
    location = next(iter(read_table(Path("data/train/xvector.scp")).values())).rpartition(":")[0]
    assert location == {"recipe": "data/x.ark", "relative": "../x.ark", "absolute": f"{tmp_path}/data/x.ark"}[ark_paths]


def assert_means_of_copy(directory: Path, copy: Path) -> None:
    """A copy of a directory reads its own archives."""
    shutil.copytree(directory, copy / directory)
    _, wanted = read_vectors(directory / "spk_xvector.scp")
    archive = copy / directory / "spk_xvector.ark"
    archive.write_bytes(archive.read_bytes().replace(wanted[0].tobytes(), (wanted[0] + 1).tobytes()))
    np.testing.assert_array_equal(read_vectors(copy / directory / "spk_xvector.scp")[1][0], wanted[0] + 1)
