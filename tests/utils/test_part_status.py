"""What is said of shards: done, running in a process that holds its mark, failed, killed, waiting."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.processes import wait_for
from utils import part_status
from utils.journal import Journal
from utils.parts import JOURNAL, Item, Work, make_current, remove_parts, write_part
from utils.shard_marks import mark_of, marked, read_mark

HELD = """
import sys, time
from pathlib import Path
from utils.parts import Work
from utils.shard_marks import marked
with marked(Work.find(Path(sys.argv[1]), "abc"), 3, 2):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def planned(tmp_path: Path) -> Work:
    """Five shards, of which one is done, one has failed and one was killed."""
    work = Work.write(tmp_path / "vad", "abc", [Item(f"u{number}", number) for number in range(6)])
    make_current(tmp_path / "vad", "abc", {})
    with marked(work, 0, 1):
        write_part(work.part(0), [], flags=np.zeros(1))
    with pytest.raises(ValueError), marked(work, 1, 1):
        raise ValueError("a disk is\nfull")
    mark_of(work, 2).write_text('{"job": 2, "host": "node7", "pid": 12, "log": "/exp/log/vad.2.log"}\n')
    return work


def test_states_of_shards(planned, tmp_path, capsys):
    holder = subprocess.Popen([sys.executable, "-c", HELD, str(tmp_path / "vad")], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        assert part_status.main(["--out", str(tmp_path / "vad")]) == 0
        head, failed, killed, running, missing = capsys.readouterr().out.splitlines()
    finally:
        holder.kill()
        holder.wait()
    assert head == f"{tmp_path / 'vad'}: of 6 shards 1 done, 1 running, 2 failed, 2 waiting"
    assert failed.startswith("  shard 1: failed in job 1 on ") and failed.endswith(": a disk is full")
    assert killed == "  shard 2: failed in job 2 on node7, process 12, log /exp/log/vad.2.log: killed"
    assert f"  shard 3: running in job 2 on {os.uname().nodename}, process {holder.pid}" in running
    assert missing == "  missing: --array=1-2,4-5 or --shards 1-2,4-5"
    assert wait_for(lambda: read_mark(planned, 3)[0] is False, 10)  # killed: nobody holds the mark
    with marked(planned, 3, 0):
        write_part(planned.part(3), [])
    assert read_mark(planned, 3) is None and planned.missing() == [1, 2, 4, 5]


def test_nothing_planned_and_all_done(planned, tmp_path, capsys):
    remove_parts(tmp_path / "vad")
    (tmp_path / "asr").mkdir()
    (tmp_path / "asr" / ".done").touch()
    for name in ("vad", "asr"):
        assert part_status.main(["--out", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'vad'}: nothing is planned",
        f"{tmp_path / 'asr'}: done",
    ]


def test_two_jobs_at_one_shard_do_not_wait_for_each_other(planned):
    with marked(planned, 4, 1), marked(planned, 4, 2):
        assert read_mark(planned, 4)[1]["job"] == 1
    assert read_mark(planned, 4) is None


def test_a_journal_with_a_damaged_line_is_told_beside_the_others(planned, tmp_path, capsys):
    for shard in (4, 5):
        with Journal(planned.part(shard, JOURNAL)) as journal:
            journal.append("a")
            journal.append("b")
            journal.seal()
    path = planned.part(4, JOURNAL)
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"x"'))
    assert part_status.main(["--out", str(tmp_path / "vad")]) == 0
    head, *_, damaged, missing = capsys.readouterr().out.splitlines()
    assert "of 6 shards 2 done, 0 running, 3 failed, 1 waiting" in head and missing.endswith("--shards 1-4")
    assert damaged == f"  shard 4: failed: {path}:1: a damaged line; remove the file and run its job again"


def test_a_part_that_was_cut_off_is_missing(planned):
    whole = planned.part(0).read_bytes()
    planned.part(0).write_bytes(whole[:-5])
    assert planned.missing([0]) == [0]
    planned.part(0).write_bytes(whole)
    assert planned.missing([0]) == []
