"""Look-alikes as files: what is written is read back, the same bytes each time; real digits have their numbers."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

soundfile = pytest.importorskip("soundfile")

from local.look_alike import __main__ as look_alike  # noqa: E402
from local.look_alike.__main__ import samples_of, write_lists  # noqa: E402
from local.look_alike.listed_words import listed_words  # noqa: E402
from local.look_alike.plan import check_takes, make_plan  # noqa: E402
from local.look_alike.real_digits import ArabicDigits, Fsdd, cut_out  # noqa: E402
from local.reddots import __main__ as reddots  # noqa: E402
from local.reddots.parts import read_parts  # noqa: E402
from steps.data.enrolments import read_enrolments  # noqa: E402
from steps.metrics.trial_files import read_trials  # noqa: E402
from tests.conftest import real_data  # noqa: E402
from utils.data_dir import DataDir  # noqa: E402
from utils.tables import read_table  # noqa: E402

SMALL = ["--corpus", "synthetic", "--n_speakers", "3"]


def make(out: Path, *words: str) -> Path:
    assert look_alike.main(["--out", str(out), *words]) == 0
    return out


def contents(corpus: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(corpus)): path.read_bytes()
        for name in ("pcm", "ndx", "infos")
        for path in sorted((corpus / name).rglob("*.*"))
    }


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("corpora") / "synthetic", *SMALL, "--parts", "01,04")


def test_synthetic_speakers_are_the_same_each_time(synthetic, tmp_path):
    again = contents(make(tmp_path / "a", *SMALL, "--parts", "04"))
    first = contents(synthetic)
    prompts = {name for name in again if name.startswith(("pcm", "ndx"))}
    assert prompts and all(again[name] == first[name] for name in prompts)


def test_a_synthetic_corpus_is_whole_and_read(synthetic, tmp_path):
    assert {path.name for path in (synthetic / "ndx").iterdir()} == {
        f"{sex}_part_{name}" for sex in "fm" for name in ("01.trn", "01.ndx", "04_td.trn", "04_tp.trn", "04.ndx")
    }
    out = tmp_path / "data"
    assert reddots.main(["--data_dir", str(synthetic), "--out", str(out)]) == 0
    assert read_table(out / "spk2fold") == {"f0001": "0", "f0003": "1", "m0002": "2"}
    assert set(read_table(out / "lists").values()) == {"01", "04_td", "04_tp"}
    trials = read_trials(out / "test_01/trials")
    kinds = Counter(trials.kinds[kind] for kind in trials.kind)
    assert kinds == {"TC": 120, "TW": 270, "IC": 60, "IW": 60}
    assert len(read_enrolments(out / "enrol_01")) == 30
    text = DataDir(out / "all").table("text")
    assert {len(words.split()) for words in text.values()} == {4}
    seconds = [float(value) for value in DataDir(out / "all").table("utt2dur").values()]
    assert min(seconds) > 0.8 and max(seconds) < 5
    assert (out / "left_out.tsv").read_text().count("\n") == 1


def test_sources_tell_which_takes_a_recording_is_joined_of(synthetic):
    rows = dict(line.split("\t") for line in (synthetic / "infos/sources.tsv").read_text().splitlines()[1:])
    recordings = {path.stem for path in (synthetic / "pcm").rglob("*.pcm")}
    assert rows.keys() == recordings
    for part in read_parts(synthetic / "ndx"):
        sides = [
            {file for name in names for file in rows[name].split(",")}
            for names in (part.enrolling(), part.trials.tests)
        ]
        assert not sides[0] & sides[1]


def test_wrong_options_are_told(tmp_path, capsys):
    def told(*words: str) -> str:
        assert look_alike.main(["--out", str(tmp_path / "out"), *words]) == 1
        return capsys.readouterr().err.splitlines()[-1]

    assert "--data_dir: missing" in told("--corpus", "fsdd")
    assert "synthetic speakers need no data" in told("--corpus", "synthetic", "--data_dir", str(tmp_path))
    assert "flac; expected" in told("--corpus", "fsdd", "--data_dir", str(tmp_path))
    assert "--parts 05: expected some of 01,02,03,04,words" in told("--corpus", "synthetic", "--parts", "05")
    assert "--n_folds 4: there are 3 speakers" in told(*SMALL, "--n_folds", "4")


def test_a_take_that_cannot_be_used_is_told(tmp_path, capsys):
    (tmp_path / "flac").mkdir()
    for speaker in ("ann", "bob", "cid", "dan"):
        soundfile.write(tmp_path / f"flac/0_{speaker}_0.flac", np.ones(800) / 9, 8000)
    words = ["--corpus", "fsdd", "--data_dir", str(tmp_path), "--out", str(tmp_path / "out"), "--parts", "01"]
    assert look_alike.main(words) == 1
    assert "silent: " in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_words_are_cut_out_of_silence():
    samples = np.zeros(16000, np.float32)
    samples[6000:9000] = 0.5
    assert len(cut_out(samples)) == (57 - 37 + 10) * 160


def test_phrases_of_fsdd_are_its_takes_at_16_khz():
    plan = make_plan(Fsdd(real_data("fsdd"), 2), ["01"], 1)
    assert [(one.id, one.name, one.fold) for one in plan.source.speakers[2:4]] == [
        ("m0003", "lucas", "0"),
        ("m0004", "nicolas", "1"),
    ]
    one = next(one for one in plan.recordings.values() if one.name.sentence == "31" and one.speaker.name == "theo")
    samples = samples_of(plan.source, one, {})
    takes = [soundfile.read(plan.source.root / plan.source.name(one.speaker, *pair))[0] for pair in one.heard()]
    assert len(samples) == 2 * sum(map(len, takes))
    power = np.mean(np.concatenate(takes) ** 2)
    assert np.mean((samples / 32768) ** 2) == pytest.approx(power, rel=0.02)


def test_the_lists_of_arabic_digits_are_those_of_the_data(tmp_path):
    root = real_data("arabic-digits-30")
    plan = make_plan(ArabicDigits(root, 3), [], 1)
    plan.parts["words"] = listed_words(plan, root)
    check_takes(plan)
    write_lists(tmp_path, plan)
    part = read_parts(tmp_path / "ndx")[0]
    assert len(part.models) == 300 and len(set(part.sexes.values())) == 2
    kinds = Counter(part.trials.kinds[kind] for kind in part.trials.kind)
    assert kinds == {"TC": 2100, "TW": 2700, "IC": 8700, "IW": 8700}
    lists = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((tmp_path / "ndx").iterdir())))
    assert lists.hexdigest()[:16] == "35624e218e6c042a"
    one = next(one for one in plan.recordings.values())
    content = soundfile.read(root / plan.source.name(one.speaker, *next(one.heard())), dtype="int16")[0]
    assert np.array_equal(samples_of(plan.source, one, {}), content)
