"""Stage directories: complete or absent, redone when anything changed, one writer at a time, whole after kill -9."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir, is_done, signature

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Options:
    COMMAND: ClassVar[str] = "tests.utils.test_stage_dir"
    out: Path = option(help="directory to write")
    seed: int = option(0, "seed")
    nj: int = option(1, "jobs")


@dataclass(frozen=True)
class Other:
    COMMAND: ClassVar[str] = "tests.other"
    out: Path = option(help="directory to write")


def run(options: Options | Other, inputs=(), force: bool = False, content: str = "text\n") -> bool:
    """Write one file. Returns whether there was anything to do."""
    with StageDir(options.out, options, inputs, force) as stage:
        if not stage.done:
            (stage.dir / "file").write_text(content)
        return not stage.done


@pytest.fixture
def options(tmp_path) -> Options:
    return Options(tmp_path / "a stage")


def hidden(options: Options) -> list[str]:
    return [path.name for path in options.out.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.field_case("a finished stage that is redone says which option or input has changed")
def test_a_stage_that_is_redone_says_why(options, caplog, tmp_path):
    (tmp_path / "input").write_text("one")
    caplog.set_level("INFO")
    assert run(options, [tmp_path / "input"]) and "is redone" not in caplog.text
    assert run(replace(options, seed=3), [tmp_path / "input"])
    assert f"{options.out} is redone: seed was 0, is 3" in caplog.text
    (tmp_path / "input").write_text("two")
    assert run(replace(options, seed=3), [tmp_path / "input"]) and "is redone: other inputs" in caplog.text
    assert run(replace(options, seed=3), [tmp_path / "input"], force=True) and "is redone: --force" in caplog.text
    for damaged in ("- a\n", "}{", ""):
        (options.out / "config.yaml").write_text(damaged)
        assert run(options) and "is redone: other options or inputs" in caplog.text
        assert run(replace(options, seed=3))
        caplog.clear()


def test_commit_and_no_op(options):
    assert run(options)
    assert (options.out / "file").read_text() == "text\n"
    assert yaml.safe_load((options.out / "config.yaml").read_text()) == {"out": str(options.out), "seed": 0}
    assert json.loads((options.out / "run_info.json").read_text())["options"]["seed"] == 0
    assert not run(options, content="other\n")
    assert not run(replace(options, nj=8))
    assert (options.out / "file").read_text() == "text\n"
    assert hidden(options) == []


def test_redone_when_options_inputs_or_the_user_say_so(options, tmp_path):
    table, archive = tmp_path / "table", tmp_path / "x.ark"
    table.write_text("a 1\n")
    archive.write_bytes(b"1234")
    assert run(options, [table, archive])
    assert not run(options, [table, archive])
    assert run(options, [table, archive], force=True)
    assert run(replace(options, seed=1), [table, archive])
    table.write_text("a 2\n")
    assert run(replace(options, seed=1), [table, archive])
    os.utime(table, ns=(1, 1))
    assert not run(replace(options, seed=1), [table, archive])
    os.utime(archive, ns=(1, 1))
    assert run(replace(options, seed=1), [table, archive])


def test_a_moved_stage_stays_up_to_date(options, tmp_path):
    run(options)
    options.out.rename(tmp_path / "moved")
    assert not run(replace(options, out=tmp_path / "moved"))


@pytest.mark.parametrize(
    "suffix", [".ark", ".wav", ".WAV", ".flac", ".ogg", ".opus", ".mp3", ".sph", ".aiff", ".m4a", ".aifc", ".wv"]
)
def test_of_archives_and_audio_size_and_time_count(tmp_path, suffix):
    assert not changes_signature(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", ["", ".safetensors", ".npz", ".txt", ".scp"])
def test_of_other_files_the_content_counts(tmp_path, suffix):
    assert changes_signature(tmp_path / f"a{suffix}")


def changes_signature(file: Path) -> bool:
    """Does other content of the same size and time give another signature?"""
    signatures = set()
    for content in ("one", "two"):
        file.write_text(content)
        os.utime(file, (1, 1))
        signatures.add(signature({}, [file]))
    return len(signatures) == 2


@pytest.fixture
def chain(options, tmp_path) -> tuple[Options, list[Path]]:
    """A stage and its input: an archive that another stage has written, in a directory of its own."""
    source = replace(options, out=tmp_path / "source")
    with StageDir(source.out, source) as stage:
        (stage.dir / "train").mkdir()
        (stage.dir / "train" / "x.ark").write_bytes(b"1234")
    run(options, [source.out])
    return options, [source.out]


def test_a_copy_with_new_times_stays_up_to_date(chain, tmp_path):
    options, (source,) = chain
    shutil.copytree(tmp_path, tmp_path / "copy", copy_function=shutil.copyfile)
    moved = replace(options, out=tmp_path / "copy" / options.out.name)
    archive = tmp_path / "copy" / source.name / "train" / "x.ark"
    os.utime(archive, ns=(1, 1))
    assert not run(moved, [archive.parents[1]])
    assert is_done(moved.out, moved, (path for path in [archive.parents[1]]))
    archive.write_bytes(b"4321")
    assert not is_done(moved.out, moved, [archive.parents[1]])
    assert run(moved, [archive.parents[1]])


def test_archives_of_others_count_by_time_in_copies_too(options, tmp_path):
    archive = tmp_path / "x.ark"
    archive.write_bytes(b"1234")
    run(options, [archive])
    os.utime(archive, ns=(1, 1))
    assert run(options, [archive])


def test_a_stage_that_is_redone_with_the_same_bytes_leaves_the_next_ones_up_to_date(chain):
    options, (source,) = chain
    with StageDir(source, replace(options, out=source), force=True) as stage:
        (stage.dir / "train").mkdir()
        (stage.dir / "train" / "x.ark").write_bytes(b"1234")
    assert not run(options, [source])


@pytest.mark.parametrize("lines", [1, 2])
def test_a_stage_of_old_counts_by_time_alone(chain, lines):
    options, (source,) = chain
    done = options.out / ".done"
    done.write_text("".join(done.read_text().splitlines(keepends=True)[:lines]))
    assert not run(options, [source])
    os.utime(source / "train" / "x.ark", ns=(1, 1))
    assert run(options, [source])


def test_missing_input_names_it(options, tmp_path):
    with pytest.raises(InputError, match="nowhere: no such file"):
        run(options, [tmp_path / "nowhere"])


def test_an_error_leaves_the_old_output(options):
    run(options)
    with pytest.raises(RuntimeError), StageDir(options.out, options, force=True) as stage:
        (stage.dir / "file").write_text("half")
        raise RuntimeError
    assert (options.out / "file").read_text() == "text\n"
    assert hidden(options) == []


def test_foreign_files_are_not_replaced(options):
    options.out.mkdir()
    (options.out / "thesis.tex").write_text("precious")
    for force in (False, True):
        with pytest.raises(InputError, match="no stage has written"):
            run(options, force=force)
    assert (options.out / "thesis.tex").read_text() == "precious"
    assert hidden(options) == []


def test_what_another_command_has_finished_is_not_replaced(options):
    run(options)
    for force in (False, True):
        with pytest.raises(
            InputError, match="a stage: made by tests.utils.test_stage_dir, and not to be replaced by tests.other"
        ):
            run(Other(options.out), force=force)
    assert (options.out / "file").read_text() == "text\n"
    assert hidden(options) == []
    assert not run(options)


def test_a_done_file_of_an_earlier_version_counts(options):
    run(options)
    done, info = options.out / ".done", options.out / "run_info.json"
    done.write_text(done.read_text().splitlines()[0])
    assert not run(options)
    made_by = "/a b/python3 -m local.prepare_demo --out x"
    info.write_text(json.dumps({"command": made_by}))
    assert not run(options)
    with pytest.raises(
        InputError, match="made by local.prepare_demo, and not to be replaced by tests.utils.test_stage_dir"
    ):
        run(replace(options, seed=1))
    info.write_text(json.dumps({"command": "python3 notebook.py"}))  # it may be anybody's
    assert run(replace(options, seed=1))


def test_what_is_done_but_by_no_stage_is_not_replaced(options):
    options.out.mkdir()
    (options.out / ".done").write_text("a signature")  # such as a point of a sweep has
    with pytest.raises(InputError, match="no stage has written"):
        run(options)


def test_a_stage_is_on_disk_before_it_has_its_name(options, monkeypatch):
    flushed, fsync = set(), os.fsync
    rename, at_rename = Path.rename, {}

    def note_flush(descriptor):
        flushed.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def note_rename(self, target):
        at_rename[Path(target)] = set(flushed)
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", note_flush)
    monkeypatch.setattr(Path, "rename", note_rename)
    run(options)
    written = {path.stat().st_ino for path in (options.out, *options.out.iterdir())}
    assert written <= at_rename[options.out]
    assert options.out.parent.stat().st_ino in flushed


def test_second_writer_is_refused_and_harms_nothing(options):
    with StageDir(options.out, options) as first:
        (first.dir / "file").write_text("first")
        with pytest.raises(InputError, match="another process is writing"):
            run(options)
    assert (options.out / "file").read_text() == "first"


def test_failed_commit_brings_the_old_output_back(options, monkeypatch):
    run(options)
    rename = Path.rename

    def fail(self, target):
        if Path(target) == options.out and self.name.endswith(".tmp"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space"):
        run(replace(options, seed=1), content="new\n")
    assert (options.out / "file").read_text() == "text\n"
    assert hidden(options) == []


def test_read_only_parent(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(InputError, match="beside .*/locked/stage and then renamed, but .*/locked cannot be written to"):
        run(Options(tmp_path / "locked" / "stage"))


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.utils.test_stage_dir import Options, StageDir
when, out = sys.argv[1], Path(sys.argv[2])
if when != "writing":
    rename, seen = Path.rename, []
    def die(self, target):
        seen.append(target)
        if len(seen) == int(when):
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)
    Path.rename = die
with StageDir(out, Options(out, 1)) as stage:
    (stage.dir / "file").write_text("text\\n")
    (stage.dir / "half").write_text("half")
    if when == "writing":
        os.kill(os.getpid(), signal.SIGKILL)
    (stage.dir / "half").unlink()
"""


