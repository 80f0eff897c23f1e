"""Extraction: the same bytes whatever the jobs, kills and leftovers; every fault counted and named."""

import errno
import json
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

from steps.audio.read import load  # noqa: E402
from steps.audio.recordings import read_utterances  # noqa: E402
from steps.embed import clean, extract, merge, plan  # noqa: E402
from steps.embed.backend import load_backend  # noqa: E402
from steps.embed.extraction import Options  # noqa: E402
from tests.processes import wait_for  # noqa: E402
from tests.steps.audio.sounds import babble, write_bad_sounds, write_sound  # noqa: E402
from tests.steps.embed.extractions import TELLING, content, options, run_all, write_tree  # noqa: E402
from utils.archives import read_vectors  # noqa: E402
from utils.data_dir import validate  # noqa: E402
from utils.options import parse  # noqa: E402
from utils.tables import read_table  # noqa: E402


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def expected(tree, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("one") / "out"
    run_all(tree, out)
    return content(out)


def parts(out: Path) -> list[Path]:
    return sorted(out.parent.glob(f".{out.name}.parts/*/*.npz"))


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


def test_tables(tree, tmp_path):
    out = tmp_path / "out"
    run_all(tree, out, nj=2)
    assert validate(out, text=False, feats=False, wav=False) == []
    keys, vectors = read_vectors(out / "xvector.scp")
    assert keys == [utterance.id for utterance in read_utterances(tree)] and vectors.shape == (24, 6)
    speakers, means = read_vectors(out / "spk_xvector.scp")
    assert speakers == ["a_s", "a_t", "b_s", "b_t"]
    own = [key.startswith("b_s_") for key in keys]
    np.testing.assert_allclose(means[2], vectors[own].mean(axis=0), rtol=1e-6, atol=1e-9)
    assert read_table(out / "num_utts.ark") == dict.fromkeys(speakers, "6")
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["utterances"], summary["speakers"], summary["dimension"], summary["failed"]) == (24, 4, 6, 0)
    assert summary["datasets"].keys() == {"a", "b"} and summary["datasets"]["a"]["utterances"] == 12
    seconds = sum(map(float, read_table(out / "utt2dur").values()))
    assert summary["seconds"] == pytest.approx(seconds, abs=0.1)
    entry = json.loads((out / "utterance_list.json").read_text())[0]
    assert (entry["id"], entry["speaker_id"], entry["utterance_id"]) == ("a_s_u00", "s", "u00")
    assert json.loads((out / "speaker_list.json").read_text())[1]["speaker_id"] == "t"


def test_speakers_whose_names_begin_others(tmp_path):
    out = tmp_path / "out"
    for number, speaker in enumerate(("1", "10", "a", "aB", "a-c", "é", "é2")):
        write_sound(tmp_path / "tree/d" / speaker / "u.wav", babble(number, 1))
    run_all(tmp_path / "tree", out)
    assert validate(out, text=False, feats=False, wav=False) == []
    assert read_table(out / "num_utts.ark").keys() == {f"d_{name}" for name in ("1", "10", "a", "aB", "a-c", "é", "é2")}


