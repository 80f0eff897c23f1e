"""Features of a small corpus: planned, computed by any number of jobs, joined, and read."""

import json
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile

from steps.features import compute, merge, plan
from steps.features.feats_dir import FeatsDir
from steps.features.types import load_features
from tests.steps.audio.sounds import babble, write_bad_sounds, write_sound
from utils.data_dir import validate, write_data_dir
from utils.tables import read_table


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two speakers with two utterances each."""
    return write_data(tmp_path / "data", {f"s{number}-u{one}": 16000 for number in (1, 2) for one in (1, 2)})


def write_data(path: Path, rates: dict[str, int], others: dict[str, Path] | None = None) -> Path:
    """A data directory of utterances at these rates, and of other files."""
    wav = {
        key: write_sound(path / "wav" / f"{key}.flac", babble(number, 1 + 0.2 * number, rate), rate)
        for number, (key, rate) in enumerate(rates.items())
    }
    wav |= others or {}
    tables = {
        "utt2spk": {key: key.split("-")[0] for key in wav},
        "wav.scp": {key: str(file) for key, file in wav.items()},
        "utt2chapter": {key: "c1" for key in wav},
    }
    tables["spk2gender"] = {speaker: "f" for speaker in tables["utt2spk"].values()}
    write_data_dir(path, tables)
    return path


def make(data: Path, out: Path, *words: str, nj: int = 1) -> int:
    """Run the commands as make_feats.sh does. Returns the first status that is not 0."""
    given = [*words, "--data", str(data), "--out", str(out), "--nj", str(nj)]
    calls = [(plan, given), *((compute, [*given, "--job", str(job)]) for job in range(1, nj + 1)), (merge, given)]
    return next((status for module, line in calls if (status := module.main(line))), 0)


def test_features_are_those_of_the_waveforms(data, tmp_path):
    assert make(data, tmp_path / "feats") == 0
    feats = FeatsDir(tmp_path / "feats")
    assert feats.utterances == ["s1-u1", "s1-u2", "s2-u1", "s2-u2"] and not feats.uniq
    assert validate(tmp_path / "feats", text=False) == []
    assert (feats.bins, feats.frames_per_second) == (80, 100)
    for utterance in feats.utterances:
        features = feats.read(utterance)
        waveform, rate = read_sound(data / "wav" / f"{utterance}.flac")
        np.testing.assert_array_equal(features, load_features(feats.features)(waveform, rate))
        assert len(features) == feats.num_frames[utterance]
    assert read_table(tmp_path / "feats" / "utt2chapter").keys() == set(feats.utterances)


def read_sound(path: Path) -> tuple[np.ndarray, int]:
    """Samples and rate of a file."""
    return soundfile.read(path, dtype="float32")


@pytest.mark.parametrize("compress", ["false", "true"])
def test_statistics_are_those_of_kaldi(data, tmp_path, compress):
    assert make(data, tmp_path / "feats", "--compress", compress) == 0
    feats = kaldiio.load_scp(str(tmp_path / "feats" / "feats.scp"))
    cmvn = kaldiio.load_scp(str(tmp_path / "feats" / "cmvn.scp"))
    for speaker in ("s1", "s2"):
        rows = np.concatenate([feats[key] for key in feats if key.startswith(speaker)]).astype(np.float64)
        sums = np.stack([np.append(rows.sum(axis=0), len(rows)), np.append((rows**2).sum(axis=0), 0)])
        assert cmvn[speaker].dtype == np.float64
        np.testing.assert_allclose(cmvn[speaker], sums, rtol=1e-6)


def test_bytes_depend_neither_on_jobs_nor_on_kills(data, tmp_path):
    words = ("--copies", "2", "--set", "shard_seconds=1")
    assert make(data, tmp_path / "one", *words) == 0
    given = [*words, "--data", str(data), "--out", str(tmp_path / "three")]
    assert plan.main(given) == 0 and compute.main([*given, "--shards", "1"]) == 0
    assert merge.main(given) == 1  # parts are missing
    assert make(data, tmp_path / "three", *words, nj=3) == 0
    for name in ("feats.ark", "cmvn.ark", "utt2spk", "utt2uniq", "utt2num_frames", "features.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()
    before = (tmp_path / "one" / "feats.ark").stat()
    assert make(data, tmp_path / "one", *words) == 0
    assert (tmp_path / "one" / "feats.ark").stat() == before
    assert not list(tmp_path.glob(".*"))


def test_copies_have_features_alone(data, tmp_path):
    assert make(data, tmp_path / "feats", "--copies", "2") == 0
    feats = FeatsDir(tmp_path / "feats")
    assert feats.utterances[:3] == ["s1-u1", "s1-u1-p1", "s1-u1-p2"] and len(feats.utterances) == 12
    assert feats.uniq["s1-u1-p2"] == "s1-u1" and len(feats.uniq) == 8
    original, first, second = (feats.read(key) for key in feats.utterances[:3])
    assert original.shape == first.shape == second.shape
    assert min(np.abs(a - b).mean() for a, b in ((original, first), (first, second))) > 0.5
    assert validate(tmp_path / "feats", text=False, wav=False) == []
    assert not (tmp_path / "feats" / "wav.scp").exists()
    assert make(data, tmp_path / "others", "--copies", "2", "--seed", "1") == 0
    np.testing.assert_array_equal(FeatsDir(tmp_path / "others").read("s1-u1"), original)
    assert np.abs(FeatsDir(tmp_path / "others").read("s1-u1-p1") - first).mean() > 0.5


def test_audio_that_cannot_be_used_is_listed_and_counted(tmp_path, capsys):
    bad = {f"s1-{reason}": path for reason, path in write_bad_sounds(tmp_path / "bad").items()}
    bad["s1-nan"] = tmp_path / "bad" / "nan.wav"
    soundfile.write(bad["s1-nan"], np.full(16000, np.nan, np.float32), 16000, subtype="FLOAT")
    data = write_data(tmp_path / "data", {"s1-u1": 16000, "s1-wrong_rate": 8000}, bad)
    words = ("--set", "other_rates=refuse")
    assert make(data, tmp_path / "feats", *words) == 1
    assert "more than --max_fail 0.01" in capsys.readouterr().err
    assert make(data, tmp_path / "feats", *words, "--max_fail", "0.9") == 0
    lines = (tmp_path / "feats" / "failures.tsv").read_text().splitlines()[1:]
    expected = {key: key.removeprefix("s1-") for key in bad} | {"s1-nan": "corrupt", "s1-wrong_rate": "wrong_rate"}
    assert {line.split("\t")[0]: line.split("\t")[1] for line in lines} == expected
    summary = json.loads((tmp_path / "feats" / "summary.json").read_text())
    assert (summary["utterances"], summary["failed"]) == (1, 7)


def test_original_preset_takes_the_rate_of_the_corpus(tmp_path, capsys):
    data = write_data(tmp_path / "data", {"s1-u1": 22050, "s1-u2": 22050})
    assert make(data, tmp_path / "feats", "--set", "preset=original") == 0
    feats = FeatsDir(tmp_path / "feats")
    assert feats.features["options"]["sample_rate"] == 22050
    assert feats.frames_per_second == pytest.approx(22050 / 256, abs=1e-6)
    mixed = write_data(tmp_path / "mixed", {"s1-u1": 22050, "s1-u2": 16000})
    assert make(mixed, tmp_path / "refused", "--set", "preset=original") == 1
    assert "recordings of several rates" in capsys.readouterr().err
    assert make(mixed, tmp_path / "resampled", "--set", "preset=original,sample_rate=16000") == 0
    assert FeatsDir(tmp_path / "resampled").read("s1-u1").shape == (63, 80)
    waveform, _ = read_sound(mixed / "wav" / "s1-u1.flac")
    np.testing.assert_allclose(
        FeatsDir(tmp_path / "resampled").read("s1-u1"),
        load_features(FeatsDir(tmp_path / "resampled").features)(waveform, 22050),
        atol=0.01,
    )


def test_audio_of_a_lower_rate_is_told(tmp_path, caplog):
    pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")
    data = write_data(tmp_path / "data", {"s1-u1": 8000, "s1-u2": 16000})
    words = ("--type", "mfcc", "--set", "preset=planned")
    assert make(data, tmp_path / "feats", *words) == 0
    assert "1 utterances are of 8000 Hz, the features of 16000: bands above 4000 Hz are empty there" in caplog.text
    caplog.clear()
    assert make(data, tmp_path / "narrow", *words, "--set", "sample_rate=8000") == 0
    assert "bands above" not in caplog.text
    assert FeatsDir(tmp_path / "narrow").features["options"]["bins"] == 24


def test_an_id_that_a_copy_has_is_refused(tmp_path, capsys):
    data = write_data(tmp_path / "data", {"s1-u1": 16000, "s1-u1-p1": 16000})
    assert make(data, tmp_path / "feats") == 0
    assert make(data, tmp_path / "copied", "--copies", "1") == 1
    assert "s1-u1-p1: the id of a copy too" in capsys.readouterr().err


def test_a_copy_between_two_utterances_of_another_speaker_is_refused(tmp_path, capsys):
    wav = {key: str(write_sound(tmp_path / f"{key}.wav", babble(0))) for key in ("a", "a-o", "a-z")}
    tables = {"utt2spk": {"a": "s1", "a-o": "s2", "a-z": "s2"}, "wav.scp": wav}
    write_data_dir(tmp_path / "data", tables)
    assert make(tmp_path / "data", tmp_path / "feats") == 0
    assert make(tmp_path / "data", tmp_path / "copied", "--copies", "1") == 1
    assert "a-o-p1 of speaker s2 is sorted before a-p1 of s1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, answer",
    [
        (("--set", "bins=300"), "bins 300: bands that hold no frequency at 16000 Hz"),
        (("--type", "mfcc", "--set", "cepstra=40"), "cepstra 40: expected at most as many as bins, 23"),
        (("--type", "plp"), "expected one of logmel, fbank, mfcc"),
        (("--set", "preset=foo"), "expected one of kaldi, original"),
        (("--set", "snr_least=30", "--copies", "1"), "snr_least 30: beyond snr_most 25"),
    ],
)
def test_bad_options_are_named_before_any_work(data, tmp_path, capsys, words, answer):
    assert plan.main([*words, "--data", str(data), "--out", str(tmp_path / "feats")]) == 1
    assert answer in capsys.readouterr().err
