"""The index: what Kaldi reads from it is what we map, it is checked, and identical vectors are found."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from steps.data.build_index import Options, main, work
from steps.data.index import Index, blocks_of
from steps.data.split_speakers import SETS
from steps.data.split_speakers import Options as Split
from steps.data.split_speakers import work as split
from tests.steps.data.corpus import make_all
from utils import forked
from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import read_table, write_table


@pytest.fixture
def sets(tmp_path) -> Path:
    """The folder of train, dev and test, whose keys have lengths from 5 to 7."""
    folder = tmp_path / "some data"
    split(Split(make_all(folder, 120), attributes=("gender", "pitch")))
    return folder


def build(sets: Path, **more) -> Path:
    out = sets.parent / "exp" / "index"
    work(replace(Options(sets, out), **more))
    return out


def test_rows_are_those_of_the_foreign_archive(sets):
    out = build(sets)
    for name in SETS:
        index = Index.open(out / name)
        keys, vectors = read_vectors(sets / name / "xvector.scp", index.keys)
        np.testing.assert_array_equal(index.matrix(), vectors)
        np.testing.assert_array_equal(index.vector(len(index) - 1), vectors[-1])
        assert (len(index), index.dim) == (len(keys), 6)
        data = DataDir(sets / name)
        assert index.speakers == [data.utt2spk[key] for key in keys]
        assert index.groups == [data.table("utt2group")[key] for key in keys]
        assert index.genders == data.table("spk2gender")


def content(folder: Path) -> dict[str, bytes]:
    """The files below a directory, but for the records of the command."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in (".done", "run_info.json"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_two_processes_write_what_one_does(sets, monkeypatch):
    work(Options(sets, sets / "index"))
    before = content(sets)
    monkeypatch.setattr(forked, "LEAST_LINES", 1)
    split(Split(sets / "all", attributes=("gender", "pitch"), force=True))
    work(Options(sets, sets / "index", force=True))
    assert content(sets) == before
    (sets / "x.ark").write_bytes((sets / "x.ark").read_bytes()[:-9])
    with pytest.raises(InputError, match=r"(train|dev|test)/xvector.scp:\d+: s\d+-u2: .* does not end inside"):
        work(Options(sets, sets / "index", force=True))


def test_kaldi_reads_it(sets):
    out = build(sets)
    index = Index.open(out / "train")
    for vectors in (
        kaldiio.load_scp(str(out / "train" / "xvector.scp")),
        dict(kaldiio.load_ark(str(out / "train" / "xvector.ark"))),
    ):
        np.testing.assert_array_equal(np.stack([vectors[key] for key in index.keys]), index.matrix())
    names = [line.split()[0] for line in (out / "train" / "xvector.scp").read_text().splitlines()]
    assert names == sorted(index.keys)


def test_views_copy_nothing(sets):
    index = Index.open(build(sets) / "train")
    assert len({block.key_bytes for block in index.blocks}) == 3  # s1-u0, s10-u0, s100-u0
    for block in index.blocks:
        view = index.view(block)
        assert view.base is not None and not view.flags.writeable
        np.testing.assert_array_equal(view, index.matrix()[block.first_row : block.first_row + block.rows])


def test_blocks_of_keys_of_all_lengths(tmp_path):
    keys = ["a", "abc", "aé", "b", "zz", "日"]  # as Kaldi sorts
    matrix = np.arange(12, dtype=np.float32).reshape(6, 2)
    write_vectors(tmp_path / "xvector.ark", tmp_path / "xvector.scp", keys, matrix)
    blocks = blocks_of(np.array([len(key.encode()) for key in keys]), 2)
    found = [(block.first_row, block.rows, block.key_bytes) for block in blocks]
    assert found == [(0, 1, 1), (3, 2, 3), (1, 1, 1), (2, 1, 2), (5, 1, 3)]
    (tmp_path / "blocks.json").write_text(json.dumps({"dim": 2, "blocks": blocks}))
    index = Index.open(tmp_path)
    assert index.keys == ["a", "b", "zz", "abc", "aé", "日"] and len(index) == 6
    np.testing.assert_array_equal(index.matrix(), matrix[[0, 3, 4, 1, 2, 5]])
    for row in range(6):
        np.testing.assert_array_equal(index.vector(row), index.matrix()[row])


