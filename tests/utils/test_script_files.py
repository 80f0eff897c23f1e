"""Script files of archives that have moved: what is named, what is found, and what must not be."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import kaldiio
import numpy as np
import pytest

from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.options import option
from utils.script_files import FileFinder, Location, parse_location, path_in_script
from utils.stage_dir import StageDir
from utils.tables import write_table

KEYS = ["a-1", "a-2"]
OWN, OTHER = np.eye(2, 4, dtype=np.float32), np.full((2, 4), 7, np.float32)


@dataclass(frozen=True)
class Options:
    COMMAND: ClassVar[str] = "tests.utils.test_script_files"
    out: Path = option(help="directory to write")


def write_stage(out: Path, inner: str = "") -> Path:
    """Let a stage write an archive into `out`, or a directory of it. Returns the script file."""
    with StageDir(out, Options(out), force=True) as stage:
        (stage.dir / inner).mkdir(exist_ok=True)
        write_vectors(
            stage.dir / inner / "x.ark", stage.dir / inner / "x.scp", KEYS, OWN, stage.final / inner / "x.ark"
        )
    return out / inner / "x.scp"


def write_subset(out: Path, script: Path) -> Path:
    """Let a stage write a data directory whose script file names an archive that lies beside another."""
    source = script.parent / "utt2spk"
    write_table(source, dict.fromkeys(KEYS, "a"))
    script.rename(script.with_name("xvector.scp"))
    with StageDir(out, Options(out)) as stage:
        write_table(stage.dir / "x.scp", DataDir(script.parent).tables()["xvector.scp"])
    return out / "x.scp"


def spoil(folder: Path) -> None:
    """Put other vectors into all archives below a folder, of the same layout."""
    for ark in folder.rglob("*.ark"):
        write_vectors(ark, ark.with_name("unused.scp"), KEYS, OTHER)


def assert_own(script: Path) -> None:
    keys, vectors = read_vectors(script)
    assert keys == KEYS
    np.testing.assert_array_equal(vectors, OWN)


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """The root of a recipe, where commands run."""
    (tmp_path / "root").mkdir()
    monkeypatch.chdir(tmp_path / "root")
    return tmp_path / "root"


def test_a_file_below_the_root_is_named_from_there(root, tmp_path):
    (tmp_path / "scratch").mkdir()
    (root / "link").symlink_to(tmp_path / "scratch")
    (tmp_path / "home").symlink_to(root)
    assert path_in_script(Path("exp/x.ark")) == path_in_script(root / "exp/x.ark") == "exp/x.ark"
    assert (
        path_in_script(tmp_path / "home/exp/x.ark") == path_in_script(Path("..", root.name, "exp/x.ark")) == "exp/x.ark"
    )
    assert path_in_script(root / "link/x.ark") == "link/x.ark"
    assert path_in_script(tmp_path / "scratch/x.ark") == str(tmp_path / "scratch/x.ark")


@pytest.mark.parametrize("inner", ["", "train"])
def test_kaldi_reads_it_from_the_root_and_we_from_anywhere(root, tmp_path, monkeypatch, inner):
    script = root / write_stage(Path("exp/text"), inner)
    assert str(parse_location(script.read_text().split()[1], "").path) == str(Path("exp/text", inner, "x.ark"))
    vectors = kaldiio.load_scp(str(script))
    np.testing.assert_array_equal(np.stack([vectors[key] for key in KEYS]), OWN)
    monkeypatch.chdir(tmp_path)
    assert_own(script)


@pytest.mark.parametrize("where", ["exp", "outside"])
@pytest.mark.parametrize("inner", ["", "train"])
@pytest.mark.parametrize("change", ["another root", "another name", "beside", "the parent's name", "a link"])
@pytest.mark.parametrize("original", ["altered", "gone"])
def test_a_copy_reads_its_own_archive(root, tmp_path, where, inner, change, original):
    top = root / "exp" if where == "exp" else tmp_path / "outside"
    write_stage(top / "demo/text", inner)
    source, target = {
        "another root": (top, tmp_path / "disk/root" / top.name),
        "another name": (top / "demo/text", tmp_path / "backup/of text"),
        "beside": (top / "demo/text", top / "demo/text2"),
        "the parent's name": (top / "demo", top / "demo2"),
        "a link": (top / "demo", tmp_path / "disk/demo"),
    }[change]
    shutil.copytree(source, target)
    spoil(source) if original == "altered" else shutil.rmtree(source)
    if change == "a link":
        (root / "link").symlink_to(target / "text")
        assert_own(root / "link" / inner / "x.scp")
    (script,) = target.rglob("x.scp")
    assert_own(script)


@pytest.mark.parametrize("where", ["data", "outside"])
@pytest.mark.parametrize("original", ["altered", "gone"])
@pytest.mark.parametrize("name", ["demo", "demo2"])
def test_an_archive_beside_another_script_moves_along(root, tmp_path, where, original, name):
    top = root / "data" if where == "data" else tmp_path / "outside"
    script = write_subset(top / "demo/train", write_stage(top / "demo/all"))
    assert_own(script)
    target = (tmp_path / "checkout/data" if name == "demo" else top) / name
    shutil.copytree(top / "demo", target)
    spoil(top / "demo") if original == "altered" else shutil.rmtree(top / "demo")
    assert_own(target / "train/x.scp")


@pytest.mark.parametrize("first", ["data", "exp"])
def test_moves_in_any_order_that_keep_the_shape_of_the_tree(root, tmp_path, monkeypatch, first):
    script = write_subset(Path("data/demo/all"), write_stage(Path("exp/demo/embed")))
    other = tmp_path / "checkout"
    other.mkdir()
    for name in (first, "data" if first == "exp" else "exp"):
        (root / name).rename(other / name)
    monkeypatch.chdir(other)
    assert_own(script)


def test_experiments_with_absolute_paths_are_found_as_a_tree_moves(root, tmp_path):
    """As they were written before `run_info.json` told the directory."""
    script = write_subset(root / "data/demo/train", write_stage(root / "data/demo/all"))
    for file in (script, root / "data/demo/all/xvector.scp"):
        file.write_text(file.read_text().replace(" data/", f" {root}/data/"))
        (file.parent / "run_info.json").write_text("{}")
    shutil.copytree(root, tmp_path / "copy")
    spoil(root)
    assert_own(tmp_path / "copy/data/demo/train/x.scp")
    assert_own(tmp_path / "copy/data/demo/all/xvector.scp")


@pytest.mark.parametrize("done", [False, True])
def test_what_others_name_is_not_taken_from_beside(root, tmp_path, done):
    """Not even where a file of that name lies beside the script file, with the same keys in the same order."""
    (tmp_path / "corpus").mkdir()
    write_vectors(tmp_path / "corpus/x.ark", tmp_path / "corpus/x.scp", KEYS, OWN)
    script = write_stage(root / "data/all")
    spoil(root)
    shutil.copy(tmp_path / "corpus/x.scp", script)
    if not done:
        (script.parent / ".done").unlink()
    assert_own(script)
    (tmp_path / "corpus/x.ark").unlink()
    with pytest.raises(InputError, match=f"{tmp_path}/corpus/x.ark: no such archive"):
        read_vectors(script)


def test_an_archive_of_other_keys_is_no_copy(root):
    """A set of one corpus that is copied beside another corpus does not read the other's archive."""
    script = write_subset(Path("data/demo/train"), write_stage(Path("data/demo/all")))
    other = write_stage(Path("data/real/all"))
    write_vectors(other.with_name("x.ark"), other, ["b-1", "b-2"], OTHER)
    shutil.copytree("data/demo/train", "data/real/train")
    assert_own(Path("data/real/train/x.scp"))
    assert_own(script)


