"""The simplest vocoder speaks as long as the original, in its folders, nearer to it than a shuffled control."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from steps.audio.recordings import read_utterances
from steps.data.unit_sequences import UnitsDir, UnitsInfo, UnitsWriter, deduplicate, expand
from steps.vocoder import check, distortion, resynthesise, train
from steps.vocoder.distortion import SpeechComparison
from tests.steps.audio.sounds import write_sound
from utils.data_dir import DataDir, validate, write_data_dir

INFO = UnitsInfo(5, 0.01, "five-1", {"sample_rate": 16000, "window_seconds": 0.025})


def sound(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise in another band for each unit, 10 ms a frame."""
    parts = []
    for unit in units:
        times = np.arange(160) / 16000
        hertz = 300 + 1200 * unit + 200 * rng.random((6, 1))
        parts.append(np.sin(2 * np.pi * (hertz * times + rng.random((6, 1)))).sum(axis=0))
    return 0.05 * np.concatenate([*parts, np.zeros(240)])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A directory with data, units (two folders) and vocoder."""
    root, rng = tmp_path_factory.mktemp("vocoder"), np.random.default_rng(0)
    (root / "units").mkdir()
    wav = {}
    with UnitsWriter(root / "units", root / "units", INFO) as writer:
        for number in range(4):
            speaker = f"s{number % 2}"
            frames = np.repeat(rng.permutation(5), rng.integers(8, 15, 5)).astype(np.int32)
            path = root / "wav" / "deep" / speaker / f"take{number}.wav"
            waveform = sound(frames, rng)
            wav[f"{speaker}-u{number}"] = str(write_sound(path, np.pad(waveform, (0, 7 * number)), 16000))
            writer.add(f"{speaker}-u{number}", *deduplicate(frames))
    wav = dict(sorted(wav.items()))
    tables = {"wav.scp": wav, "utt2spk": {key: key[:2] for key in wav}, "text": dict.fromkeys(wav, "hello")}
    write_data_dir(root / "data", tables)
    write_data_dir(root / "units", tables | writer.tables())
    given = ["--data", str(root / "data"), "--units", str(root / "units"), "--out", str(root / "vocoder")]
    assert train.main(given) == 0
    return root


def speak(root: Path, units: str, out: str, *words: str) -> int:
    model = ["--model", str(root / "vocoder")] if "--model" not in words else []
    return resynthesise.main(["--units", str(root / units), "--out", str(root / out), *model, *words])


def test_output_is_as_long_as_the_input_and_keeps_its_folders(corpus):
    assert speak(corpus, "units", "resynth") == 0
    assert validate(corpus / "resynth", feats=False) == []
    for utterance, path in DataDir(corpus / "resynth").table("wav.scp").items():
        original = DataDir(corpus / "data").table("wav.scp")[utterance]
        assert path.endswith(f"resynth/wav/{utterance[:2]}/{utterance}.wav")
        assert abs(soundfile.info(path).frames - soundfile.info(original).frames) <= 160
        assert soundfile.info(path).subtype == "PCM_16"
    assert (corpus / "resynth/text").read_text() == (corpus / "data/text").read_text()


def test_number_of_jobs_does_not_change_a_byte(corpus):
    given = ("--shard_units", "5", "--nj", "2")
    for out, calls in (("jobs", ("2", "1", "0")), ("alone", ("0",))):
        assert [speak(corpus, "units", out, *given, "--job", job) for job in calls] == [0] * len(calls)
    files = sorted((corpus / "jobs/wav").rglob("*.wav"))
    assert len(files) == 4
    for file in files:
        assert file.read_bytes() == (corpus / "alone/wav" / file.relative_to(corpus / "jobs/wav")).read_bytes()


def test_round_trip_is_nearer_than_shuffled_units(corpus, tmp_path):
    units, rng = UnitsDir(corpus / "units"), np.random.default_rng(1)
    (corpus / "shuffled").mkdir()
    with UnitsWriter(corpus / "shuffled", corpus / "shuffled", INFO) as writer:
        for key in units.utterances:
            order = rng.permutation(len(units.read(key).units))
            writer.add(key, *deduplicate(expand(*(values[order] for values in units.read(key)))))
    write_data_dir(corpus / "shuffled", units.data.tables() | writer.tables())
    decibels = {}
    for name in ("units", "shuffled"):
        assert speak(corpus, name, f"of_{name}") == 0
        given = ["--ref", str(corpus / "data"), "--data", str(corpus / f"of_{name}"), "--out", str(tmp_path / name)]
        assert distortion.main(given) == 0
        rows = (tmp_path / name / "distortion.tsv").read_text().splitlines()[1:]
        decibels[name] = np.mean([float(row.split("\t")[1]) for row in rows])
    assert decibels["units"] < decibels["shuffled"] - 2


def test_speech_has_no_distortion_against_itself(corpus):
    one = read_utterances(corpus / "data")[0]
    assert SpeechComparison(40.0)(one, one) == 0


def test_units_without_durations_last_as_long_as_on_average(corpus):
    (corpus / "sampled").mkdir()
    with UnitsWriter(corpus / "sampled", corpus / "sampled", INFO, durations=False) as writer:
        writer.add("lm-1", np.array([0, 3, 2], np.int32))
    write_data_dir(corpus / "sampled", {"utt2spk": {"lm-1": "lm"}, **writer.tables()})
    assert speak(corpus, "sampled", "of_sampled") == 0
    path = DataDir(corpus / "of_sampled").table("wav.scp")["lm-1"]
    assert path.endswith("of_sampled/wav/lm-1.wav")
    assert 0.24 < soundfile.info(path).duration < 0.48


def test_ids_that_are_paths_keep_their_folders_and_never_leave_the_tree(corpus):
    (corpus / "paths").mkdir()
    with UnitsWriter(corpus / "paths", corpus / "paths", INFO) as writer:
        for key in ("a/../../b/1", "a/deep/2"):
            writer.add(key, np.array([1, 2], np.int32), np.array([3, 3], np.int32))
    utt2spk = {"a/../../b/1": "a", "a/deep/2": "a"}
    write_data_dir(corpus / "paths", {"utt2spk": utt2spk, **writer.tables()})
    assert speak(corpus, "paths", "of_paths") == 0
    files = sorted(str(file.relative_to(corpus / "of_paths")) for file in (corpus / "of_paths").rglob("*.wav"))
    assert files == ["wav/a/%2E%2E/%2E%2E/b/1.wav", "wav/a/deep/2.wav"]


def test_a_check_speaks_unit_0_or_units_of_the_users(corpus, capsys):
    model = ["--model", str(corpus / "vocoder")]
    assert check.main(model) == 0 and "griffin_lim works: ready in " in capsys.readouterr().out
    units = UnitsDir(corpus / "units")
    assert check.main([*model, "--units", str(corpus / "units")]) == 0
    assert f"{len(units.frames('s0-u0')) * 160 + 240} samples at 16000 Hz" in capsys.readouterr().out
    assert check.main(["--model", str(corpus / "none")]) == 1
    assert "no such directory; expected that of a vocoder" in capsys.readouterr().err


def test_units_of_another_model_are_refused(corpus, capsys):
    (corpus / "other").mkdir()
    with UnitsWriter(corpus / "other", corpus / "other", UnitsInfo(5, 0.01, "five-2")) as writer:
        writer.add("lm-1", np.array([0, 3], np.int32), np.array([1, 1], np.int32))
    write_data_dir(corpus / "other", {"utt2spk": {"lm-1": "lm"}, **writer.tables()})
    assert speak(corpus, "other", "of_other") == 1
    message = capsys.readouterr().err.splitlines()
    assert "five-2" in message[-1] and "steps/vocoder/train.sh" in message[-1]
    assert not (corpus / "of_other").exists()


@pytest.mark.parametrize(("model", "message"), [("nothing", "--model"), ("units", "steps/vocoder/train.sh writes")])
def test_directories_that_are_no_vocoder_are_named(corpus, capsys, model, message):
    assert speak(corpus, "units", "of_none", "--model", str(corpus / model)) == 1
    assert message in capsys.readouterr().err
