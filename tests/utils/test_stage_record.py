"""What `.done` may hold: the records of all versions, and what stands there instead of one."""

import os

import pytest

from tests.utils.test_stage_dir import Options, run
from utils.errors import InputError
from utils.stage_dir import is_done
from utils.stage_record import Record, maker_of, read_record


@pytest.fixture
def stage(tmp_path) -> Options:
    """A finished stage."""
    options = Options(tmp_path / "stage")
    run(options)
    return options


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_records_of_all_versions(tmp_path, lines):
    (tmp_path / ".done").write_text("abc\nsteps.any\ndef\n"[: (3, 13, 17)[lines - 1]])
    record = read_record(tmp_path / ".done")
    assert record == Record(*("abc", "steps.any", "def")[:lines])
    assert record.text().startswith((tmp_path / ".done").read_text())


def spoil(path, kind: str) -> None:
    """Put something else where a file is."""
    path.unlink()
    if kind == "a directory":
        path.mkdir()
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a link to a FIFO":
        os.mkfifo(path.with_name("fifo"))
        path.symlink_to("fifo")
    else:
        path.write_bytes({"empty": b"", "not UTF-8": b"\xff\xfe\n", "huge": b"a" * 10**6, "zeros": bytes(64)}[kind])


KINDS = ["a directory", "a FIFO", "a link to a FIFO", "empty", "not UTF-8", "huge", "zeros"]


@pytest.mark.hostile(".done that is empty, not UTF-8, huge, zeros, a directory, a FIFO or a link to one")
@pytest.mark.parametrize("kind", KINDS)
def test_a_spoiled_record_is_named_and_nothing_replaced(stage, kind):
    spoil(stage.out / ".done", kind)
    for ask in (lambda: is_done(stage.out, stage), lambda: run(stage), lambda: run(stage, force=True)):
        with pytest.raises(
            InputError, match=r"stage/.done: not the record of a finished stage \(.*\); remove"
        ) as error:
            ask()
        assert "\n" not in str(error.value) and len(str(error.value)) < 400
    assert (stage.out / "file").read_text() == "text\n"


@pytest.mark.hostile("run_info.json of a stage of an earlier version that is spoiled")
@pytest.mark.parametrize("kind", [*KINDS, "no command line", "a number"])
def test_spoiled_information_of_an_earlier_version(stage, kind):
    (stage.out / ".done").write_text("a signature\n")
    info = stage.out / "run_info.json"
    if kind in KINDS:
        spoil(info, kind)
    else:
        info.write_text('{"command": "it\'s"}' if kind == "no command line" else '{"command": "3 -m"}')
    if kind == "a number":
        assert maker_of(stage.out) is None
        return
    with pytest.raises(InputError, match="stage"):
        run(stage)
    assert (stage.out / "file").read_text() == "text\n"


def test_a_torn_record_of_unfinished_work_is_no_obstacle(stage):
    unfinished = stage.out.with_name(".stage.tmp")
    for torn in (b"", b"\xff"):
        unfinished.mkdir()
        (unfinished / ".signature").write_bytes(torn)
        assert run(stage, force=True)
