"""Extraction: the same bytes whatever the jobs, kills and leftovers."""

import errno
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

soundfile = pytest.importorskip("soundfile")

from steps.audio.recordings import read_utterances  # noqa: E402
from steps.embed import clean, extract, merge, plan  # noqa: E402
from steps.embed.extraction import Options  # noqa: E402
from tests.processes import wait_for  # noqa: E402
from tests.steps.audio.sounds import babble, write_sound  # noqa: E402
from tests.steps.embed.extractions import content, options, parts, run_all, write_tree  # noqa: E402
from utils.options import parse  # noqa: E402


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def expected(tree, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("one") / "out"
    run_all(tree, out)
    return content(out)


@pytest.mark.parametrize("nj", [2, 3, 7, 20])
def test_any_number_of_jobs(tree, expected, tmp_path, nj):
    run_all(tree, tmp_path / "out", nj=nj)
    assert len(parts(tmp_path / "out")) > 5  # or the test shows nothing
    assert content(tmp_path / "out") == expected


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_in_torch_gives_the_same_bytes_in_any_job(tree, tmp_path, threads):
    torch.set_num_threads(threads)  # a job sets its own
    small = ("--set", "random_seed=1,hidden=32,pooled=48,dim=8")
    for nj in (1, 3):
        run_all(tree, tmp_path / f"jobs{nj}", *small, "--decoders", str(nj), nj=nj, backend="xvector")
    one, three = (content(tmp_path / f"jobs{nj}") for nj in (1, 3))
    assert one == three


def test_decoding_in_several_threads(tree, expected, tmp_path):
    run_all(tree, tmp_path / "out", "--decoders", "4", nj=2)
    assert content(tmp_path / "out") == expected


def test_any_order_of_the_input(tree, tmp_path):
    utterances = read_utterances(tree)
    for name in ("sorted", "shuffled"):
        directory = tmp_path / name / "data"
        directory.mkdir(parents=True)
        (directory / "wav.scp").write_text("".join(f"{u.id} {u.path}\n" for u in utterances))
        random.Random(0).shuffle(utterances)
        (directory / "utt2spk").write_text("".join(f"{u.id} {u.speaker}\n" for u in utterances))
        run_all(directory, tmp_path / name / "out", nj=2)
    first, second = (content(tmp_path / name / "out") for name in ("sorted", "shuffled"))
    del first["config.yaml"], second["config.yaml"]  # they name the two directories
    assert first == second


def test_a_job_killed_in_the_middle(tree, expected, tmp_path):
    out = tmp_path / "out"
    words = options(tree, out)
    assert plan.main(words) == 0
    slow = {**os.environ, "SECONDS_OF_A_BATCH": "0.2"}
    command = [sys.executable, "-m", "steps.embed.extract", *words]
    for _ in range(2):
        before = len(parts(out))
        with subprocess.Popen(command, env=slow, stderr=subprocess.DEVNULL) as job:
            assert wait_for(lambda before=before: len(parts(out)) > before)
            job.send_signal(signal.SIGKILL)
    done = {part: part.stat().st_mtime_ns for part in parts(out)}
    assert merge.main(words) == 1 and not out.exists()
    assert extract.main(words) == 0 and merge.main(words) == 0
    assert len(parts(out)) > len(done) > 1
    assert {part: part.stat().st_mtime_ns for part in done} == done  # what was done is not done again
    assert content(out) == expected


SMALLER = ("--shard_seconds", "1")  # 16 shards


@pytest.fixture(scope="module")
def expected_of_smaller(tree, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("smaller") / "out"
    run_all(tree, out, *SMALLER)
    return content(out)


def test_arrays_of_any_shape_and_the_call_that_makes_the_rest(tree, expected_of_smaller, tmp_path, capsys):
    out = tmp_path / "an out"
    words = options(tree, out, *SMALLER)
    assert plan.main(words) == 0
    for array, missing in (("5", "0-4,6-15"), ("0,5,12", "1-4,6-11,13-15")):
        assert extract.main([*words, "--shards", array]) == 0
        assert merge.main(words) == 1 and not out.exists()
        call = capsys.readouterr().err.rpartition("this makes them: ")[2]
        assert call.endswith(f"--shards {missing}\n")
    subprocess.run(call, shell=True, check=True, stderr=subprocess.DEVNULL)
    assert merge.main(words) == 0 and content(out) == expected_of_smaller


def test_the_call_has_the_options_of_the_merge():
    words = ["--max_fail", "0.5", "--set", "fails=true,weights=/a b/c", "--use_gpu", "true", "--nj", "3"]
    given = parse(Options, options(Path("a tree"), Path("out"), *words), "merge")
    assert parse(Options, merge.extract_call(given)[3:], "extract") == replace(given, nj=1)


def test_an_array_of_all_shards(tree, expected_of_smaller, tmp_path):
    words = options(tree, tmp_path / "out", *SMALLER)
    assert plan.main(words) == 0
    assert extract.main([*words, "--shards", "0-15%7"]) == 0
    assert merge.main(words) == 0 and content(tmp_path / "out") == expected_of_smaller


def test_an_unknown_shard_is_an_error_where_all_is_merged_too(tree, tmp_path, capsys):
    words = options(tree, tmp_path / "out", *SMALLER)
    run_all(tree, tmp_path / "out", *SMALLER)
    for clean_up in (lambda words: 0, clean.main, plan.main):
        assert clean_up(words) == 0
        if clean_up is not clean.main:  # after it nothing is planned at all
            assert extract.main([*words, "--shards", "0,15"]) == 0
            assert extract.main([*words, "--shards", "15-16"]) == 1
            assert "there is no shard 16; this work has 16 shards" in capsys.readouterr().err


def test_jobs_share_the_shards_that_they_are_given(tree, tmp_path):
    words = options(tree, tmp_path / "out", *SMALLER, "--shards", "1,4-6")
    assert plan.main(words) == 0
    for job in ("1", "2"):
        assert extract.main([*words, "--nj", "2", "--job", job]) == 0
        assert len(parts(tmp_path / "out")) == 2 * int(job)
    assert [part.stem for part in parts(tmp_path / "out")] == [f"part-{number:06d}" for number in (1, 4, 5, 6)]


def test_a_job_whose_shards_another_has_made_meanwhile(tree, tmp_path, monkeypatch):
    words = options(tree, tmp_path / "out", *SMALLER, "--shards", "0-3")
    assert plan.main(words) == 0
    device = extract.device

    def slow(*arguments):  # the network is loaded; meanwhile the other job does all
        monkeypatch.setattr(extract, "device", device)
        assert extract.main(words) == 0
        return device(*arguments)

    monkeypatch.setattr(extract, "device", slow)
    assert extract.main(words) == 0 and len(parts(tmp_path / "out")) == 4


def test_an_unknown_shard_is_an_error(tree, tmp_path, capsys):
    words = options(tree, tmp_path / "out", *SMALLER)
    assert plan.main(words) == 0
    assert extract.main([*words, "--shards", "15-16"]) == 1
    assert "--shards 15-16: there is no shard 16; this work has 16 shards" in capsys.readouterr().err
    assert extract.main([*words, "--nj", "2", "--job", "3"]) == 1
    assert "--job 3: there are --nj 2 jobs" in capsys.readouterr().err
    assert parts(tmp_path / "out") == []


def test_parts_that_an_earlier_version_has_left_are_not_taken(tree, expected, tmp_path):
    out = tmp_path / "out"
    assert plan.main(options(tree, out)) == 0
    (table,) = out.parent.glob(".out.parts/*/shards.jsonl")
    table.rename(table.with_name("plan.jsonl"))
    np.savez(table.with_name("000001.npz"), embeddings=np.zeros((1, 6), np.float32), outcomes="[]")
    run_all(tree, out)
    assert content(out) == expected


def test_parts_of_other_runs_do_not_leak(tree, expected, tmp_path):
    out, other = tmp_path / "out", write_tree(tmp_path / "other", range(12))
    for words in (options(other, out), options(tree, out, "--batch_seconds", "9"), options(tree, out, "--nj", "5")):
        assert plan.main(words) == 0
        assert extract.main([*words, "--nj", "5", "--job", "2"]) == 0
    for stale in parts(out):
        (stale.parent / stale.name.replace("-0000", "-0001")).write_bytes(stale.read_bytes())
    run_all(tree, out, nj=3)
    assert content(out) == expected


def test_a_changed_file_or_network_is_done_again(tmp_path):
    tree, out, weights = write_tree(tmp_path / "tree", range(4)), tmp_path / "out", tmp_path / "weights"
    weights.write_text("1")
    run_all(tree, out, "--set", f"weights={weights}")
    before = content(out)["xvector.ark"]
    write_sound(tree / "a/s/u00.wav", babble(77))
    run_all(tree, out, "--set", f"weights={weights}")
    after = content(out)["xvector.ark"]
    assert after != before
    written = (out / "xvector.ark").stat().st_mtime_ns
    run_all(tree, out, "--set", f"weights={weights}")
    assert (out / "xvector.ark").stat().st_mtime_ns == written
    moved = weights.rename(tmp_path / "moved")  # its content counts, not its name
    run_all(tree, out, "--set", f"weights={moved}")
    assert (out / "xvector.ark").stat().st_mtime_ns == written
    weights.write_text("2")
    run_all(tree, out, "--set", f"weights={weights}")
    assert (out / "xvector.ark").stat().st_mtime_ns != written and content(out)["xvector.ark"] == after


@pytest.mark.field_case("A network mount that breaks off in the middle of a stage")
def test_a_disk_that_breaks_off_costs_no_utterance(tree, expected, tmp_path, monkeypatch, capsys):
    out, words = tmp_path / "out", options(tree, tmp_path / "out")
    assert plan.main(words) == 0
    opened, open_file = [], Path.open

    def open_until_it_breaks(path: Path, *more, **by_name):
        if path.suffix == ".flac":
            opened.append(path)
            if len(opened) > 12:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return open_file(path, *more, **by_name)

    with monkeypatch.context() as planted:
        planted.setattr(Path, "open", open_until_it_breaks)
        assert extract.main(words) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"{opened[12]}: Stale file handle: the network mount or disk that it is on has probably broken off" in error
    done = {part: part.stat().st_mtime_ns for part in parts(out)}
    assert extract.main(words) == 0 and merge.main(words) == 0
    assert len(done) > 1 and {part: part.stat().st_mtime_ns for part in done} == done
    assert content(out) == expected