def test_utterances_that_are_not_sorted_by_speaker_are_refused_before_any_work(tree, tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    (data / "wav.scp").write_text(f"a {tree / 'a/s/u00.wav'}\nb {tree / 'a/s/u04.flac'}\n")
    (data / "utt2spk").write_text("a t\nb s\n")
    assert plan.main(options(data, tmp_path / "out")) == 1
    assert "utt2spk: a of speaker t is sorted before b of s; begin the id" in capsys.readouterr().err
    assert not list(tmp_path.glob(".out.parts/*"))


def test_merge_commits_no_invalid_directory(tmp_path, capsys):
    out = tmp_path / "out"
    write_sound(tmp_path / "tree/d/s/u.wav", babble(0, 1)[:5])
    words = options(tmp_path / "tree", out, backend=f"{TELLING}OfAnyLeastLength")
    assert plan.main(words) == 0 and extract.main(words) == 0 and merge.main(words) == 1
    assert "d_s_u: expected seconds > 0, found '0.000'" in capsys.readouterr().err and not out.exists()


def test_a_long_utterance_is_the_mean_of_its_parts(tree, tmp_path):
    run_all(tree, tmp_path / "out")
    long = next(utterance for utterance in read_utterances(tree) if utterance.name == "u05")
    _, (vector,) = read_vectors(tmp_path / "out/xvector.scp", [long.id])
    waveform = load(long).waveform
    assert vector[2] == 15.75 * 16000 and vector[0] == pytest.approx(waveform.mean(), abs=1e-4)


@pytest.mark.field_case("Files of audio that are not read, such as m4a")
def test_files_of_a_tree_that_are_left_out_are_counted(tmp_path):
    tree = write_tree(tmp_path / "tree", range(6))
    for name in ("a/s/x.m4a", "a/s/._u00.wav", "b/notes.txt", "Thumbs.db"):
        (tree / name).touch()
    run_all(tree, tmp_path / "out")
    rows = [line.split("\t") for line in (tmp_path / "out/left_out.tsv").read_text().splitlines()[1:]]
    assert {Path(path).name: reason for path, reason in rows}.keys() == {"x.m4a", "._u00.wav", "notes.txt", "Thumbs.db"}
    counts = json.loads((tmp_path / "out/summary.json").read_text())["files_left_out"]
    assert counts == {".m4a": 1, ".txt": 1, "hidden, or of the system": 2}


@pytest.mark.field_case("A data directory of recordings with each kind of fault")
def test_a_data_directory_of_the_field(tmp_path):
    """A file cut off, a stream, an offset, floats of 16 bits, opposite channels; segments to the end, of a channel."""
    sound, data, out = babble(3), tmp_path / "data", tmp_path / "out"
    stereo = np.stack([sound, babble(4)], 1)
    write_sound(tmp_path / "good.wav", sound)
    write_sound(tmp_path / "offset.wav", sound + np.float32(0.05))
    write_sound(tmp_path / "opposite.wav", np.stack([sound, -sound], 1))
    write_sound(tmp_path / "stereo.wav", stereo)
    write_sound(tmp_path / "right.wav", stereo[:, 1])
    soundfile.write(tmp_path / "floats.wav", 32768 * sound, 16000, subtype="FLOAT")
    content = (tmp_path / "good.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[: len(content) // 2])
    (tmp_path / "stream.wav").write_bytes(content[:40] + bytes(4) + content[44:])
    (tmp_path / "pointer.wav").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    names = ("cut", "floats", "good", "offset", "opposite", "pointer", "right", "stereo", "stream")
    segments = {name: f"{name} 0.5 -1" for name in names} | {"channel": "stereo 0.5 -1 1", "early": "cut 0 1"}
    segments |= {"behind": "good 2 9", "far": "good 1e300 1e301"}
    data.mkdir()
    (data / "wav.scp").write_text("".join(f"{name} {tmp_path}/{name}.wav\n" for name in names))
    (data / "segments").write_text("".join(f"{key} {segments[key]}\n" for key in sorted(segments)))
    (data / "utt2spk").write_text("".join(f"{key} {key}\n" for key in sorted(segments)))
    run_all(data, out, "--max_fail", "0.5")
    rows = [line.split("\t") for line in (out / "failures.tsv").read_text().splitlines()[1:]]
    reasons = {"cut": "corrupt", "early": "corrupt", "far": "empty", "pointer": "corrupt"}
    assert {key: reason for key, reason, _ in rows} == reasons
    assert [line.split("\t") for line in (out / "oddities.tsv").read_text().splitlines()[1:]] == [
        ["behind", "beyond_end"],
        ["floats", "integer_range"],
        ["offset", "dc_offset"],
        ["opposite", "opposite_channels"],
        ["stereo", "multi_channel"],
    ]
    keys, x = read_vectors(out / "xvector.scp")
    vectors = dict(zip(keys, x[:, :3], strict=True))  # what tells the waveform, not the batch
    for name in ("floats", "opposite", "stream"):
        np.testing.assert_allclose(vectors[name], vectors["good"], atol=1e-3)
    assert np.array_equal(vectors["channel"], vectors["right"])
    (row,) = [one for one in json.loads((out / "utterance_list.json").read_text()) if one["id"] == "channel"]
    assert (row["begin"], row["end"], row["channel"]) == (0.5, None, 1)
    assert len(keys) + len(rows) == len(segments)


def test_faults_are_counted_and_named(tmp_path):
    tree = write_tree(tmp_path / "tree", range(20))
    bad = write_bad_sounds(tmp_path / "bad")
    write_sound(tmp_path / "bad/clipped.wav", np.clip(20 * babble(1), -1, 1))
    write_sound(tmp_path / "bad/stereo.wav", np.stack([babble(1), babble(2)], 1))
    paths = {u.id: u.path for u in read_utterances(tree)} | {f"z-{reason}": path for reason, path in bad.items()}
    paths |= {f"z-{name}": tmp_path / f"bad/{name}.wav" for name in ("clipped", "stereo")}
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    (data / "wav.scp").write_text("".join(f"{key} {path}\n" for key, path in sorted(paths.items())))
    (data / "utt2spk").write_text("".join(f"{key} {key[:1]}\n" for key in sorted(paths)))
    run_all(data, out, "--max_fail", "0.2", nj=2)
    rows = [line.split("\t") for line in (out / "failures.tsv").read_text().splitlines()[1:]]
    assert [(key, reason) for key, reason, _ in rows] == [(f"z-{reason}", reason) for reason in sorted(bad)]
    assert all(str(bad[reason]) in detail for _, reason, detail in rows)
    assert (out / "oddities.tsv").read_text().splitlines()[1:] == ["z-clipped\tclipped", "z-stereo\tmulti_channel"]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["failures"] == dict.fromkeys(sorted(bad), 1) and summary["failed"] == 5
    assert summary["oddities"] == {"clipped": 1, "multi_channel": 1} and summary["utterances"] == 22
    assert len(read_table(out / "utt2spk")) == 22
    assert not {f"z-{reason}" for reason in bad} & read_table(out / "xvector.scp").keys()


def test_too_many_failures(tmp_path, capsys):
    tree, out = write_tree(tmp_path / "tree", range(12)), tmp_path / "out"
    write_sound(tree / "a/s/silent.wav", np.zeros(16000, np.float32))
    words = options(tree, out)
    assert plan.main(words) == 0 and extract.main(words) == 0 and merge.main(words) == 1
    assert "1 of 13 utterances (7.69 %) fail: 1 silent; more than --max_fail 0.01" in capsys.readouterr().err
    assert not out.exists() and "a_s_silent\tsilent" in (tmp_path / "out.failures.tsv").read_text()
    (tree / "a/s/empty.wav").touch()
    assert plan.main(words) == 1  # seen before anything is embedded
    assert "1 of 14 utterances (7.14 %) fail: 1 empty" in capsys.readouterr().err
    assert plan.main(options(tree, tmp_path / "a new directory/out")) == 1
    assert "a_s_empty\tempty" in (tmp_path / "a new directory/out.failures.tsv").read_text()
    capsys.readouterr()
    run_all(tree, out, "--max_fail", "0.2")
    assert not (tmp_path / "out.failures.tsv").exists()
    assert merge.main(words) == 1  # what was allowed then is not now
    assert "2 of 14 utterances (14.29 %) fail: 1 empty, 1 silent; more than --max_fail 0.01" in capsys.readouterr().err


def test_a_network_that_gives_no_numbers(tmp_path, capsys):
    words = options(write_tree(tmp_path / "tree", range(4)), tmp_path / "out", "--set", "fails=true", "--max_fail", "1")
    assert plan.main(words) == 0 and extract.main(words) == 0 and merge.main(words) == 1
    assert "4 of 4 utterances (100.00 %) fail: 4 not_finite" in capsys.readouterr().err


def test_a_broken_part_and_a_forgotten_stage(tree, tmp_path, capsys):
    out = tmp_path / "out"
    words = options(tree, out)
    assert extract.main(words) == 1 and "nothing is planned; run python3 -m steps.embed.plan" in capsys.readouterr().err
    assert plan.main(words) == 0 and extract.main(words) == 0
    part = parts(out)[2]
    part.write_bytes(part.read_bytes()[:100])
    for _ in ("cut off", "removed"):
        assert merge.main(words) == 1 and not out.exists()
        assert "1 of" in (said := capsys.readouterr().err) and "--shards 2\n" in said
        part.unlink(missing_ok=True)
    for other in (("--max_seconds", "10"), ("--set", "weights=/some/file")):
        assert merge.main([*words, *other]) == 1
    assert "not with these options; run python3 -m steps.embed.plan" in capsys.readouterr().err


def test_segments(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    recording = write_sound(tmp_path / "r.flac", babble(0, 30))
    (data / "wav.scp").write_text(f"r {recording}\n")
    (data / "segments").write_text("".join(f"s-{n:02d} r {n} {n + 2}\n" for n in range(28)))
    (data / "utt2spk").write_text("".join(f"s-{n:02d} s\n" for n in range(28)))
    run_all(data, tmp_path / "out", nj=2)
    _, vectors = read_vectors(tmp_path / "out/xvector.scp")
    waveform = load(read_utterances(data)[7]).waveform
    assert len(waveform) == 32000 and vectors[7][1] == np.float32(waveform.std())


def test_networks_of_any_length(tree, tmp_path):
    backend = f"{TELLING}OfAnyLength"
    run_all(tree, tmp_path / "a", backend=backend)
    run_all(tree, tmp_path / "b", backend=backend, nj=3)
    first, second = content(tmp_path / "a"), content(tmp_path / "b")
    assert first == second
    _, vectors = read_vectors(tmp_path / "a/xvector.scp")
    assert vectors[:, 2].max() == 47 * 16000


def test_resemblyzer_on_real_speech(librispeech_251, tmp_path):
    pytest.importorskip("resemblyzer")
    data = tmp_path / "data"
    data.mkdir()
    paths = {path.stem: path for path in sorted(librispeech_251.rglob("*.flac"))[:16]}
    (data / "wav.scp").write_text("".join(f"{key} {path}\n" for key, path in sorted(paths.items())))
    (data / "utt2spk").write_text("".join(f"{key} {key.split('-')[0]}\n" for key in sorted(paths)))
    small = ("--batch_seconds", "30", "--shard_seconds", "40")
    for nj, name in ((1, "a"), (3, "b")):
        run_all(data, tmp_path / name, *small, nj=nj, backend="resemblyzer")
    assert len(parts(tmp_path / "a")) > 2 and content(tmp_path / "a") == content(tmp_path / "b")
    keys, vectors = read_vectors(tmp_path / "a/xvector.scp")
    backend = load_backend("resemblyzer")
    alone = [backend.embed([load(utterance).waveform])[0] for utterance in read_utterances(data)]
    np.testing.assert_allclose(vectors, alone, atol=2e-6)


@pytest.mark.field_case("--ark_paths of embeddings, and num_utts.ark as ivector-mean writes it")
@pytest.mark.parametrize("ark_paths", ["recipe", "relative", "absolute"])
def test_archives_are_named_as_asked(tree, tmp_path, monkeypatch, ark_paths):
    monkeypatch.chdir(tmp_path)
    run_all(tree, Path("exp/out"), "--ark_paths", ark_paths)
    top = {"recipe": "exp/out/", "relative": "", "absolute": f"{tmp_path}/exp/out/"}[ark_paths]
    for name in ("xvector", "spk_xvector"):
        location = next(iter(read_table(Path("exp/out", f"{name}.scp")).values()))
        assert location.startswith(f"{top}{name}.ark:")
    assert Path("exp/out/num_utts.ark").read_text() == "a_s 6\na_t 6\nb_s 6\nb_t 6\n"


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


@pytest.mark.parametrize("raises", [True, False])
def test_a_disk_that_breaks_off_while_a_library_reads_makes_no_corrupt_file(tree, monkeypatch, raises):
    (utterance, *_) = read_utterances(tree)
    open_file = Path.open

    def read(self, frames, **more):
        if raises:
            raise soundfile.LibsndfileError(2)
        return np.empty((0, 1), np.float32)

    def open_but_not_twice(path: Path, *more, seen=set(), **by_name):  # noqa: B006
        if path in seen:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        seen.add(path)
        return open_file(path, *more, **by_name)

    with monkeypatch.context() as planted, pytest.raises(OSError, match="Input/output"):
        planted.setattr(soundfile.SoundFile, "read", read)
        planted.setattr(Path, "open", open_but_not_twice)
        load(utterance)
