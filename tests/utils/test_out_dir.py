"""A mistaken --out: what it would replace, or change, stays as it is."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from steps.data.split_speakers import main as split
from steps.generators.plan_samples import main as plan_samples
from steps.generators.sample import main as sample
from steps.score.score import main as score
from steps.text.augment import main as augment
from tests.utils.test_stage_dir import Options, Other, run
from utils.errors import InputError
from utils.out_dir import check_out
from utils.stage_dir import StageDir, parts_root
from utils.sweep import main as sweep

STRANGER = 54321  # a user id


def content(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.fixture
def model(tmp_path) -> Path:
    """A finished directory of a command of its own."""
    options = Options(tmp_path / "exp/mdn")
    run(options)
    return options.out


def mistakes(model: Path) -> dict[str, tuple]:
    """Commands of the tree with `model` as an input and as --out."""
    text = {"--text": "a woman"}
    return {
        "sample": (sample, {"--model": model, "--out": model, **text}),
        "sample, forced": (sample, {"--model": model, "--out": model, **text, "--force": "true"}),
        "sample below it": (sample, {"--model": model, "--out": model / "samples", **text}),
        "sample above it": (sample, {"--model": model, "--out": model.parent, **text}),
        "plan_samples": (plan_samples, {"--model": model, "--out": model, **text}),
        "plan_samples below it": (plan_samples, {"--model": model, "--out": model / "a" / "b", **text}),
        "split_speakers below it": (split, {"--data": model, "--out": model}),
        "augment": (augment, {"--data": model, "--out": model, "--vec_out": model}),
        "score": (
            score, dict.fromkeys(("--index", "--descriptions", "--text_vectors", "--samples", "--out"), model)
        ),
    }  # fmt: skip


@pytest.mark.hostile("--out that is, holds or lies in an input or the finished stage of another command")
@pytest.mark.parametrize("name", mistakes(Path()))
def test_a_stage_of_another_command_is_not_replaced(model, capsys, name):
    for part in ("train", "dev", "test"):
        (model / part).mkdir()
    before = content(model.parent)
    command, options = mistakes(model)[name]
    assert command([str(word) for pair in options.items() for word in pair]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "ERROR: " in error and str(model.parent) in error
    assert content(model.parent) == before


@pytest.mark.hostile(
    "--out that holds an input of the command, a finished stage, or unfinished work of another command"
)
def test_what_would_go_with_a_directory_of_the_same_command_is_named(tmp_path):
    options = Options(tmp_path / "exp/mdn")
    run(options)
    text = options.out / "texts"
    text.write_text("a woman\n")
    with pytest.raises(InputError, match="exp/mdn: is or holds the input .*/texts, which would be lost"):
        run(replace(options, seed=1), [text])
    with pytest.raises(InputError, match="deep: lies in the finished stage .*/exp/mdn, which it would change"):
        run(Other(options.out / "deep"))
    with StageDir(options.out / "deep/samples", Other(options.out / "deep/samples"), within=options.out):
        pass
    with pytest.raises(InputError, match="exp/mdn: the finished stage .*/deep/samples lies in it, and would be lost"):
        run(replace(options, seed=1))
    with StageDir(options.out, replace(options, seed=1), remade=["deep"]) as stage:
        (stage.dir / "file").write_text("new\n")
    assert (options.out / "file").read_text() == "new\n"


@pytest.mark.hostile("--out beside which the unfinished work of another command lies")
def test_unfinished_work_of_another_command_stays(tmp_path):
    options = Options(tmp_path / "mdn")
    with pytest.raises(RuntimeError), StageDir(options.out, options, resume=True) as stage:
        (stage.dir / "epoch1").write_text("hours of work")
        raise RuntimeError
    with pytest.raises(InputError, match=".mdn.tmp: unfinished work of tests.utils.test_stage_dir, and not to be"):
        run(Other(options.out))
    assert (tmp_path / ".mdn.tmp/epoch1").read_text() == "hours of work"


@pytest.mark.hostile("--out that is or holds the home, the root, the checkout or the working directory")
@pytest.mark.parametrize("place", ["home", "holds the home", "working directory", "checkout", "/"])
def test_a_directory_that_is_no_output(tmp_path, monkeypatch, place):
    (tmp_path / "empty/home").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "empty/home"))
    monkeypatch.chdir(tmp_path / "empty")
    out = {"home": tmp_path / "empty/home", "holds the home": tmp_path / "empty", "working directory": Path(),
           "checkout": Path(__file__).parents[2], "/": Path("/")}[place]  # fmt: skip
    for force in (False, True):
        with pytest.raises(InputError, match="name a directory for this output alone"):
            run(Options(out), force=force)
    assert list((tmp_path / "empty").iterdir()) == [tmp_path / "empty/home"]


@pytest.mark.hostile("A sweep whose --out is a finished stage, or whose points are files of somebody's")
def test_a_sweep_leaves_stages_and_foreign_files_alone(model, tmp_path, capsys):
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "command: touch {out}/made{seed}\nmetric: {file: m.json, key: x, best: min}\ngrid: {seed: [1]}\n",
        encoding="utf-8",
    )
    before = content(model)
    assert sweep([str(file), "--out", str(model)]) == 1
    assert f"{model}: made by tests.utils.test_stage_dir, and not for utils.sweep" in capsys.readouterr().err
    assert sweep([str(file), "--out", str(model / "sweep")]) == 1
    assert f"lies in the finished stage {model}" in capsys.readouterr().err
    assert content(model) == before
    thesis = tmp_path / "mine/points/seed=1/thesis.tex"
    thesis.parent.mkdir(parents=True)
    thesis.write_text("precious")
    assert sweep([str(file), "--out", str(tmp_path / "mine")]) == 1
    assert "has files that no sweep has written" in "".join(log.read_text() for log in tmp_path.glob("mine/log/*.log"))
    assert thesis.read_text() == "precious"


@pytest.fixture
def everybodys(tmp_path) -> Path:
    """A folder as /tmp is, in which other users may write."""
    if os.geteuid():
        pytest.skip("only root can make files of another user")
    folder = tmp_path / "everybody's"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def prepare(path: Path, kind: str, target: Path) -> None:
    """Make what a stranger has left at a path."""
    if kind == "link":
        path.symlink_to(target)
    elif kind == "directory":
        path.mkdir()
    else:
        path.touch()
    os.chown(path, STRANGER, STRANGER, follow_symlinks=False)


@pytest.mark.hostile("A link, directory or file that another user has prepared in a temporary folder")
@pytest.mark.parametrize("kind", ["link", "directory", "file"])
@pytest.mark.parametrize("name", ["deep", ".deep.tmp", ".deep.old", ".deep.lock", ".deep.parts"])
def test_what_a_stranger_has_prepared_is_not_used(everybodys, tmp_path, name, kind):
    mine = Options(tmp_path / "mine")
    run(mine)
    before = content(tmp_path / "mine")
    prepare(everybodys / name, kind, mine.out)
    there = content(everybodys)
    with pytest.raises(InputError, match=f"/{name}: "):
        if name == ".deep.parts":
            parts_root(everybodys / "deep")
        else:
            run(Options(everybodys / "deep", seed=1), force=True)
    assert content(everybodys) == there and content(tmp_path / "mine") == before


def test_my_own_files_in_such_a_folder_are_used(everybodys):
    for seed in range(2):
        assert run(Options(everybodys / "deep", seed))
    (everybodys / "link").symlink_to(everybodys / "deep")
    assert not run(Options(everybodys / "link", 1))


def test_what_is_not_there_yet_may_be_written(tmp_path):
    check_out(tmp_path / "a/b", "tests.any", [tmp_path / "c"])