@pytest.mark.parametrize("when", ["writing", "1", "2", "3"])  # 1 to 3: the renames of the commit
def test_kill_at_any_moment(options, when):
    run(options, content="old\n")
    killed = subprocess.run([sys.executable, "-c", KILLED, when, str(options.out)], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert not options.out.exists() or (options.out / "file").read_text() == "old\n"
    assert run(replace(options, seed=1))
    assert sorted(path.name for path in options.out.iterdir()) == [".done", "config.yaml", "file", "run_info.json"]
    assert (options.out / "file").read_text() == "text\n"
    assert hidden(options) == []


def test_resume_goes_on_from_what_was_left(options):
    with pytest.raises(RuntimeError), StageDir(options.out, options, resume=True) as stage:
        (stage.dir / "epoch1").write_text("done")
        raise RuntimeError
    with StageDir(options.out, replace(options, seed=5), resume=True) as stage:
        assert not (stage.dir / "epoch1").exists()
        (stage.dir / "epoch1").write_text("other seed")
    with pytest.raises(RuntimeError), StageDir(options.out, options, resume=True) as stage:
        (stage.dir / "epoch1").write_text("done")
        raise RuntimeError
    with StageDir(options.out, options, resume=True) as stage:
        assert (stage.dir / "epoch1").read_text() == "done"
    assert (options.out / "epoch1").read_text() == "done"


@dataclass(frozen=True)
class Ranged:
    COMMAND: ClassVar[str] = "tests.ranged"
    seed: int = option(0, "seed", least=0, most=9)


@pytest.mark.hostile("Numbers beyond their range in options that a Python program makes")
@pytest.mark.parametrize("seed", [-1, 10**12, float("nan"), float("inf")])
def test_options_made_in_python_have_the_same_ranges(tmp_path, seed):
    with pytest.raises(InputError, match="^seed: expected .*found "):
        StageDir(tmp_path / "out", Ranged(seed))
    assert not StageDir(tmp_path / "out", Ranged(3)).done


@pytest.mark.field_case("An input that is a link to nowhere: the link is named, not a stage to run")
def test_an_input_that_is_a_link_to_nowhere(tmp_path):
    (tmp_path / "x.ark").symlink_to("/mnt/gone/x.ark")
    message = "x.ark: a link to /mnt/gone/x.ark, which is not there; restore it, or remove the link"
    with pytest.raises(InputError, match=message), StageDir(tmp_path / "out", {}, [tmp_path / "x.ark"], command="c"):
        pass