def test_an_index_that_is_sorted_by_length_is_read(tmp_path):
    """As earlier versions wrote it."""
    keys = ["a", "b", "zz", "abc"]
    matrix = np.arange(8, dtype=np.float32).reshape(4, 2)
    write_vectors(tmp_path / "xvector.ark", tmp_path / "xvector.scp", keys, matrix)
    (tmp_path / "blocks.json").write_text('{"dim": 2, "blocks": [[0, 2, 0, 1], [2, 1, 40, 2], [3, 1, 61, 3]]}')
    index = Index.open(tmp_path)
    assert index.keys == keys
    np.testing.assert_array_equal(index.matrix(), matrix)


def test_statistics(sets):
    out = build(sets)
    index = Index.open(out / "train")
    stats, matrix = index.stats, index.matrix().astype(np.float64)
    np.testing.assert_allclose(stats["mean"], matrix.mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(stats["std"], matrix.std(axis=0), rtol=1e-6)
    assert stats["norm"]["mean"] == pytest.approx(np.linalg.norm(matrix, axis=1).mean(), rel=1e-6)
    assert (stats["utterances"], stats["dim"], stats["speakers"]) == (len(index), 6, len(set(index.speakers)))
    assert {group: count["utterances"] for group, count in stats["groups"].items()} == {
        group: index.groups.count(group) for group in sorted(set(index.groups))
    }
    group = index.groups[0]
    speakers = {speaker for speaker, other in zip(index.speakers, index.groups, strict=True) if other == group}
    assert stats["groups"][group]["speakers"] == len(speakers)


def test_every_run_gives_the_same_bytes(sets):
    out = build(sets)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "run_info.json"}
    build(sets, force=True)
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "run_info.json"}
    assert before == after


def test_rerun_is_a_no_op_until_an_archive_changes(sets):
    out = build(sets)
    stamp = (out / "report.txt").stat().st_ino
    build(sets)
    assert (out / "report.txt").stat().st_ino == stamp
    archive = sets / "x.ark"
    archive.write_bytes(archive.read_bytes())
    build(sets)
    assert (out / "report.txt").stat().st_ino != stamp


def change(sets: Path, key: str, vector: np.ndarray) -> None:
    """Give a key another vector, in an archive of its own."""
    for name in SETS:
        table = read_table(sets / name / "xvector.scp")
        if key in table:
            write_vectors(sets / "y.ark", sets / "y.scp", [key], vector[None])
            write_table(sets / name / "xvector.scp", table | read_table(sets / "y.scp"))


def fails(sets: Path, *messages: str) -> None:
    with pytest.raises(InputError) as error:
        build(sets)
    for message in messages:
        assert message in str(error.value)
    assert not list((sets.parent / "exp").glob("*")), "something was left behind"


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([0, 0, math.nan, 0, 0, 0], "holds NaN"),
        ([0, 0, -math.inf, 0, 0, 0], "holds infinite values"),
        ([0, 0, -0.0, 0, 0, 0], "is zero throughout"),
        ([1e30, 0, 0, 0, 0, 0], "has the norm 1e+30"),
        ([1, 2, 3], "a vector of dimension 3"),
    ],
)
@pytest.mark.parametrize("which", [0, -1])
def test_unusable_vectors(sets, vector, message, which):
    key = list(read_table(sets / "test" / "xvector.scp"))[which]
    change(sets, key, np.array(vector, np.float32))
    line = 1 if which == 0 else len(read_table(sets / "test" / "xvector.scp"))
    fails(sets, f"test/xvector.scp:{line}: {key}:", message)


def test_truncated_and_missing_archives(sets):
    archive = sets / "x.ark"
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    fails(sets, "train/xvector.scp:", "archive", "truncated")
    archive.unlink()
    fails(sets, "train/xvector.scp:", f"no archive {archive}")


def test_sets_that_do_not_agree_with_themselves(sets):
    table = read_table(sets / "dev" / "utt2group")
    first = next(iter(table))
    del table[first]
    write_table(sets / "dev" / "utt2group", table)
    fails(sets, f"dev/utt2group: {first}: only here or only in xvector.scp (1 in all)")
    (sets / "dev" / "utt2group").unlink()
    fails(sets, "dev: no utt2group; make the sets with steps.data.split_speakers")
    for name in ("xvector.scp", "utt2group", "utt2spk"):
        (sets / "dev" / name).write_text("")
    fails(sets, "dev/xvector.scp: empty")