def test_an_offset_that_no_file_has(root):
    script = write_stage(Path("exp/text"))
    script.write_text(script.read_text().replace(":4", f":{10**30}"))
    with pytest.raises(InputError, match="a-1: .*exp/text/x.ark:1000.*beyond the end of the archive"):
        read_vectors(script)


@pytest.mark.parametrize("length", [0, 2, 10])
def test_a_copy_that_is_cut_off_is_not_replaced_by_the_original(root, tmp_path, length):
    write_stage(Path("exp/text"))
    shutil.copytree("exp/text", tmp_path / "copy")
    os.truncate(tmp_path / "copy/x.ark", length)
    with pytest.raises(InputError, match=f"{tmp_path}/copy/x.ark"):
        read_vectors(tmp_path / "copy/x.scp")


@pytest.mark.parametrize("link", ["directory", "file"])
def test_links_from_elsewhere(root, tmp_path, monkeypatch, link):
    script = root / write_subset(Path("data/demo/train"), write_stage(Path("data/demo/all")))
    (tmp_path / "mine").symlink_to(script.parent if link == "directory" else script)
    monkeypatch.chdir(tmp_path)
    assert_own(tmp_path / "mine/x.scp" if link == "directory" else tmp_path / "mine")


def test_a_relative_path_of_others_holds_within_their_tree(root, tmp_path, monkeypatch):
    """No stage has written it; the working directory has another file at the same path."""
    script = write_subset(Path("data/demo/mine"), write_stage(Path("data/demo/all")))
    shutil.copytree(root, tmp_path / "theirs")
    for done in (tmp_path / "theirs").rglob(".done"):
        done.unlink()
    spoil(root)
    assert_own(tmp_path / "theirs" / script)


def test_two_files_that_are_copied_without_their_stage(root, tmp_path, monkeypatch):
    script = write_stage(Path("exp/text"))
    (tmp_path / "copy").mkdir()
    for suffix in (".scp", ".ark"):
        shutil.copy(script.with_suffix(suffix), tmp_path / "copy")
    shutil.rmtree("exp")
    assert_own(tmp_path / "copy/x.scp")


