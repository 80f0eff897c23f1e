"""Speech of a small corpus: planned, detected by any number of jobs, joined, and read."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from steps.audio.read import load
from steps.audio.recordings import read_utterances
from steps.features import compute as features_compute
from steps.features import merge as features_merge
from steps.features import plan as features_plan
from steps.features.speech_masks import SpeechMasks
from steps.vad import check, compute, merge, picture, plan
from tests.steps.audio.sounds import babble, write_bad_sounds, write_sound
from utils.data_dir import DataDir, validate, write_data_dir

ROOT = Path(__file__).parents[3]
NAMES = ("vad.ark", "utt2spk", "utt2num_frames", "utt2num_speech_frames", "vad.json", "no_speech.tsv", "failures.tsv")


def spoken(seed: int, rate: int = 16000) -> np.ndarray:
    """A second of near silence, one of babble, half a second of near silence, half a second of babble."""
    noise = 1e-4 * np.random.default_rng(seed).normal(size=3 * rate)
    noise[rate : 2 * rate] += babble(seed, 1, rate)
    noise[5 * rate // 2 :] += babble(seed + 1, 0.5, rate)
    return noise.astype(np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two speakers with two utterances each, one of them silence but for noise."""
    sounds = {"a-1": spoken(1), "a-2": spoken(2), "b-1": spoken(3), "b-2": spoken(4)[:16000]}
    wav = {key: str(write_sound(tmp_path / "wav" / f"{key}.wav", one)) for key, one in sounds.items()}
    tables = {"utt2spk": {key: key[0] for key in wav}, "wav.scp": wav, "spk2gender": {"a": "f", "b": "m"}}
    write_data_dir(tmp_path / "data", tables | {"utt2word": dict.fromkeys(wav, "yes")})
    return tmp_path / "data"


def detect(data: Path, out: Path, *words: str, nj: int = 1) -> int:
    """Run the commands as detect.sh does. Returns the first status that is not 0."""
    given = [*words, "--data", str(data), "--out", str(out), "--nj", str(nj)]
    calls = [(plan, given), *((compute, [*given, "--job", str(job)]) for job in range(1, nj + 1)), (merge, given)]
    return next((status for module, line in calls if (status := module.main(line))), 0)


@pytest.mark.parametrize("backend", ["energy", "webrtc"])
def test_speech_is_found_where_it_is(data, tmp_path, backend):
    if backend == "webrtc":
        pytest.importorskip("webrtcvad", reason="webrtcvad is not installed")
    assert detect(data, tmp_path / "vad", "--backend", backend) == 0
    speech = SpeechMasks(tmp_path / "vad").of("a-1", 298)
    assert not speech[:95].any() and speech[105:190].mean() > 0.9 and speech[252:].mean() > 0.9
    assert not speech[230:245].any()  # webrtc goes on for a while after speech
    assert validate(tmp_path / "vad", text=False, feats=False) == []
    assert (tmp_path / "vad" / "no_speech.tsv").read_text().splitlines()[1:] == ["b-2\t1.000"]
    summary = json.loads((tmp_path / "vad" / "summary.json").read_text())
    assert (summary["utterances"], summary["without_speech"], summary["failed"]) == (4, 1, 0)
    assert 0.4 < summary["speech"] < 0.6 and summary["speech_of_an_utterance"]["least"] == 0
    table = DataDir(tmp_path / "vad").table("utt2num_speech_frames")
    assert table["a-1"] == str(speech.sum()) and table["b-2"] == "0"


def test_a_check_says_whether_a_detector_works(data, capsys):
    audio = DataDir(data).table("wav.scp")["a-1"]
    assert check.main(["--backend", "energy", "--set", "padding=0.1", "--audio", audio]) == 0
    assert "energy works: ready in " in (said := capsys.readouterr().out) and "of 298 frames are speech" in said
    assert check.main(["--backend", "energy", "--audio", f"{audio}.none"]) == 1
    assert ".none" in capsys.readouterr().err
    assert check.main(["--backend", "silero", "--set", "model=none.onnx"]) == 1


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_frames_are_those_of_the_features(data, tmp_path, rate):
    given = ["--data", str(data), "--out", str(tmp_path / "feats"), "--set", f"bins=20,sample_rate={rate}"]
    assert [one.main(given) for one in (features_plan, features_compute, features_merge)] == [0, 0, 0]
    for backend in ("energy", "webrtc"):
        assert detect(data, tmp_path / backend, "--backend", backend, "--sample_rate", str(rate)) == 0
        frames = (tmp_path / backend / "utt2num_frames").read_bytes()
        assert frames == (tmp_path / "feats" / "utt2num_frames").read_bytes()