def test_identical_vectors_are_reported(sets):
    out = build(sets)
    assert (out / "report.txt").read_text().startswith("0 groups of identical vectors in two or more sets\n0 groups")
    train, test = (read_table(sets / name / "xvector.scp") for name in ("train", "test"))
    (a, b, c), (z, *_) = list(train)[:3], list(test)
    write_table(sets / "test" / "xvector.scp", test | {z: train[b]})
    write_table(sets / "train" / "xvector.scp", train | {c: train[a]})
    build(sets)
    assert (out / "report.txt").read_text().splitlines() == [
        "1 groups of identical vectors in two or more sets",
        "1 groups of identical vectors inside a set",
        f"between sets: train/{b} = test/{z}",
        f"inside a set: train/{a} = train/{c}",
    ]


def test_float64_and_one_row_matrices_are_converted(sets):
    reference = Index.open(build(sets) / "dev").matrix()
    keys = list(read_table(sets / "dev" / "xvector.scp"))
    vectors = read_vectors(sets / "dev" / "xvector.scp")[1].astype(np.float64)
    with kaldiio.WriteHelper(f"ark,scp:{sets / 'd.ark'},{sets / 'dev' / 'xvector.scp'}") as writer:
        for number, key in enumerate(keys):
            writer(key, vectors[number] if number % 2 else vectors[number][None])
    np.testing.assert_array_equal(Index.open(build(sets) / "dev").matrix(), reference)


def test_opening_what_is_not_whole(sets, tmp_path):
    out = build(sets) / "train"
    archive = (out / "xvector.ark").read_bytes()
    for size in (len(archive) - 1, 0):
        (out / "xvector.ark").write_bytes(archive[:size])
        with pytest.raises(InputError, match=f"{size} bytes do not fit blocks.json"):
            Index.open(out)
    with pytest.raises(InputError, match="blocks.json: missing; build the index"):
        Index.open(tmp_path)
    for content, message in (
        (b"", "blocks.json:1: not JSON"),
        (b"\xff", "blocks.json:1: not UTF-8"),
        (b"{}", "blocks.json: no dim, blocks"),
        (b'{"dim": 4, "blocks": []}', "no layout of an archive"),
        (b'{"dim": 4, "blocks": [[1]]}', "no layout of an archive"),
    ):
        (out / "blocks.json").write_bytes(content)
        with pytest.raises(InputError, match=message):
            Index.open(out)


def test_a_full_disk_leaves_nothing(sets):
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)); "
    code = limit + "from steps.data.build_index import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "--data", str(sets), "--out", str(sets.parent / "exp" / "index")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("steps.data.build_index: ERROR: ")
    assert not list((sets.parent / "exp").glob("*"))


def test_command_line(sets, capsys):
    assert main(["--data", str(sets), "--out", str(sets / "index"), "--sets", "train,dev"]) == 0
    assert sorted(path.name for path in (sets / "index").iterdir() if path.is_dir()) == ["dev", "train"]
    assert main(["--data", str(sets.parent), "--out", str(sets / "index2")]) == 1
    assert "no utt2spk here" in capsys.readouterr().err


@pytest.mark.hostile("Names of sets that are paths, twice the same, or none")
@pytest.mark.parametrize("names", ["", "train,train", "train,../data/dev", "..", ".", "train,/etc", "train,train/"])
def test_names_of_sets(sets, names, capsys):
    assert main(["--data", str(sets), "--out", str(sets / "index"), "--sets", names]) == 1
    error = capsys.readouterr().err
    assert "--sets" in error and "distinct names of directories in --data" in error and error.count("\n") == 1


@pytest.mark.hostile("Speakers and groups of several words")
@pytest.mark.parametrize("name", ["utt2spk", "utt2group"])
def test_labels_of_several_words(sets, name):
    first, *others = (sets / "test" / name).read_text().splitlines(keepends=True)
    (sets / "test" / name).write_text(first.rstrip() + " b c\n" + "".join(others))
    with pytest.raises(InputError, match=f"test.{name}: {first.split()[0]}: expected one word, found .* b c'"):
        build(sets)
