"""Names of points, and what a sweep's file stands for."""

import gzip
import itertools
import os
from pathlib import Path

import pytest
import yaml

from utils.errors import InputError
from utils.sweeping.point_dir import begin, finish
from utils.sweeping.results import point_results
from utils.sweeping.sweep_file import point_name, read_sweep

ROOT = Path(__file__).parents[3]
VALUES = ["", "1", "1.0", "-1", "1e-05", "a b", "a-b", "a,b=1", "a/b", "../a", "ü", "y" * 300, "y" * 301, "@", "."]
SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-=,@"


def test_names_are_made_of_the_overrides():
    assert point_name({"seed": "0", "n_components": "15", "lr": "1e-05"}) == "lr=1e-05,n_components=15,seed=0"
    assert point_name({"seed": "0", "a": "1"}) == point_name({"a": "1", "seed": "0"})
    assert point_name({}) == "defaults"


def test_names_are_safe_and_never_shared():
    points = [{"a": value} for value in VALUES] + [{"b": value} for value in VALUES] + [{}]
    points += [{"a": one, "b": other} for one, other in itertools.product(VALUES, VALUES)]
    names = [point_name(point) for point in points]
    assert len(set(names)) == len(points)
    assert all(len(name) < 160 and set(name) <= set(SAFE) and name[0].isalpha() for name in names)


@pytest.fixture
def write(tmp_path: Path):
    """Writes a sweep; gives its path."""

    def write(**keys: object) -> Path:
        content = {"command": "run {out} --seed {seed} {set} '{exp}/a b'", "exp": "exp/mine"} | keys
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(content | {"metric": {"file": "m.json", "key": "m", "best": "min"}}))
        return path

    return write


def test_placeholders_are_filled_in_words(write):
    path = write(grid={"seed": [0], "b": [True], "a": ["x y"]}, list=[{"seed": 1}])
    sweep = read_sweep(path, None, {"exp": None, "data": None})
    first, second = (point.words for point in sweep.points)
    assert sweep.out == Path("exp/mine/sweep/mine")
    assert first == ("run", str(sweep.directory(sweep.points[0])), "--seed", "0", "a=x y,b=true", "exp/mine/a b")
    assert second == ("run", "exp/mine/sweep/mine/points/seed=1", "--seed", "1", "", "exp/mine/a b")
    other = read_sweep(path, Path("out"), {"exp": "exp/other", "data": None})
    assert other.points[1].words == ("run", "out/points/seed=1", "--seed", "1", "", "exp/other/a b")
    assert other.config["exp"] == "exp/other"


@pytest.mark.hostile("A sweep of a hundred million points, by a grid or by a list")
@pytest.mark.parametrize(
    ("points", "message"),
    [
        ({"grid": {name: list(range(100)) for name in "abcd"}}, "grid: 100 x 100 x 100 x 100 = 100000000 points"),
        ({"grid": {"a": list(range(10_001))}}, "grid: 10001 = 10001 points; expected 10000 or fewer"),
        ({"grid": {f"k{n}": [0, 1] for n in range(200)}}, "expected 10000 or fewer"),
        ({"list": [{"a": n} for n in range(10_001)]}, "list: 10001 points; expected 10000 or fewer"),
        ({"grid": {"a": ["x" * 2000]}}, "grid: a: a value of 2000 characters; expected 1000 or fewer"),
    ],
    ids=range(5),
)
def test_points_are_counted_before_they_are_made(write, points, message):
    with pytest.raises(InputError) as error:
        read_sweep(write(**points), None, {"exp": None, "data": None})
    assert message in str(error.value) and len(str(error.value)) < 500


@pytest.mark.hostile("A sweep with a pipe among its inputs, or whose metric is packed, binary or a pipe")
@pytest.mark.parametrize(
    "content", [gzip.compress(b'{"m": 1}'), b"\xff\xfe", None, b'{"m": 1' + b"[" * 10**5], ids=range(4)
)
def test_a_metric_that_cannot_be_read_is_a_point_that_is_not_done(write, tmp_path, content):
    out = tmp_path / ("long" * 20) / "out"
    sweep = read_sweep(write(grid={"seed": [0]}), out, {"exp": None, "data": None})
    directory = sweep.directory(sweep.points[0])
    directory.mkdir(parents=True)
    begin(directory, sweep.points[0].signature)
    if content is None:
        os.mkfifo(directory / "m.json")
    else:
        (directory / "m.json").write_bytes(content)
    finish(directory)
    (result,) = point_results(sweep)
    assert result.value is None and "m.json" in result.state and "\n" not in result.state
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match="inputs: .*fifo: expected files and directories"):
        read_sweep(write(grid={"seed": [0]}, inputs=[str(tmp_path / "fifo")]), None, {"exp": None, "data": None})


def test_what_is_run_says_how_again(write, tmp_path):
    sweep = read_sweep(write(grid={"seed": [0, 1]}), None, {"exp": "exp/other", "data": None})
    again = tmp_path / "config.yaml"
    again.write_text(yaml.safe_dump(sweep.config))
    assert read_sweep(again, sweep.out, {"exp": None, "data": None}) == sweep


def test_the_example_is_a_grid_of_twelve(tmp_path):
    for part in ("index/train", "index/dev", "text", "descriptions"):
        (tmp_path / part).mkdir(parents=True)
    sweep = read_sweep(ROOT / "conf/sweep_example.yaml", None, {"exp": str(tmp_path), "data": str(tmp_path)})
    assert (len(sweep.points), sweep.keys) == (12, ("n_components", "covariance", "seed"))
    words = sweep.points[0].words
    assert words[words.index("--set") + 1] == "covariance=shared,n_components=1,seed=0"