def test_segments_are_a_data_directory_of_the_speech(data, tmp_path):
    smoothing = "least_silence=0.1,least_speech=0.1,padding=0.05"
    assert detect(data, tmp_path / "vad", "--backend", "energy", "--set", smoothing) == 0
    assert validate(tmp_path / "vad" / "speech", text=False, feats=False) == []
    found = read_utterances(tmp_path / "vad" / "speech")
    assert [one.id.rpartition("-")[0].rpartition("-")[0] for one in found] == ["a-1", "a-1", "a-2", "a-2", "b-1", "b-1"]
    assert [one.begin for one in found[:2]] == pytest.approx([0.95, 2.45], abs=0.06)
    assert [one.end for one in found[:2]] == pytest.approx([2.05, 3.0], abs=0.06)
    assert np.sqrt(np.mean(np.square(load(found[0]).waveform))) > 0.05
    # segments of segments: times are those of the recordings
    assert detect(tmp_path / "vad" / "speech", tmp_path / "again", "--backend", "energy") == 0
    again = read_utterances(tmp_path / "again" / "speech")
    assert [one.path for one in again[:1]] == [found[0].path] and 1.0 < again[0].begin + 0.05 < again[0].end < 2.05


def test_a_picture_is_of_the_least_speech_the_most_and_some_between(data, tmp_path, capsys):
    assert detect(data, tmp_path / "vad", "--backend", "energy") == 0
    words = ["--data", str(data), "--vad", str(tmp_path / "vad"), "--out", str(tmp_path / "picture")]
    assert picture.main([*words, "--utterances", "3"]) == 0
    rows = [line.split("\t") for line in (tmp_path / "picture" / "chosen.tsv").read_text().splitlines()[1:]]
    assert rows[0] == ["b-2", "0.0000"] and len(rows) == 3 and rows[1][1] <= rows[2][1]
    assert (tmp_path / "picture" / "speech.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "vad" / "utt2num_frames").write_text("a-1 x\n")
    assert picture.main(words) == 1
    assert "a-1: expected numbers of frames, found 'x'" in capsys.readouterr().err


def test_bytes_depend_neither_on_jobs_nor_on_kills(data, tmp_path):
    words = ("--backend", "energy", "--set", "shard_seconds=1")
    assert detect(data, tmp_path / "one", *words) == 0
    given = [*words, "--data", str(data), "--out", str(tmp_path / "three")]
    assert plan.main(given) == 0 and compute.main([*given, "--shards", "1"]) == 0
    assert merge.main(given) == 1  # parts are missing
    assert detect(data, tmp_path / "three", *words, nj=3) == 0
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()
    before = (tmp_path / "one" / "vad.ark").stat()
    assert detect(data, tmp_path / "one", *words) == 0
    assert (tmp_path / "one" / "vad.ark").stat() == before
    assert not list(tmp_path.glob(".*"))


def test_audio_that_cannot_be_read_is_listed_and_counted(tmp_path, capsys):
    bad = {f"s1-{reason}": str(path) for reason, path in write_bad_sounds(tmp_path / "bad").items()}
    wav = bad | {"s1-good": str(write_sound(tmp_path / "good.wav", spoken(1)))}
    write_data_dir(tmp_path / "data", {"utt2spk": dict.fromkeys(wav, "s1"), "wav.scp": wav})
    assert detect(tmp_path / "data", tmp_path / "vad", "--backend", "energy") == 1
    assert "more than --max_fail 0.01" in capsys.readouterr().err and not (tmp_path / "vad").exists()
    assert detect(tmp_path / "data", tmp_path / "vad", "--backend", "energy", "--max_fail", "0.9") == 0
    rows = [line.split("\t") for line in (tmp_path / "vad" / "failures.tsv").read_text().splitlines()[1:]]
    assert {row[0]: row[1] for row in rows} == {key: key.removeprefix("s1-") for key in bad if key != "s1-silent"}


@pytest.mark.parametrize("words", [("--backend", "energy", "--set", "range_db=30"), ("--backend", "webrtc")])
def test_silence_is_no_failure_but_has_no_speech(tmp_path, words):
    wav = {"s1": str(write_sound(tmp_path / "silence.wav", np.zeros(16000, np.float32)))}
    write_data_dir(tmp_path / "data", {"utt2spk": {"s1": "s1"}, "wav.scp": wav})
    assert detect(tmp_path / "data", tmp_path / "vad", *words) == 0
    assert (tmp_path / "vad" / "no_speech.tsv").read_text().splitlines()[1:] == ["s1\t1.000"]
    assert DataDir(tmp_path / "vad").table("utt2num_frames") == {"s1": "98"}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (
            ("--backend", "sonic"),
            "'sonic' is no detector of speech; expected one of webrtc, energy, silero, ten, or module:Class",
        ),
        (("--set", "mode=4"), "mode"),
        (("--backend", "energy", "--set", "mode=2"), "mode"),
        (("--sample_rate", "1"), "sample_rate"),
    ],
)
def test_bad_options_are_named_before_any_work(data, tmp_path, capsys, words, answer):
    assert plan.main([*words, "--data", str(data), "--out", str(tmp_path / "vad")]) == 1
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1 and answer in error[0] and not list(tmp_path.glob(".vad*"))


