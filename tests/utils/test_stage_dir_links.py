"""Stage directories that are links, or lie behind links: the link stays, and the data lie where it leads to."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.utils.test_stage_dir import Options, run
from utils.errors import InputError
from utils.stage_dir import StageDir, parts_root

FILES = [".done", "config.yaml", "file", "run_info.json"]


def link(path: Path, target: Path | str) -> Path:
    """Make `path` a link."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path


@pytest.fixture
def scratch(tmp_path) -> Path:
    directory = tmp_path / "scratch disk"
    directory.mkdir()
    return directory


def to_a_directory(tmp: Path, scratch: Path) -> Path:
    (scratch / "embed").mkdir()
    return link(tmp / "exp/embed", scratch / "embed")


def to_a_link(tmp: Path, scratch: Path) -> Path:
    (scratch / "embed").mkdir()
    return link(tmp / "exp/embed", link(tmp / "between", scratch / "embed"))


def relative(tmp: Path, scratch: Path) -> Path:
    (scratch / "embed").mkdir()
    return link(tmp / "exp/embed", f"../{scratch.name}/embed")


def to_what_is_not_there_yet(tmp: Path, scratch: Path) -> Path:
    return link(tmp / "exp/embed", scratch / "embed")


def in_a_linked_directory(tmp: Path, scratch: Path) -> Path:
    return link(tmp / "exp", scratch) / "embed"


def in_a_linked_directory_that_is_not_there_yet(tmp: Path, scratch: Path) -> Path:
    scratch.rmdir()
    return link(tmp / "exp", scratch) / "embed"


LAYOUTS = [
    *(to_a_directory, to_a_link, relative, to_what_is_not_there_yet),
    *(in_a_linked_directory, in_a_linked_directory_that_is_not_there_yet),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_stage_behind_a_link_is_redone_as_often_as_one_likes(tmp_path, scratch, layout):
    out = layout(tmp_path, scratch)
    links = {path: path.readlink() for path in tmp_path.rglob("*") if path.is_symlink()}
    for seed in range(3):
        assert run(Options(out, seed), content=f"{seed}\n")
        assert not run(Options(out, seed))
        assert (out / "file").read_text() == f"{seed}\n"
        assert sorted(path.name for path in (scratch / "embed").iterdir()) == FILES
        assert {path: path.readlink() for path in tmp_path.rglob("*") if path.is_symlink()} == links
        assert [path.name for path in scratch.iterdir()] == ["embed"]  # nothing is left beside it
        assert set(out.parent.iterdir()) == {out}


def test_a_stage_on_another_file_system(tmp_path):
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system to write to")
    target = memory / f"pseudospeakers-{os.getpid()}"
    out = link(tmp_path / "exp/embed", target)
    try:
        assert run(Options(out, 0)) and run(Options(out, 1)) and not run(Options(out, 1))
        assert out.is_symlink() and sorted(path.name for path in target.iterdir()) == FILES
    finally:
        for path in target.iterdir():
            path.unlink()
        target.rmdir()


def test_a_link_to_what_cannot_be_renamed_is_refused_before_the_work(tmp_path):
    """A mount point, such as a scratch disk itself: the outputs belong into a directory of it."""
    memory = Path("/dev/shm")
    if not memory.is_mount():
        pytest.skip("no mount point here")
    out = link(tmp_path / "exp/embed", memory)
    with pytest.raises(InputError, match="embed: .* but /dev/shm is a mount point; .* such as /dev/shm/embed"):
        StageDir(out, Options(out)).__enter__()
    assert set(out.parent.iterdir()) == {out}


def test_two_names_of_one_directory_have_one_writer(tmp_path, scratch):
    first, second = to_a_directory(tmp_path, scratch), link(tmp_path / "second", scratch / "embed")
    with StageDir(first, Options(first)), pytest.raises(InputError, match="second: another process is writing"):
        run(Options(second))
    assert not run(Options(second))


def test_a_link_to_foreign_files_is_refused(tmp_path, scratch):
    out = to_a_directory(tmp_path, scratch)
    (scratch / "embed/thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="exp/embed: has files that no stage has written"):
        run(Options(out), force=True)
    assert [path.name for path in scratch.rglob("*")] == ["embed", "thesis.tex"]
    assert out.is_symlink()


@pytest.mark.parametrize("out", ["exp/embed", "exp"])
def test_a_link_to_a_disk_that_is_not_there_is_refused(tmp_path, out):
    link(tmp_path / out, tmp_path / "unmounted/me")
    with pytest.raises(InputError, match=f"/{out}: a link to .*unmounted/me, and there is no directory .*unmounted"):
        run(Options(tmp_path / "exp/embed"))
    assert not (tmp_path / "unmounted").exists()


@pytest.mark.parametrize("out", ["exp/embed", "exp"])
def test_a_link_to_itself_is_refused(tmp_path, out):
    link(tmp_path / out, Path(out).name)
    with pytest.raises(InputError, match=f"/{out}: a link that leads to itself"):
        run(Options(tmp_path / "exp/embed"))


def test_a_link_to_a_file_is_refused(tmp_path, scratch):
    (scratch / "embed").write_text("precious")
    with pytest.raises(InputError, match="exp/embed: not a directory"):
        run(Options(link(tmp_path / "exp/embed", scratch / "embed")), force=True)
    assert (scratch / "embed").read_text() == "precious"


@pytest.mark.parametrize("name", [".embed.tmp", ".embed.old"])
@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_nothing_is_written_or_removed_through_a_link_at_a_name_of_our_own(tmp_path, scratch, name, target):
    (scratch / "there").mkdir()
    (scratch / "there/file").write_text("precious")
    options = Options(tmp_path / "exp/embed")
    run(options)
    link(tmp_path / "exp" / name, scratch / target)
    with pytest.raises(InputError, match=f"exp/{name}: a link, but .* while .*exp/embed is written"):
        run(replace(options, seed=1))
    assert [path.name for path in scratch.rglob("*")] == ["there", "file"]
    assert not run(options)  # what has been finished counts
    (tmp_path / "exp" / name).unlink()
    assert run(replace(options, seed=1))


def test_parts_lie_beside_what_a_link_leads_to(tmp_path, scratch):
    for layout in (to_a_directory, in_a_linked_directory):
        root = tmp_path / layout.__name__
        disk = root / "scratch disk"
        disk.mkdir(parents=True)
        assert parts_root(layout(root, disk)) == disk / ".embed.parts"
    link(disk / ".embed.parts", scratch)
    with pytest.raises(InputError, match=".embed.parts: a link"):
        parts_root(root / "exp/embed")
