"""Transcription of a small corpus: planned, recognised by any number of jobs, killed, joined."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from steps.asr import check, compute, merge, plan
from tests.steps.audio.sounds import write_bad_sounds, write_sound
from utils.data_dir import DataDir, validate, write_data_dir
from utils.manifest import read_manifest

ROOT = Path(__file__).parents[3]
STUB = ("--backend", "tests.steps.asr.stub:Stub")
NAMES = ("text", "ctm", "utt2spk", "spk2utt", "wav.scp", "utt2recogniser", "asr.json", "failures.tsv", "summary.json")


def tone(peak: float, seconds: float = 0.5) -> np.ndarray:
    return (peak * np.cos(2 * np.pi * 200 * np.arange(round(16000 * seconds)) / 16000)).astype(np.float32)


def tones(folder: Path, n: int, **more: np.ndarray) -> dict[str, str]:
    """Files of n tones of two speakers, and of more sounds."""
    sounds = {f"{'ab'[i * 2 // n]}-{i:02d}": tone(0.1 + 0.02 * i) for i in range(n)} | more
    return {key: str(write_sound(folder / f"{key}.wav", sound)) for key, sound in sounds.items()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four tones."""
    wav = tones(tmp_path / "wav", 4)
    write_data_dir(tmp_path / "data", {"utt2spk": {key: key[0] for key in wav}, "wav.scp": wav})
    return tmp_path / "data"


def transcribe(data: Path, out: Path, *words: str, nj: int = 1) -> int:
    """Run the commands as transcribe.sh does. Returns the first status that is not 0."""
    given = [*words, "--data", str(data), "--out", str(out), "--nj", str(nj)]
    calls = [(plan, given), *((compute, [*given, "--job", str(job)]) for job in range(1, nj + 1)), (merge, given)]
    return next((status for module, line in calls if (status := module.main(line))), 0)


def test_the_result_is_a_data_directory_with_text_and_times(data, tmp_path):
    assert transcribe(data, tmp_path / "asr", *STUB, "--set", "word=sound") == 0
    assert validate(tmp_path / "asr", feats=False) == []
    assert (tmp_path / "asr" / "text").read_text().splitlines()[0] == "a-00 a sound10"
    assert (tmp_path / "asr" / "ctm").read_text().splitlines()[:2] == [
        "a-00 1 0.00 0.25 a",
        "a-00 1 0.25 0.25 sound10 0.500",
    ]
    entries = read_manifest(tmp_path / "asr" / "manifest.jsonl")
    assert [(one.id, one.text, one.duration, one.speaker) for one in entries[:2]] == [
        ("a-00", "a sound10", 0.5, "a"),
        ("a-01", "a sound12", 0.5, "a"),
    ]
    assert entries[0].path == tmp_path / "wav" / "a-00.wav"
    summary = json.loads((tmp_path / "asr" / "summary.json").read_text())
    assert (summary["recognised"], summary["given"], summary["words"], summary["seconds"]) == (4, 0, 8, 2.0)
    assert json.loads((tmp_path / "asr" / "asr.json").read_text())["options"]["word"] == "sound"
    before = (tmp_path / "asr" / "text").stat()
    assert transcribe(data, tmp_path / "asr", *STUB, "--set", "word=sound") == 0
    assert (tmp_path / "asr" / "text").stat() == before and not list(tmp_path.glob(".*"))


def test_what_has_a_text_keeps_it(data, tmp_path):
    (data / "text").write_text("a-00 FIRST ONE\na-01\nb-02 THIRD\n")  # an empty text is none
    assert transcribe(data, tmp_path / "asr", *STUB) == 0
    texts = DataDir(tmp_path / "asr").table("text")
    assert texts == {"a-00": "FIRST ONE", "a-01": "a tone12", "b-02": "THIRD", "b-03": "a tone16"}
    recognisers = DataDir(tmp_path / "asr").table("utt2recogniser")
    assert [key for key, name in recognisers.items() if name == "given"] == ["a-00", "b-02"]
    assert transcribe(data, tmp_path / "all", *STUB, "--keep_text", "false") == 0
    assert DataDir(tmp_path / "all").table("text")["a-00"] == "a tone10"
    (data / "text").unlink()
    (data / "utt2text").write_text("a-00 FIRST ONE\nb-02 THIRD\n")
    assert transcribe(data, tmp_path / "known", *STUB) == 0
    assert DataDir(tmp_path / "known").table("text") == texts and not (tmp_path / "known" / "utt2text").exists()
    (data / "utt2text").unlink()
    (data / "text").write_text("".join(f"{key} WORD\n" for key in texts))
    assert transcribe(data, tmp_path / "none", *STUB) == 0
    assert json.loads((tmp_path / "none" / "summary.json").read_text())["recognised"] == 0