def test_script_passes_its_options_on(data, tmp_path):
    out = tmp_path / "my out"
    words = ["--nj", "1", "--backend", "energy", "--sample_rate", "8000", "--set", "context=2", str(data), str(out)]
    run = subprocess.run([str(ROOT / "steps/vad/detect.sh"), *words], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    made = json.loads((out / "vad.json").read_text())
    assert (made["backend"], made["options"]["context"], made["sample_rate"]) == ("energy", 2, 8000)
    assert len(list((tmp_path / "log").glob("my out.*.log"))) == 1 and not list(tmp_path.glob(".*"))


def start(data: Path, out: Path, *words: str, num_shards: int = 2) -> list[str]:
    """Plan in shards by number, and give the words that all commands take."""
    modulo = ["--shard", "modulo", "--num_shards", str(num_shards)]
    given = [*words, *modulo, "--backend", "energy", "--data", str(data), "--out", str(out)]
    assert plan.main(given) == 0
    return given


def test_shards_by_number_give_the_same_result(data, tmp_path, capsys):
    given = start(data, tmp_path / "vad")
    tables = [
        json.loads(line) for line in next((tmp_path / ".vad.parts").rglob("shards.jsonl")).read_text().splitlines()
    ]
    assert [(row[0], row[1]) for row in tables[1:]] == [(0, "a-1"), (0, "b-1"), (1, "a-2"), (1, "b-2")]
    assert compute.main([*given, "--shards", "1%7"]) == 0  # as in --array=1%7
    assert merge.main(given) == 1
    said = capsys.readouterr().err
    assert "1 of 2 parts are missing (as an array of SLURM: --array=0)" in said and not (tmp_path / "vad").exists()
    assert len(list((tmp_path / ".vad.parts").rglob("part-*.npz"))) == 1  # a refused merge deletes nothing
    assert compute.main([*given, "--shards", "0"]) == 0  # the rerun of one task does the work
    assert merge.main(given) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "vad").iterdir() if path.is_file()}
    assert merge.main(given) == 0  # a second merge changes nothing
    assert {path.name: path.read_bytes() for path in (tmp_path / "vad").iterdir() if path.is_file()} == before
    assert detect(data, tmp_path / "by_size", "--backend", "energy") == 0
    assert validate(tmp_path / "vad", text=False, feats=False) == []
    for name in ("utt2num_speech_frames", "rttm", "vad.csv", "speech/segments"):
        assert (tmp_path / "vad" / name).read_bytes() == (tmp_path / "by_size" / name).read_bytes(), name
    one, other = SpeechMasks(tmp_path / "vad"), SpeechMasks(tmp_path / "by_size")
    assert all((one.of(key, 298) == other.of(key, 298)).all() for key in ("a-1", "a-2", "b-1"))


def test_tasks_of_an_array_that_have_no_utterances_have_nothing_to_do(data, tmp_path, capsys):
    given = start(data, tmp_path / "vad", num_shards=16)  # of four utterances
    assert [compute.main([*given, "--shards", str(task)]) for task in range(16)] == [0] * 16
    assert compute.main([*given, "--shards", "16"]) == 1
    assert "there is no shard 16; this work has 16 shards" in capsys.readouterr().err
    assert merge.main(given) == 0 and len(DataDir(tmp_path / "vad").utt2spk) == 4
    assert compute.main([*given, "--shards", "15"]) == 0


def test_a_merge_may_go_without_what_is_missing_and_later_have_it(data, tmp_path, capsys):
    given = start(data, tmp_path / "vad")
    assert compute.main([*given, "--shards", "1"]) == 0
    assert merge.main([*given, "--allow_missing", "true"]) == 0
    assert list(DataDir(tmp_path / "vad").utt2spk) == ["a-2", "b-2"]
    failures = (tmp_path / "vad" / "failures.tsv").read_text().splitlines()
    assert failures[1:] == ["a-1\tnot_computed\tof shard 0", "b-1\tnot_computed\tof shard 0"]
    assert compute.main(given) == 0 and merge.main(given) == 0
    assert list(DataDir(tmp_path / "vad").utt2spk) == ["a-1", "a-2", "b-1", "b-2"]
    assert not (tmp_path / ".vad.parts").exists()


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: whole.replace(b"s", b"S", 1)])
def test_a_part_that_was_cut_off_or_changed_is_done_again(data, tmp_path, damage):
    given = start(data, tmp_path / "vad")
    assert compute.main(given) == 0
    part = sorted((tmp_path / ".vad.parts").rglob("part-*.npz"))[1]
    whole = part.read_bytes()
    part.write_bytes(damage(whole))
    assert merge.main(given) == 1
    assert compute.main(given) == 0 and part.read_bytes() == whole
    assert merge.main(given) == 0
