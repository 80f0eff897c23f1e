"""`--ark_paths`: how script files name archives, and copies of directories that read their own."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import kaldiio
import numpy as np
import pytest

from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.errors import InputError
from utils.options import option
from utils.script_files import ARK_PATHS, RECIPE, naming, path_in_script, renew_paths
from utils.stage_dir import StageDir, signature
from utils.tables import read_table

KEYS = ["a-1", "a-2"]
OWN, OTHER = np.eye(2, 4, dtype=np.float32), np.full((2, 4), 7, np.float32)


@dataclass(frozen=True)
class Options:
    COMMAND: ClassVar[str] = "tests.utils.test_ark_paths"
    out: Path = option(help="directory to write")
    ark_paths: str = option(RECIPE, choices=ARK_PATHS)


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """The root of a recipe, where commands run."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def write_stage(out: Path, ark_paths: str, x: np.ndarray = OWN) -> Path:
    """Let a stage write an archive. Returns the script file."""
    with StageDir(out, Options(out, ark_paths)) as stage:
        write_vectors(stage.dir / "x.ark", stage.dir / "x.scp", KEYS, x, stage.final / "x.ark")
    return out / "x.scp"


def name_in(script: Path) -> str:
    return read_table(script)["a-1"].rpartition(":")[0]


@pytest.mark.field_case("--ark_paths recipe, relative and absolute, of an output in the recipe and outside of it")
@pytest.mark.parametrize(
    ("out", "ark_paths", "name"),
    [
        ("exp/a", "recipe", "exp/a/x.ark"),
        ("exp/a", "relative", "x.ark"),
        ("exp/a", "absolute", "{root}/exp/a/x.ark"),
        ("../here/exp/a", "recipe", "exp/a/x.ark"),
        ("../here/exp/a", "absolute", "{root}/exp/a/x.ark"),
        ("../b", "recipe", "{tmp}/b/x.ark"),
        ("../b", "relative", "x.ark"),
        ("../b", "absolute", "{tmp}/b/x.ark"),
    ],
)
def test_names(root, tmp_path, monkeypatch, out, ark_paths, name):
    script = write_stage(Path(out), ark_paths)
    assert name_in(script) == name.format(root=root, tmp=tmp_path)
    monkeypatch.chdir(script.parent if ark_paths == "relative" else root)  # where Kaldi's programs run
    script = Path(script.name) if ark_paths == "relative" else script
    vectors = kaldiio.load_scp(str(script))
    np.testing.assert_array_equal(np.stack([vectors[key] for key in KEYS]), OWN)
    np.testing.assert_array_equal(read_vectors(script)[1], OWN)


@pytest.mark.field_case("A copied directory reads the archive beside it, while the old one exists, however it is named")
@pytest.mark.parametrize("ark_paths", ARK_PATHS)
@pytest.mark.parametrize("with_bookkeeping", [True, False])
@pytest.mark.parametrize("original", ["altered", "gone"])
def test_a_copy_reads_its_own(root, tmp_path, ark_paths, with_bookkeeping, original):
    source, target = write_stage(Path("exp/a"), ark_paths).parent, tmp_path / "elsewhere/copy"
    shutil.copytree(source, target)
    if not with_bookkeeping:
        for name in (".done", "run_info.json", "config.yaml"):
            (target / name).unlink()
    if original == "altered":
        write_vectors(source / "x.ark", source / "y.scp", KEYS, OTHER)
    else:
        shutil.rmtree(source)
    if ark_paths == "absolute" and not with_bookkeeping and original == "gone":
        with pytest.raises(InputError, match="no such archive"):  # nothing tells that it is ours
            read_vectors(target / "x.scp")
    else:
        np.testing.assert_array_equal(read_vectors(target / "x.scp")[1], OWN)


@pytest.mark.field_case("An archive of the same name beside a copied script file that is not its own")
@pytest.mark.parametrize("ark_paths", ["recipe", "absolute"])
@pytest.mark.parametrize("keys", [["b-1", "b-2"], ["a-1", "a-22"], ["a-1"]])
def test_another_archive_of_that_name_is_not_taken(root, tmp_path, ark_paths, keys):
    """Not even where its first key is the same."""
    script = write_stage(Path("exp/a"), ark_paths)
    (tmp_path / "mine").mkdir()
    shutil.copy(script, tmp_path / "mine")
    write_vectors(tmp_path / "mine/x.ark", tmp_path / "mine/y.scp", keys, np.full((len(keys), 4), 7, np.float32))
    if keys == ["a-1"]:  # it ends before the second: a copy that is cut off is told, not replaced
        with pytest.raises(InputError, match="mine/x.ark"):
            read_vectors(tmp_path / "mine/x.scp")
    else:
        np.testing.assert_array_equal(read_vectors(tmp_path / "mine/x.scp")[1], OWN)


def test_lines_for_another_directory_follow_too(root, tmp_path):
    script = write_stage(Path("exp/a"), "recipe")
    table = read_table(script)
    assert renew_paths(script, table) == table
    for ark_paths, name in (("relative", "../a/x.ark"), ("absolute", f"{root}/exp/a/x.ark")):
        with naming(ark_paths, root / "exp/b"):
            assert renew_paths(script, table)["a-1"] == f"{name}:4"
            assert path_in_script(Path("exp/a/x.ark")) == name
    assert path_in_script(Path("exp/a/x.ark")) == "exp/a/x.ark"


def test_a_stage_that_fails_leaves_no_style_behind(root):
    with pytest.raises(InputError), StageDir(Path("exp/a"), Options(Path("exp/a"), "absolute")):
        raise InputError("no")
    assert path_in_script(Path("exp/x.ark")) == "exp/x.ark"


def test_the_default_leaves_finished_stages_finished(root):
    """Their signature has no such option."""
    before = {"a": 1}
    assert signature(before | {"ark_paths": "recipe"}, []) == signature(before, [])
    assert len({signature(before | {"ark_paths": style}, []) for style in ARK_PATHS}) == 3
