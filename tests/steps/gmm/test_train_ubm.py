"""A UBM is trained: the same bytes for any number of jobs and after any kill; what cannot be used is named."""

import multiprocessing
import os
import random
import re
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from steps.gmm import plan_ubm, train_ubm
from steps.gmm.gmm_dir import read_gmm
from steps.gmm.statistics import FrameScorer
from steps.gmm.ubm_job import Group, Options
from steps.gmm.ubm_passes import UbmPasses, schedule
from tests.steps.features.speech import write_speech
from utils.errors import InputError

ROOT = Path(__file__).parents[3]
SMALL = ["--components", "8", "--passes_per_split", "2", "--passes", "3", "--shard_frames", "200"]
FILES = ("model.safetensors", "final.dubm", "final.ubm", "passes.tsv", "passes.png", "failures.tsv")


def voices(n_utterances: int = 12, dim: int = 5, n_frames: int = 100):
    """utt2spk, frames and speech of four speakers of both sexes."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (6, dim))
    utt2spk = dict(sorted((f"s{number % 4}-{number:02d}", f"s{number % 4}") for number in range(n_utterances)))
    frames = [centres[rng.integers(0, 6, n_frames)] + rng.normal(size=(n_frames, dim)) for _ in utt2spk]
    return utt2spk, frames, [rng.random(n_frames) < 0.8 for _ in utt2spk]


GENDERS = {f"s{number}": "mf"[number % 2] for number in range(4)}


@pytest.fixture(scope="module")
def feats(tmp_path_factory) -> Path:
    return write_speech(tmp_path_factory.mktemp("speech") / "feats", *voices(), spk2gender=GENDERS)


def words(feats: Path, out: Path, *more: str) -> list[str]:
    return ["--data", str(feats), "--feats", str(feats), "--out", str(out), *SMALL, *more]


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in FILES if (out / name).exists()}


@pytest.fixture(scope="module")
def alone(feats, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("alone") / "ubm"
    assert train_ubm.main(words(feats, out)) == 0
    assert read_gmm(out).n_components == 8
    return contents(out)


def test_jobs_one_after_another_leave_the_same_bytes(feats, alone, tmp_path):
    out = tmp_path / "ubm"
    assert plan_ubm.main(words(feats, out)) == 0
    for job in ("2", "3", "1"):
        assert train_ubm.main(words(feats, out, "--nj", "3", "--job", job)) == 0
    assert train_ubm.main(words(feats, out, "--nj", "3")) == 0
    assert contents(out) == alone
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ubm"]


def test_script_trains_once(feats, alone, tmp_path):
    out = tmp_path / "my ubm"
    settings = "passes_per_split=2,passes=3,shard_frames=200"
    command = [ROOT / "steps/gmm/train_ubm.sh", "--nj", "2", "--components", "8", "--set", settings, feats, feats, out]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert first.returncode == 0, first.stderr
    assert contents(out) == alone
    assert len(list((tmp_path / "log").glob("my ubm.*.log"))) == 2
    assert train_ubm.main(words(feats, out)) == 0  # up to date


@pytest.mark.hostile("kill -9 of jobs that train a UBM, at any moment")
def test_kills_change_nothing(feats, alone, tmp_path):
    out, rng = tmp_path / "ubm", random.Random(0)
    for _ in range(3):
        if not (out / ".done").exists():
            assert plan_ubm.main(words(feats, out)) == 0
        jobs = [
            multiprocessing.get_context("fork").Process(target=run_job, args=(words(feats, out, "--nj", "2", *job),))
            for job in (["--job", "1"], ["--job", "2"], [])
        ]
        for one in jobs:
            one.start()
        time.sleep(rng.uniform(0.02, 0.2))
        for one in jobs:
            one.kill()
            one.join()
    assert train_ubm.main(words(feats, out)) == 0
    assert contents(out) == alone


def run_job(arguments: list[str]) -> None:
    os._exit(train_ubm.main(arguments))


def test_the_likelihood_of_the_last_pass_is_that_of_the_frames(feats, alone, tmp_path):
    out = tmp_path / "ubm"
    assert train_ubm.main(words(feats, out, "--precision", "float64", "--passes", "60")) == 0
    _, frames, speech = voices()
    x = np.concatenate([own[mask] for own, mask in zip(frames, speech, strict=True)]).astype(np.float32)
    last = (out / "passes.tsv").read_text().splitlines()[-1].split("\t")
    assert FrameScorer(read_gmm(out)).log_likelihoods(x).mean() == pytest.approx(float(last[3]), abs=0.01)
    assert read_gmm(out / "final.dubm").means == pytest.approx(read_gmm(out).means, rel=1e-5)


def test_sexes_are_trained_apart_and_joined(feats, tmp_path):
    both, men = tmp_path / "both", tmp_path / "men"
    more = ["--sexes", "by_sex", "--full_passes", "2", "--components"]
    assert train_ubm.main(words(feats, both, *more, "9")) == 0
    gmm = read_gmm(both)
    assert gmm.covariances.shape == (9, 5, 5) and gmm.weights[:4].sum() == pytest.approx(0.5)
    assert not (both / "final.dubm").exists()
    assert read_gmm(both / "final.ubm").covariances == pytest.approx(gmm.covariances, rel=1e-4, abs=1e-6)
    utt2spk, frames, speech = voices()
    kept = [number for number, speaker in enumerate(utt2spk.values()) if GENDERS[speaker] == "m"]
    names = list(utt2spk)
    of_men = {names[number]: utt2spk[names[number]] for number in kept}
    genders = {speaker: "m" for speaker in of_men.values()}
    own = write_speech(tmp_path / "m", of_men, [frames[n] for n in kept], [speech[n] for n in kept], spk2gender=genders)
    assert train_ubm.main(words(own, men, *more, "5")) == 0  # no women: all Gaussians are of men
    assert (read_gmm(men).means == gmm.means[4:]).all()


def broken(tmp_path: Path, damage, **tables) -> Path:
    utt2spk, frames, speech = voices()
    damage(frames, speech)
    return write_speech(tmp_path / "feats", utt2spk, frames, speech, spk2gender=GENDERS, **tables)


def test_frames_that_are_no_numbers_and_no_speech_are_counted(tmp_path, capsys):
    def damage(frames, speech):
        frames[3][7, 1] = np.nan
        speech[5][:] = False
        frames[8], speech[8] = frames[8][:1], np.ones(1)  # a file of one frame is used

    feats = broken(tmp_path, damage)
    assert train_ubm.main(words(feats, tmp_path / "ubm")) == 1
    said = capsys.readouterr().err
    assert "2 of 12 utterances (16.67 %) fail: 1 no_speech, 1 not_finite; more than --max_fail 0.01" in said
    assert not (tmp_path / "ubm").exists()
    assert train_ubm.main(words(feats, tmp_path / "ubm", "--max_fail", "0.2")) == 0
    failed = [line.split("\t")[:2] for line in (tmp_path / "ubm" / "failures.tsv").read_text().splitlines()[1:]]
    names = list(voices()[0])
    assert failed == [[names[3], "not_finite"], [names[5], "no_speech"]]
    assert train_ubm.main(words(feats, tmp_path / "ubm")) == 1  # finished, but not good enough


@pytest.mark.parametrize(
    ("damage", "more", "said"),
    [
        (None, ["--components", "2000"], "frames of speech for 2000 Gaussians; expected as many at least"),
        (lambda frames, speech: [x.__setitem__((slice(None), 2), 7.5) for x in frames], [], "feature 2 .* same value"),
        (None, ["--sexes", "by_sex", "--components", "1"], "--components 1: expected 2 or more"),
        (lambda frames, speech: [x.__imul__(1e30) for x in frames[:1]], ["--variance_floor", "0"], "pass . of .*: "),
        (None, ["--use_gpu", "true"], "torch sees no GPU here"),
    ],
    ids=["few_frames", "constant", "components", "far", "gpu"],
)
def test_what_cannot_be_trained_is_told(tmp_path, capsys, damage, more, said, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    feats = broken(tmp_path, damage or (lambda frames, speech: None))
    assert train_ubm.main(words(feats, tmp_path / "ubm", *more)) == 1
    error = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert len(error) == 1
    assert train_ubm.main(words(feats, tmp_path / "ubm", *more, "--nj", "2", "--job", "1")) == 1
    assert re.search(said, error[0])
    assert not (tmp_path / "ubm").exists()


@pytest.mark.hostile("Half an archive of features, as input of a UBM")
def test_half_an_archive_is_told(tmp_path, capsys):
    feats = broken(tmp_path, lambda frames, speech: None)
    archive = feats / "feats.ark"
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    assert train_ubm.main(words(feats, tmp_path / "ubm")) == 1
    assert "truncated" in capsys.readouterr().err
    assert not (tmp_path / "ubm").exists()


def test_sexes_must_be_known(tmp_path, capsys):
    utt2spk, frames, speech = voices()
    feats = write_speech(tmp_path / "feats", utt2spk, frames, speech)
    assert train_ubm.main(words(feats, tmp_path / "ubm", "--sexes", "by_sex")) == 1
    assert "no spk2gender here, which --sexes by_sex needs" in capsys.readouterr().err


@pytest.fixture
def passes(feats) -> UbmPasses:
    mean, variance = [0.0] * 5, [10.0] * 5
    options = Options(data=feats, feats=feats, out=Path("ubm"), passes_per_split=2, passes=3, full_passes=1)
    return UbmPasses(Group("all", 4, 0, 1, 100, mean, variance), options, None, [["x"]], "cpu")


def test_passes_follow_a_schedule(passes):
    found = schedule(6, passes.options)
    assert [one.split_to for one in found] == [0, 4, 0, 6, 0, 0, 0, 0]
    assert [number for number, one in enumerate(found) if one.to_full] == [6]
    assert len(schedule(1, passes.options)) == 4


@pytest.mark.parametrize(
    ("number", "before", "falls"),
    [
        (3, (4, -50.0, 0, 0, 1), True),
        (3, (4, -50.2, 0, 0, 1), False),
        (3, (4, -50.0, 1, 0, 1), False),  # a floor has acted
        (3, (4, -50.0, 0, 2, 1), False),  # Gaussians were left out
        (2, (2, -50.0, 0, 0, 1), False),  # a split before
    ],
)
def test_a_likelihood_that_falls_is_an_error(passes, number, before, falls):
    state = passes.start()
    state["history"] = np.array([before] * number, float)
    expanded = np.tile(np.repeat([0.0, 50.0], 5), (2, 1))
    sums = {"counts": np.full(2, 50.0), "expanded": expanded, "log_likelihood": -5010.0, "n_frames": 100}
    if falls:
        with pytest.raises(InputError, match="pass 4 of 6: the log-likelihood has fallen from -50.0.* to -50.1"):
            passes.update(number, state, sums)
    else:
        assert len(passes.update(number, state, sums)["history"]) == number + 1
