"""The grid of the recipe: all of its points are trainings that the command takes."""

from pathlib import Path

from steps.unit_lm import train
from tests.steps.unit_lm.conftest import Units
from utils.options import parse
from utils.sweeping.sweep_file import read_sweep

ROOT = Path(__file__).parents[3]


def test_all_points_of_the_grid_are_trainings(units: Units, tmp_path: Path):
    exp = tmp_path / "exp"
    (exp / "unit_sets").mkdir(parents=True)
    for name in ("train", "dev"):
        (exp / "unit_sets" / name).symlink_to(getattr(units, name))
    sweep = read_sweep(ROOT / "egs/amela/v1/conf/unit_lm_grid.yaml", None, {"exp": str(exp), "data": None})
    options = [parse(train.Options, list(point.words[3:]), "train") for point in sweep.points]
    assert len({(one.embedding, one.hidden, one.layers, one.lr) for one in options}) == 16
    assert {one.lr for one in options} == {1e-3, 1e-5}
    assert all(one.train == exp / "unit_sets" / "train" for one in options)
