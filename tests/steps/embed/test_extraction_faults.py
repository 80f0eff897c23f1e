"""What cannot be embedded, and what is odd: each fault is counted, named and told in time."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

soundfile = pytest.importorskip("soundfile")

from steps.audio.read import load  # noqa: E402
from steps.audio.recordings import read_utterances  # noqa: E402
from steps.embed import extract, merge, plan  # noqa: E402
from tests.steps.audio.sounds import babble, write_bad_sounds, write_sound  # noqa: E402
from tests.steps.embed.extractions import TELLING, options, parts, run_all, write_tree  # noqa: E402
from utils.archives import read_vectors  # noqa: E402
from utils.tables import read_table  # noqa: E402


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_tree(tmp_path_factory.mktemp("tree"))


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
