"""From audio to a directory of attributes: any number of jobs, after a kill, with faulty files; measure.sh."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("parselmouth", reason="praat-parselmouth (GPL, optional) is not installed")
soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")

from steps.attributes import label, measure, plan  # noqa: E402
from steps.audio.recordings import Utterance  # noqa: E402
from utils.archive_writer import write_vectors  # noqa: E402
from utils.archives import read_vectors  # noqa: E402
from utils.data_dir import write_data_dir  # noqa: E402
from utils.errors import InputError  # noqa: E402
from utils.journal import is_sealed  # noqa: E402
from utils.stage_dir import parts_root  # noqa: E402
from utils.tables import read_table, write_table  # noqa: E402

ROOT = Path(__file__).parents[3]
RULES = ROOT / "local/rules/attributes.yaml"
RATE = 16000
OUTPUTS = (
    *("utt2f0", "spk2f0", "utt2rate", "utt2pitch", "utt2speaking_rate", "utt2gender", "spk2gender"),
    *("audit.tsv", "failures.tsv", "histograms.png", "summary.json", "gender.safetensors", "measurements.tsv"),
)


def tone(hertz: float, swells: int) -> np.ndarray:
    """A second of a buzz that swells."""
    time = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 6))
    return 0.2 * (0.5 - 0.5 * np.cos(2 * np.pi * swells * time)) * buzz


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """24 voices of 9 tones each: audio/, and embeddings that tell the genders apart. One file is silent, one noise."""
    root = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    wavs, utt2spk, genders, rows = {}, {}, {}, []
    for number in range(24):
        speaker, male = f"s{number:02d}", number % 2
        genders[speaker] = "m" if male else "f"
        hertz = (95 if male else 160) + 3 * number
        for take in range(9):
            key = f"{speaker}-{take}"
            utt2spk[key], wavs[key] = speaker, str(root / f"{key}.wav")
            soundfile.write(wavs[key], tone(hertz + take, 3 + take % 3), RATE)
            rows.append(rng.normal(size=8) + 6 * male * np.eye(8)[0])
    soundfile.write(root / "s03-1.wav", np.zeros(RATE), RATE)
    soundfile.write(root / "s04-2.wav", 0.1 * rng.normal(size=RATE), RATE)
    write_data_dir(root / "audio", {"wav.scp": wavs, "utt2spk": utt2spk, "spk2gender": genders})
    write_vectors(root / "xvector.ark", root / "xvector.scp", list(utt2spk), np.array(rows))
    return root


def measure_all(corpus: Path, out: Path, *more: object) -> None:
    """The plan, and one job with these options."""
    assert plan.main(["--data", str(corpus / "audio"), "--out", str(out)]) == 0
    assert measure.main(["--out", str(out), *map(str, more)]) == 0


def run(corpus: Path, out: Path, nj: int = 1, **options) -> int:
    """The plan, all jobs, then the labels, whose exit status is returned."""
    for job in range(1, nj + 1):
        measure_all(corpus, out, "--nj", nj, "--job", job)
    words = ["--data", corpus / "audio", "--out", out, "--embeddings", corpus / "xvector.scp", "--rules", RULES]
    return label.main(
        [*map(str, words), *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
    )


@pytest.fixture(scope="module")
def done(corpus, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("done") / "attributes"
    assert run(corpus, out) == 0
    return out


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in OUTPUTS}


def test_labels_and_failures(done):
    summary = json.loads((done / "summary.json").read_text())
    assert summary["failures"] == {"silent": 1, "unvoiced": 1}
    failures = [line.split("\t")[:2] for line in (done / "failures.tsv").read_text().splitlines()[1:]]
    assert failures == [["s03-1", "silent"], ["s04-2", "unvoiced"]]
    f0 = read_table(done / "spk2f0")
    assert float(f0["s00"]) == pytest.approx(164, rel=0.01) and float(f0["s01"]) == pytest.approx(102, rel=0.01)
    pitch, expected = read_table(done / "utt2pitch"), {"s00": "medium", "s01": "low", "s22": "high", "s23": "high"}
    assert {speaker: pitch[f"{speaker}-0"] for speaker in expected} == expected
    assert pitch["s03-1"] == pitch["s03-0"]  # silent itself, of a speaker whose pitch is known
    assert "s03-1" not in read_table(done / "utt2f0").keys() | read_table(done / "utt2rate").keys()
    assert float(read_table(done / "utt2rate")["s00-2"]) == 5.0
    assert read_table(done / "utt2gender")["s01-0"] == "male" and read_table(done / "spk2gender")["s00"] == "f"


@pytest.mark.field_case("Transcripts that English spelling does not count")
def test_transcripts_that_are_not_counted_are_told(corpus, done, tmp_path, caplog):
    shutil.copytree(corpus / "audio", corpus / "spoken", dirs_exist_ok=True)
    utt2spk = read_table(corpus / "audio/utt2spk")
    text = {key: "three blind mice" for key in utt2spk} | {"s00-0": "", "s00-1": "今天天气", "s00-2": "1 2 3"}
    write_table(corpus / "spoken/text", text)
    out = tmp_path / "attributes"
    words = ["--data", corpus / "spoken", "--out", out, "--embeddings", corpus / "xvector.scp", "--rules", RULES]
    assert plan.main(list(map(str, words[:4]))) == 0 and measure.main(["--out", str(out)]) == 0
    assert label.main(list(map(str, words))) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rate"]["not_counted"] == {"mostly digits": 1, "no words": 1, "not in Latin letters": 1}
    assert "1 mostly digits, 1 no words, 1 not in Latin letters; give --lexicon" in caplog.text
    rates = read_table(out / "utt2rate")
    assert "s00-3" in rates and not rates.keys() & {"s00-0", "s00-1", "s00-2"}
    assert "not_counted" not in json.loads((done / "summary.json").read_text())["rate"]


@pytest.mark.field_case("Segments that end at -1")
def test_lengths_of_segments_and_tables(tmp_path):
    def utterance(begin: float | None, end: float | None) -> Utterance:
        return Utterance("u", Path("r.wav"), begin, end, "d", "s", "u")

    assert list(plan.lengths(tmp_path, [utterance(None, None), utterance(2.0, None), utterance(2.0, 3.5)])) == [
        5,
        5,
        1.5,
    ]
    for seconds in ("0", "nan", "inf", "-1", "soon"):
        (tmp_path / "utt2dur").write_text(f"u {seconds}\n")
        with pytest.raises(InputError, match=f"utt2dur: u: expected seconds > 0, found '{seconds}'"):
            list(plan.lengths(tmp_path, [utterance(None, None)]))


def test_the_unit_is_in_the_summary(done):
    summary = json.loads((done / "summary.json").read_text())
    assert summary["rate_unit"] == summary["labels"]["speaking_rate"]["unit"] == "syllable_nuclei"
    assert summary["labels"]["speaking_rate"]["bins"] == "terciles of this corpus"
    assert summary["labels"]["pitch"]["edges"] == {"female": [141.6, 184.5], "male": [115.7, 149.7]}
    assert summary["gender"]["held_out"]["accuracy"] > 0.95


def journals(out: Path) -> dict[Path, int]:
    """The journals of jobs, and when they were written."""
    return {path: path.stat().st_mtime_ns for path in parts_root(out).glob("*/part-*.jsonl")}


def test_any_number_of_jobs(corpus, done, tmp_path):
    out = tmp_path / "attributes"
    measure_all(corpus, out, "--nj", 5, "--job", 2)
    before = journals(out)
    assert len(before) == 4  # of 18 shards
    measure_all(corpus, out, "--nj", 3, "--job", 2)
    assert before.items() < journals(out).items()  # what was done is not done again
    assert run(corpus, out, nj=2) == 0
    assert contents(out) == contents(done)
    assert not parts_root(out).exists()
    assert run(corpus, out, nj=1) == 0  # up to date


def test_a_killed_job_goes_on_inside_its_shard(corpus, done, tmp_path, monkeypatch):
    data, out = tmp_path / "audio", tmp_path / "attributes"
    shutil.copytree(corpus / "audio", data)
    (data / "utt2dur").write_text("".join(f"{key} 0.25\n" for key in read_table(data / "utt2spk")))  # one shard
    assert plan.main(["--data", str(data), "--out", str(out)]) == 0
    dies = f"""
