"""Names of generators, sets of samples and sweeps: those that could replace or leave a directory are refused."""

import subprocess
from pathlib import Path

import pytest

from steps.generators.train import read_list
from tests.utils.test_out_dir import content
from utils.errors import InputError
from utils.names import check_name
from utils.sweeping.sweep_file import read_sweep

ROOT = Path(__file__).parents[2]
BAD = ["../../x", "..", ".", ".hidden", "a/b", "/tmp/x", "-x", "a\\b", "a\x01b", "a\x1b[31m", "n" * 101, "a$b", "é"]
RESERVED = ["index", "text", "score", "samples", "log", "sweep", "embed", "attributes"]


@pytest.mark.hostile("Names of generators that are reserved, or no names of a directory")
@pytest.mark.parametrize("name", [*BAD, *RESERVED])
def test_names_in_a_list_of_generators(tmp_path, name):
    path = tmp_path / "generators.txt"
    path.write_text(f"mdn mdn -\n{name} gaussian -\n")
    with pytest.raises(InputError, match=r"generators.txt:2: the name '") as error:
        read_list(path)
    assert str(error.value).isprintable() and len(str(error.value)) < 400


@pytest.mark.parametrize("name", ["mdn", "mdn_plain", "1a", "mdn-2.b_C", "n" * 100, "texts", "Index"])
def test_good_names(tmp_path, name):
    path = tmp_path / "generators.txt"
    path.write_text(f"{name} gaussian -\n")
    assert [entry.name for entry in read_list(path)] == [name]


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n"])
def test_names_that_are_no_word(name):
    with pytest.raises(InputError, match="here: the name"):
        check_name(name, "here")


@pytest.mark.hostile("--name of the recipes that is no name of a directory")
@pytest.mark.parametrize("name", [*BAD[:8], "n" * 300, "a\nb", " "])
@pytest.mark.parametrize("recipe", [".", "egs/librispeech/embed"])
def test_names_of_results(tmp_path, recipe, name):
    words = ["./run.sh", "--name", name, "--data_dir", str(tmp_path)]
    words += ["--exp", str(tmp_path / "exp"), "--data", str(tmp_path / "data")] if recipe == "." else []
    shown = subprocess.run(words, cwd=ROOT / recipe, capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "ERROR: --name" in shown.stderr and shown.stderr.count("\n") == 1
    assert content(tmp_path) == {}


@pytest.mark.hostile("The name of a sweep's file that would be that of another directory")
@pytest.mark.parametrize("name", ["...yaml", "..yaml", "a b.yaml", "-x.yaml"])
def test_the_name_of_a_sweep(tmp_path, name):
    path = tmp_path / name
    path.write_text("command: touch {out}/{seed}\nmetric: {file: m.json, key: x, best: min}\ngrid: {seed: [1]}\n")
    with pytest.raises(InputError, match="no --out: the name"):
        read_sweep(path, None, {"exp": str(tmp_path / "exp"), "data": None})
    assert read_sweep(path, tmp_path / "mine", {"exp": None, "data": None}).out == tmp_path / "mine"


@pytest.mark.hostile("Swept values that are paths, of any length or with control characters")
def test_points_of_a_sweep_stay_in_its_directory(tmp_path):
    path = tmp_path / "sweep.yaml"
    values = '["../../x", "..", "/", "", "a/b", "' + "n" * 300 + '"]'
    path.write_text(
        f"command: touch {{out}}/x{{file}}\nmetric: {{file: m.json, key: x, best: min}}\ngrid: {{file: {values}}}\n"
    )
    sweep = read_sweep(path, tmp_path / "out", {"exp": None, "data": None})
    names = [
        sweep.directory(point).resolve().relative_to((tmp_path / "out/points").resolve()) for point in sweep.points
    ]
    assert all(len(name.parts) == 1 and len(str(name)) < 200 for name in names) and len(set(names)) == 6