def test_bytes_depend_neither_on_jobs_nor_on_kills(tmp_path):
    wav = tones(tmp_path / "wav", 24)
    write_data_dir(tmp_path / "data", {"utt2spk": {key: key[0] for key in wav}, "wav.scp": wav})
    words = (*STUB, "--set", "shard_seconds=4,sleep=0.02")  # three shards of nine utterances or fewer
    assert transcribe(tmp_path / "data", tmp_path / "one", *words) == 0
    assert (
        transcribe(tmp_path / "data", tmp_path / "dealt", *words, "--shard", "modulo", "--num_shards", "5", nj=2) == 0
    )
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "dealt" / name).read_bytes() for name in NAMES)
    given = [*words, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "two")]
    assert plan.main(given) == 0 and merge.main(given) == 1
    moments = random.Random(0)
    parts, rows = next(tmp_path.glob(".two.parts/*/shards.jsonl")).parent, []
    for _ in range(20):
        job = os.fork()
        if not job:
            os._exit(compute.main([*given, "--nj", "1"]))
        time.sleep(0.02 + 0.1 * moments.random())
        os.kill(job, signal.SIGKILL)
        os.waitpid(job, 0)
        rows.append(sum(part.read_bytes().count(b'"row"') for part in parts.glob("part-*.jsonl")))
    assert rows == sorted(rows)  # what is done stays done
    assert compute.main(given) == 0 and merge.main(given) == 0
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_job_that_was_killed_within_a_batch_goes_on_there(tmp_path):
    wav = tones(tmp_path / "wav", 20, **{"b-loud": tone(0.95), "b-short": tone(0.3, 0.05)})
    write_data_dir(tmp_path / "data", {"utt2spk": {key: key[0] for key in wav}, "wav.scp": wav})
    words = (*STUB, "--max_fail", "0.2")
    assert transcribe(tmp_path / "data", tmp_path / "one", *words) == 0
    given = [*words, "--set", "at_once=3", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "two")]
    assert plan.main(given) == 0 and compute.main(given) == 0
    part = next(tmp_path.glob(".two.parts/*/part-*.jsonl"))
    part.write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[:14])[:-5])  # within the second block of 12
    assert compute.main(given) == 0 and merge.main(given) == 0
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_audio_and_utterances_without_a_transcript_are_listed_and_counted(tmp_path, capsys):
    nan = tone(0.2).copy()
    nan[100] = np.nan
    bad = {f"a-{reason}": str(path) for reason, path in write_bad_sounds(tmp_path / "bad").items()}
    wav = bad | tones(tmp_path / "wav", 1, **{"a-loud": tone(0.95), "a-long": tone(0.3, 11), "a-soft": tone(0.01)})
    import soundfile

    soundfile.write(tmp_path / "wav" / "nan.wav", nan, 16000, subtype="FLOAT")
    wav["a-nan"] = str(tmp_path / "wav" / "nan.wav")
    write_data_dir(tmp_path / "data", {"utt2spk": dict.fromkeys(wav, "a"), "wav.scp": wav})
    assert transcribe(tmp_path / "data", tmp_path / "asr", *STUB) == 1
    assert "more than --max_fail 0.01" in capsys.readouterr().err and not (tmp_path / "asr").exists()
    assert transcribe(tmp_path / "data", tmp_path / "asr", *STUB, "--max_fail", "0.9") == 0
    rows = [line.split("\t") for line in (tmp_path / "asr" / "failures.tsv").read_text().splitlines()[1:]]
    reasons = {key: key.removeprefix("a-") for key in bad}
    reasons |= {"a-loud": "not_done", "a-long": "too_long", "a-nan": "corrupt"}
    assert {row[0]: row[1] for row in rows} == reasons
    assert (tmp_path / "asr" / "text").read_text() == "a-00 a tone10\na-soft\n"
    assert json.loads((tmp_path / "asr" / "summary.json").read_text())["without_words"] == 1


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("--backend", "sphynx"), "'sphynx' is no recogniser of speech; expected one of pocketsphinx, whisper"),
        ((*STUB, "--set", "sleep=eleven"), "sleep"),
        ((*STUB, "--set", "grammar=x"), "grammar"),
        (("--set", "grammar=none.jsgf"), "grammar none.jsgf: no such file or directory"),
        (("--set", "python=/none/bin/python"), "python /none/bin/python: no such program"),
    ],
)
def test_bad_options_are_named_before_any_work(data, tmp_path, capsys, words, answer):
    assert plan.main([*words, "--data", str(data), "--out", str(tmp_path / "asr")]) == 1
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1 and answer in error[0] and not list(tmp_path.glob(".asr*"))