import os, signal
from steps.attributes import measure

def measure_some(utterance, measure=measure.measure, left=iter(range(130))):
    return os.kill(os.getpid(), signal.SIGKILL) if next(left) == 129 else measure(utterance)

measure.measure = measure_some
measure.main(["--out", {str(out)!r}])
"""
    assert subprocess.run([sys.executable, "-c", dies], cwd=ROOT, stderr=subprocess.DEVNULL).returncode == -9
    (journal,) = journals(out)
    assert not is_sealed(journal)
    journal.write_bytes(journal.read_bytes() + b'{"crc32": "00')  # a torn line
    measured, measure_one = [], measure.measure
    monkeypatch.setattr(measure, "measure", lambda utterance: measured.append(utterance) or measure_one(utterance))
    assert measure.main(["--out", str(out)]) == 0
    assert 216 - 129 <= len(measured) <= 216 - 100
    shutil.copytree(corpus, tmp_path, ignore=lambda *_: ["audio"], dirs_exist_ok=True)
    assert run(tmp_path, out) == 0
    assert contents(out) == contents(done)


def test_arrays_of_any_shape_and_the_call_that_makes_the_rest(corpus, done, tmp_path, capsys):
    out = tmp_path / "attributes"
    words = ["--data", corpus / "audio", "--out", out, "--embeddings", corpus / "xvector.scp", "--rules", RULES]
    for shards, missing in (("5", "0-4,6-17"), ("0,5,12", "1-4,6-11,13-17"), ("0-15%7", "16-17")):
        measure_all(corpus, out, "--shards", shards)
        assert label.main(list(map(str, words))) == 1 and not out.exists()
        call = capsys.readouterr().err.rpartition("this makes them: ")[2]
        assert call == f"python3 -m steps.attributes.measure --out {out} --shards {missing}\n"
    assert measure.main(["--out", str(out), "--shards", "17-18"]) == 1
    assert "there is no shard 18; this work has 18 shards" in capsys.readouterr().err
    subprocess.run(call, shell=True, check=True, stderr=subprocess.DEVNULL)
    assert label.main(list(map(str, words))) == 0
    assert contents(out) == contents(done)


def test_audio_that_is_not_planned(corpus, tmp_path, capsys):
    out = tmp_path / "attributes"
    words = ["--data", corpus / "audio", "--out", out, "--embeddings", corpus / "xvector.scp", "--rules", RULES]
    assert label.main(list(map(str, words))) == 1
    assert (
        "no table of shards for these options and inputs; run steps/attributes/measure.sh, or"
        in capsys.readouterr().err
    )
    assert measure.main(["--out", str(out)]) == 1
    assert (
        "nothing is planned; run steps/attributes/measure.sh, or python3 -m steps.attributes.plan,"
        in capsys.readouterr().err
    )
    assert not out.exists()


def test_a_journal_of_other_utterances_is_refused(corpus, tmp_path, capsys):
    out = tmp_path / "attributes"
    measure_all(corpus, out)
    first, second, *_ = sorted(journals(out))
    first.write_bytes(second.read_bytes())
    assert run(corpus, out) == 1
    assert f"{first}: expected the 12 utterances of shard 0" in capsys.readouterr().err


def test_other_bins_need_no_new_measurement(corpus, done, tmp_path, capsys):
    out = tmp_path / "attributes"
    shutil.copytree(done, out)
    assert run(corpus, out, gender_threshold=0.99) == 0
    assert contents(out)["utt2f0"] == contents(done)["utt2f0"]
    assert contents(out)["summary.json"] != contents(done)["summary.json"]
    measure_all(corpus, out, "--shards", "17")
    assert measure.main(["--out", str(out), "--shards", "18"]) == 1
    assert "there is no shard 18; this work has 18 shards" in capsys.readouterr().err


def test_unknown_genders_are_judged_and_the_unsure_get_no_pitch(corpus, tmp_path):
    data = tmp_path / "audio"
    shutil.copytree(corpus / "audio", data)
    letters = read_table(data / "spk2gender")
    (data / "spk2gender").unlink()
    told = {key: letters[key[:3]] for key in read_table(data / "utt2spk") if key[:3] not in ("s00", "s01")}
    lines = (f"{key} {'female' if letter == 'f' else 'male'}\n" for key, letter in told.items())
    (data / "utt2gender").write_text("".join(lines))
    keys, x = read_vectors(corpus / "xvector.scp")
    unsure = [key.startswith("s01") for key in keys]
    x[unsure] = x[[key in told for key in keys]].mean(axis=0)  # between men and women
    write_vectors(tmp_path / "xvector.ark", tmp_path / "xvector.scp", keys, x)
    out = tmp_path / "attributes"
    assert run(tmp_path, out) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert [summary["gender"][name] for name in ("known", "judged", "unknown")] == [22, 1, 1]
    assert read_table(out / "utt2gender")["s00-0"] == "female"
    assert summary["labels"]["pitch"]["speakers_without_gender"] == 1
    assert not any(key.startswith("s01") for key in read_table(out / "utt2pitch") | read_table(out / "spk2gender"))
    assert "s01-0" in read_table(out / "utt2speaking_rate")


def test_a_tree_of_audio(corpus, tmp_path):
    for speaker in ("a", "b"):
        (tmp_path / "audio" / "set" / speaker).mkdir(parents=True)
        for take in range(3):
            path = tmp_path / "audio" / "set" / speaker / f"{take}.flac"
            soundfile.write(path, tone(100 + 10 * take, 4), RATE)
    keys = [f"set_{speaker}_{take}" for speaker in "ab" for take in range(3)]
    write_vectors(tmp_path / "xvector.ark", tmp_path / "xvector.scp", keys[:-1], np.eye(6)[:-1])
    out = tmp_path / "attributes"
    assert run(tmp_path, out) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["utterances"], summary["embeddings"], summary["gender"]["unknown"]) == (6, 5, 2)
    assert float(read_table(out / "spk2f0")["set_a"]) == pytest.approx(110, rel=0.01)
    assert read_table(out / "utt2pitch") == {}


def test_too_many_faults(corpus, tmp_path, capsys):
    assert run(corpus, tmp_path / "attributes", max_fail=0.001) == 1
    error = capsys.readouterr().err
    assert "1 of 216 utterances" in error and "1 silent" in error and "--max_fail 0.001" in error
    assert "s03-1\tsilent\t" in (tmp_path / "attributes.failures.tsv").read_text()


def test_phonemes_of_a_text_take_the_published_edges(corpus, tmp_path):
    data = tmp_path / "audio"
    shutil.copytree(corpus / "audio", data)
    words = {key: "two cats" + " sat" * (int(key[-1]) % 3) for key in read_table(data / "utt2spk")}
    (data / "text").write_text("".join(f"{key} {line}\n" for key, line in words.items()))
    (tmp_path / "xvector.scp").write_text((corpus / "xvector.scp").read_text())
    out = tmp_path / "attributes"
    assert run(tmp_path, out) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rate_unit"] == "phonemes" and summary["rate"]["counted_from"] == "text"
    assert summary["labels"]["speaking_rate"]["edges"] == {"all": [11.48, 19.13]}
    assert summary["rate"]["agreement_with_syllable_nuclei"]["correlation"] > 0.9
    assert read_table(out / "utt2speaking_rate")["s00-0"] == "slow"  # tu kæts: 7
    assert read_table(out / "utt2speaking_rate")["s00-2"] == "measured"  # tu kæts sæt sæt: 15


def test_measure_sh(corpus, done, tmp_path):
    out = tmp_path / "with blanks" / "attributes"
    words = ["--nj", "2", "--rules", RULES, corpus / "audio", corpus / "xvector.scp", out, tmp_path / "log"]
    shown = subprocess.run(["steps/attributes/measure.sh", *words], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert contents(out) == contents(done)
    again = subprocess.run(["steps/attributes/measure.sh", *words], cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 0 and "up to date" in again.stderr