@pytest.mark.field_case("Script file and archive copied alone, read from anywhere while the original changes")
@pytest.mark.parametrize("where", ["root", "copy", "elsewhere"])
def test_two_files_that_are_copied_beside_their_stage(root, tmp_path, monkeypatch, where):
    """Below the recipe's root the relative path of the original is found from above, from any working directory."""
    script = write_stage(root / "exp/text")
    shutil.copytree(script.parent, root / "copy", ignore=shutil.ignore_patterns("run_info.json", ".done"))
    spoil(root / "exp")
    monkeypatch.chdir({"root": root, "copy": root / "copy", "elsewhere": tmp_path}[where])
    assert_own(root / "copy/x.scp")


def test_a_copy_without_hidden_files_is_one(root, tmp_path):
    """As `cp exp/text/* copy` makes it."""
    script = write_stage(Path("exp/text"))
    shutil.copytree(script.parent, tmp_path / "copy")
    (tmp_path / "copy/.done").unlink()
    spoil(root)
    assert_own(tmp_path / "copy/x.scp")


@pytest.mark.parametrize("done", [True, False])
def test_kaldi_s_meaning_wins_in_script_files_of_others(root, tmp_path, done):
    """Their path leads from the working directory, whatever lies nearer to the script file; they may have .done too."""
    theirs = tmp_path / "theirs"
    for folder in (root / "exp", theirs / "exp", theirs / "data"):
        folder.mkdir(parents=True)
        write_vectors(folder / "x.ark", folder / "x.scp", KEYS, OWN if folder == root / "exp" else OTHER)
        if done:
            (folder / ".done").touch()
    script = theirs / "data/feats.scp"
    write_table(script, {"a-1": "exp/x.ark:4", "a-2": "./exp/x.ark:34"})
    assert_own(script)
    assert FileFinder(script).find("./exp/x.ark", "a-2", 34) == "./exp/x.ark"
    (root / "exp/x.ark").unlink()
    assert FileFinder(script).find("exp/x.ark", "a-1", 4) == str(theirs / "exp/x.ark")
    (theirs / "exp/x.ark").unlink()
    assert FileFinder(script).find("exp/x.ark", "a-1", 4) == str(theirs / "data/x.ark")


def test_what_another_checkout_has_is_not_taken_from_here(root, tmp_path, monkeypatch):
    """Not even where this one has the same corpus at the same path, with other vectors."""
    write_stage(Path("data/demo/all"))
    spoil(root)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    source = tmp_path / "other" / write_stage(Path("data/demo/all"))
    monkeypatch.chdir(root)
    script = write_subset(Path("data/demo/train"), source)
    assert f" {tmp_path}/other/data/demo/all/x.ark:" in script.read_text()
    assert_own(script)


def test_lines_for_another_directory_hold_from_there(root, tmp_path, monkeypatch):
    """The tables of a data directory in another tree are written anew; what others have named stays as it is."""
    script = write_stage(Path("data/all"))
    foreign = f"z {tmp_path}/corpus/x.ark:5\nzz gunzip -c x.gz |\n"
    script.with_name("xvector.scp").write_text(script.read_text() + foreign)
    write_table(script.with_name("utt2spk"), dict.fromkeys(KEYS, "a"))
    here = DataDir(script.parent).tables()["xvector.scp"]
    named = [f"{tmp_path}/corpus/x.ark:5", "gunzip -c x.gz |"]
    assert list(here.values()) == ["data/all/x.ark:4", "data/all/x.ark:34", *named]
    monkeypatch.chdir(tmp_path)
    there = DataDir(root / "data/all").tables()["xvector.scp"]
    assert list(there.values()) == ["root/data/all/x.ark:4", "root/data/all/x.ark:34", *named]


def test_directories_that_are_closed_to_us_are_passed_by(root, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may look anywhere")
    script = write_stage(Path("data/all"))
    Path("data/alice/corpus").mkdir(parents=True)
    Path("data/alice").chmod(0)
    try:
        assert FileFinder(script).find("/disk/alice/corpus/x.ark") == "/disk/alice/corpus/x.ark"
    finally:
        Path("data/alice").chmod(0o700)


def test_audio_is_found_too(root, tmp_path):
    with StageDir(Path("data/all"), Options(Path("data/all"))) as stage:
        (stage.dir / "wav").mkdir()
        (stage.dir / "wav/a.flac").touch()
        write_table(stage.dir / "wav.scp", {"a": path_in_script(stage.final / "wav/a.flac"), "b": "/corpus/b.flac"})
    shutil.move("data", tmp_path / "disk")
    finder = FileFinder(tmp_path / "disk/all/wav.scp")
    assert finder.find("data/all/wav/a.flac") == str(tmp_path / "disk/all/wav/a.flac")
    assert finder.find("/corpus/b.flac") == "/corpus/b.flac"


def test_locations():
    assert parse_location("/a b/x.ark:12", "here") == Location("/a b/x.ark", 12)
    assert parse_location("x:y.ark", "here") == Location("x:y.ark")
    assert str(parse_location("x.ark:12[0:3]", "here")) == "x.ark:12[0:3]"
    for command in ("gunzip -c x.gz |", "| cat"):
        with pytest.raises(InputError, match="here: .*pipes are not run"):
            parse_location(command, "here")