def test_a_check_says_whether_a_recogniser_works(capsys, tmp_path):
    assert check.main([*STUB, "--audio", str(write_sound(tmp_path / "one.wav", tone(0.2, 12)))]) == 0
    assert "stub:Stub works" in (said := capsys.readouterr().out) and "10.00 s of audio" in said and "tone20" in said
    assert check.main([*STUB, "--audio", str(write_sound(tmp_path / "loud.wav", tone(0.99)))]) == 1
    assert "does not work: not_done: too loud" in capsys.readouterr().err


def test_script_passes_its_options_on(data, tmp_path):
    out = tmp_path / "my out"
    (data / "text").write_text("a-00 FIRST ONE\n")
    words = ["--nj", "1", *STUB, "--set", "word=x", "--keep_text", "false", str(data), str(out)]
    run = subprocess.run([str(ROOT / "steps/asr/transcribe.sh"), *words], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert (out / "text").read_text().splitlines()[0] == "a-00 a x10"
    assert len(list((tmp_path / "log").glob("my out.*.log"))) == 1


def test_what_is_done_is_merged_on_request_and_the_rest_later(tmp_path, capsys):
    wav = tones(tmp_path / "wav", 24)
    write_data_dir(tmp_path / "data", {"utt2spk": {key: key[0] for key in wav}, "wav.scp": wav})
    given = [*STUB, "--set", "shard_seconds=4", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "asr")]
    assert plan.main(given) == 0 and compute.main([*given, "--shards", "0,2"]) == 0
    capsys.readouterr()
    assert merge.main(given) == 1
    said = capsys.readouterr().err.rstrip()
    assert "1 of 3 parts are missing (as an array of SLURM: --array=1); this makes them: python3 -m" in said
    assert said.endswith("--shards 1")
    assert merge.main([*given, "--allow_missing", "true"]) == 0
    rows = [line.split("\t") for line in (tmp_path / "asr" / "failures.tsv").read_text().splitlines()[1:]]
    assert len(rows) == 8 and {row[1] for row in rows} == {"not_computed"}
    assert len(DataDir(tmp_path / "asr").table("text")) == 16
    assert merge.main([*given, "--allow_missing", "true"]) == 0  # nothing is new
    assert plan.main(given) == 0 and compute.main(given) == 0 and merge.main(given) == 0
    assert len(DataDir(tmp_path / "asr").table("text")) == 24 and not list(tmp_path.glob(".asr*"))
    manifest, previous = (tmp_path / "asr" / name for name in ("manifest.jsonl", "manifest.jsonl.previous"))
    assert len(read_manifest(manifest)) == 24 and previous.read_text().count("\n") == 16
    before = {path.name: path.stat().st_ino for path in (tmp_path / "asr").iterdir()}
    assert merge.main(given) == 0 and plan.main(given) == 0 and merge.main(given) == 0  # nothing is written again
    assert {path.name: path.stat().st_ino for path in (tmp_path / "asr").iterdir()} == before


def test_a_journal_that_was_cut_off_goes_on_and_one_that_was_changed_is_named(data, tmp_path, capsys):
    given = [*STUB, "--data", str(data), "--out", str(tmp_path / "asr"), "--shard", "modulo", "--num_shards", "2"]
    assert plan.main(given) == 0 and compute.main(given) == 0
    part = sorted(tmp_path.glob(".asr.parts/*/part-*.jsonl"))[1]
    whole = part.read_bytes()
    for cut in (1, 60, len(whole) // 2, len(whole)):
        part.write_bytes(whole[:-cut])
        assert merge.main(given) == 1 and "--array=1)" in capsys.readouterr().err
        assert compute.main([*given, "--shards", "1"]) == 0 and part.read_bytes() == whole
    part.write_bytes(whole.replace(b"tone", b"Tone", 1))
    capsys.readouterr()
    for command in (compute, merge):
        assert command.main(given) == 1
        assert "part-000001.jsonl:1: a damaged line; remove the file" in capsys.readouterr().err
    part.unlink()
    assert compute.main(given) == 0 and part.read_bytes() == whole and merge.main(given) == 0


def test_what_is_refused_is_asked_once_more(data, tmp_path):
    assert transcribe(data, tmp_path / "asr", *STUB, "--set", "moody=true") == 0
    assert json.loads((tmp_path / "asr" / "summary.json").read_text())["recognised"] == 4
