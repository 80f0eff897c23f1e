"""What --set and --conf_dir of a recipe say of its stages: checked as a whole, and split by stage."""

from pathlib import Path

import pytest

from utils.stage_options import main

COMMANDS = "prepare='local.folder,steps.embed.extract',"
COMMANDS += "split=steps.data.split_speakers,train=steps.generators.train,sample=steps.generators.sample"


def check(conf_dir: Path, given: str, *more: str) -> int:
    return main(["--conf_dir", str(conf_dir), "--commands", COMMANDS, "--given", given, *more])


def test_each_stage_has_a_line(tmp_path, capsys):
    given = 'sample.max_tries=5,prepare.checkpoint=/a b,split.fractions=".8,.1,.1",train.hidden=8,sample.max_tries=5'
    given += ",prepare.backend=xvector"
    assert check(tmp_path, given) == 0
    lines = ["checkpoint=/a b,backend=xvector", 'fractions=".8,.1,.1"', "hidden=8", "max_tries=5"]
    assert capsys.readouterr().out.splitlines() == lines
    assert check(tmp_path, "") == 0
    assert capsys.readouterr().out == "\n" * 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("foo.x=1", "--set foo.x=1: expected STAGE.KEY=VALUE with a stage of prepare, split, train, sample"),
        ("max_tries=1", "--set max_tries=1: expected STAGE.KEY=VALUE"),
        (".max_tries=1", "expected key=value"),
        ("train.hiden=1", "--set train.hiden=1: unknown option; valid ones are manifold, n_components,"),
        ("split.split_seed=x", "--set split.split_seed=x: expected int, found 'x'"),
        ("sample.temperature=0", "--set sample.temperature=0: expected a finite number above 0, 1000000.0 or less"),
        ("prepare.chekpoint=x", "--set prepare.chekpoint=x: unknown option; valid ones are partials_per_second,"),
        ("train.seed=99999999999999999999", "--set train.seed=99999999999999999999: expected 0 to 4294967295"),
        ("sample.nj=4", "--set sample.nj=4: the recipe sets this itself; use --nj"),
        ("train.out=x", "the recipe sets this itself; use --data and --exp"),
        ("sample.model=x", "the recipe sets this itself; use --model"),
        ("sample.encoder=a\nb", "--set sample.encoder: the value has a newline"),
    ],
)
def test_what_no_stage_can_take_is_one_error(tmp_path, capsys, given, message):
    assert check(tmp_path, given) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and message in shown.err and shown.err.count(": ERROR: ") == 1


def test_files_are_found_by_the_name_of_the_stage_and_checked(tmp_path, capsys):
    assert check(tmp_path / "none", "") == 1
    assert "none: no such directory" in capsys.readouterr().err
    (tmp_path / "train.yaml").write_text("hidden: 16\nuse_gpu: 'false'\n")
    (tmp_path / "prepare.yaml").write_text("backend: xvector\nrandom-seed: 3\nlabels: table\n")  # of several commands
    (tmp_path / "other.yaml").write_text("anything: 3\n")
    assert check(tmp_path, "train.hidden=8") == 0
    for content, message in (
        ("hiden: 16\n", "train.yaml: hiden: unknown option"),
        ("hidden: 8\nhidden: 16\n", "train.yaml:2: not a YAML file of plain values: the key 'hidden' comes twice"),
        ("lr: 2020-13-45\n", "train.yaml: lr: expected float, found '2020-13-45'"),
        ("hidden: wide\n", "train.yaml: hidden: expected int"),
        ("generators: list\n", "train.yaml: generators: the recipe sets this itself; use --generators"),
    ):
        (tmp_path / "train.yaml").write_text(content)
        assert check(tmp_path, "") == 1
        assert message in capsys.readouterr().err


@pytest.mark.field_case("A conf file of a stage under a name that no stage reads: train.yml, Train.yaml")
@pytest.mark.parametrize("name", ["train.yml", "Train.yaml", "SPLIT.YML"])
def test_a_file_that_no_stage_reads_is_named(tmp_path, capsys, name):
    (tmp_path / name).write_text("seed: 3\n")
    assert check(tmp_path, "") == 1
    assert (
        f"{name}: no stage reads a file of this name; rename it to {name.lower()[:5]}.yaml" in capsys.readouterr().err
    )


@pytest.mark.field_case("A conf file of a stage under a name that no stage reads: train.yml, Train.yaml")
@pytest.mark.parametrize(("name", "stage"), [("trian.yaml", "train"), ("Splits.yml", "split"), ("sampl.yml", "sample")])
def test_a_slip_in_the_name_of_a_file_is_told(tmp_path, capsys, name, stage):
    for other in ("mdn.yaml", "train_1b.yaml", "train2.yaml", "generators.txt"):
        (tmp_path / other).write_text("of generators, or kept aside\n")
    assert check(tmp_path, "") == 0
    (tmp_path / name).write_text("seed: 3\n")
    assert check(tmp_path, "") == 1
    said = f"{name}: no stage reads a file of this name; rename it to {stage}.yaml; stages are prepare, split,"
    assert said in capsys.readouterr().err


def test_a_recipe_may_say_which_other_files_there_are(tmp_path, capsys):
    for name in ("train.yaml", "grid.yaml", "list.yaml", "notes.txt"):
        (tmp_path / name).touch()
    assert check(tmp_path, "", "--others", "grid,list") == 0
    (tmp_path / "train2.yaml").touch()
    for others, message in (("grid", "list.yaml: no stage reads"), ("grid,list", "rename it to train.yaml; stages")):
        assert check(tmp_path, "", "--others", others) == 1
        assert message in capsys.readouterr().err
    (tmp_path / "list.yaml").unlink()
    (tmp_path / "train2.yaml").unlink()
    assert check(tmp_path, "", "--others", "") == 1
    assert "grid.yaml: no stage reads a file of this name; rename it, or move it away" in capsys.readouterr().err


def test_generators_are_those_of_the_list_that_is_typed(tmp_path, capsys):
    (tmp_path / "list").write_text("line ridge -\n")
    assert check(tmp_path, "train.penalty=3", "--typed", f"generators={tmp_path}/list") == 0
    assert check(tmp_path, "train.hidden=3", "--typed", f"generators={tmp_path}/list") == 1
    assert "--set train.hidden=3: unknown option; valid ones are" in capsys.readouterr().err
