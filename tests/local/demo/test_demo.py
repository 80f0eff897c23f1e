"""Stage 0 for the demo corpus: a small one is built for real."""

import sys
from pathlib import Path

import numpy as np
import pytest

from local.demo.__main__ import PACKAGES, main, require_packages
from utils.archives import read_vectors
from utils.data_dir import DataDir, validate
from utils.errors import InputError

for package in PACKAGES:
    pytest.importorskip(
        package, reason="the packages of requirements-demo.txt and requirements-audio.txt are not installed"
    )

VOICES = 6


def build(out: Path, *options: str) -> dict[str, bytes]:
    """Run the command and return the files it wrote, but for the two that record how it was run."""
    assert main(["--out", str(out), "--n_voices", str(VOICES), *options]) == 0
    files = (path for path in out.rglob("*") if path.is_file() and path.name not in ("run_info.json", "config.yaml"))
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo corpus") / "all"
    build(out, "--nj", "2")
    return DataDir(out)


def test_it_is_a_valid_data_directory(corpus):
    assert validate(corpus.path, feats=False) == []
    assert len(corpus.spk2utt) == VOICES
    assert len(corpus.utt2spk) == 10 * VOICES


def test_every_voice_has_its_labels(corpus):
    for table in ("utt2gender", "utt2pitch", "utt2speaking_rate", "utt2f0", "utt2rate", "utt2dur"):
        assert set(corpus.table(table)) == set(corpus.utt2spk), table
    gender, pitch = corpus.table("utt2gender"), corpus.table("utt2pitch")
    voices = {(gender[utterance], pitch[utterance]) for utterance in corpus.utt2spk}
    assert voices == {(g, p) for g in ("male", "female") for p in ("low", "medium", "high")}
    assert {corpus.table("spk2gender")[spk] + gender[utt] for utt, spk in corpus.utt2spk.items()} == {
        "mmale",
        "ffemale",
    }


def test_labels_agree_with_what_was_measured(corpus):
    f0, rate = ({utt: float(value) for utt, value in corpus.table(name).items()} for name in ("utt2f0", "utt2rate"))

    def mean(values, table, label):
        return np.mean([values[utt] for utt, found in corpus.table(table).items() if found == label])

    assert mean(f0, "utt2gender", "male") < 160 < mean(f0, "utt2gender", "female")
    assert mean(f0, "utt2pitch", "low") < mean(f0, "utt2pitch", "medium") < mean(f0, "utt2pitch", "high")
    speeds = [mean(rate, "utt2speaking_rate", label) for label in ("slow", "measured", "fast")]
    assert speeds[1] > 1.2 * speeds[0] and speeds[2] > 1.2 * speeds[1]


def test_the_embeddings_are_those_of_the_stored_audio(corpus):
    import soundfile

    from steps.embed.backend import load_backend

    utterances = next(iter(corpus.spk2utt.values()))
    paths = [corpus.table("wav.scp")[utterance] for utterance in utterances]
    assert {Path(path).parent for path in paths} == {corpus.path / "wav"}
    waveforms, rates = zip(*(soundfile.read(path, dtype="float32") for path in paths), strict=True)
    assert set(rates) == {16000} and waveforms[0].ndim == 1
    assert float(corpus.table("utt2dur")[utterances[0]]) == pytest.approx(len(waveforms[0]) / 16000, abs=1e-3)
    _, vectors = read_vectors(corpus.path / "xvector.scp", utterances)
    encoder = load_backend("resemblyzer")
    assert np.array_equal(vectors, encoder.embed(waveforms))
    assert np.allclose(vectors[0], encoder.embed(waveforms[:1])[0], atol=1e-5)


def test_voices_differ_more_than_their_sentences(corpus):
    utterances, vectors = read_vectors(corpus.path / "xvector.scp")
    speakers = np.array([corpus.utt2spk[utterance] for utterance in utterances])
    cosines, same = vectors @ vectors.T, speakers[:, None] == speakers
    assert cosines[same & ~np.eye(len(same), dtype=bool)].mean() > 0.8 > 0.7 > cosines[~same].mean()


def test_same_bytes_for_any_number_of_jobs(corpus):
    before = {
        str(path.relative_to(corpus.path)): path.read_bytes() for path in corpus.path.rglob("*") if path.is_file()
    }
    after = build(corpus.path, "--nj", "1", "--force", "true")
    assert len(after) > 10 * VOICES
    assert after == {name: before[name] for name in after}


def test_a_rerun_does_nothing(corpus):
    before = (corpus.path / "run_info.json").stat().st_mtime_ns
    build(corpus.path)
    assert (corpus.path / "run_info.json").stat().st_mtime_ns == before


def test_bad_options_leave_nothing_behind(tmp_path, capsys):
    for options, message in (
        (["--n_voices", "0"], "expected 1 to 10000"),
        (["--nj", "0"], "--nj: expected 1 to 100000"),
    ):
        assert main(["--out", str(tmp_path / "all"), *options]) == 1
        assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named(monkeypatch):
    for name in ("espeakng_loader", "soxr"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delenv("PS_PYTHON_BIN", raising=False)
    with pytest.raises(
        InputError, match=r"needs espeakng_loader, soxr: utils/setup_env.sh --extras audio,demo installs it .*GPL"
    ):
        require_packages()
