"""What an extraction holds: tables, means of speakers, archives, and vectors of segments and of whole utterances."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("soundfile")

from steps.audio.read import load  # noqa: E402
from steps.audio.recordings import read_utterances  # noqa: E402
from steps.embed.backend import load_backend  # noqa: E402
from tests.steps.audio.sounds import babble, write_sound  # noqa: E402
from tests.steps.embed.extractions import TELLING, content, parts, run_all, write_tree  # noqa: E402
from utils.archives import read_vectors  # noqa: E402
from utils.data_dir import validate  # noqa: E402
from utils.tables import read_table  # noqa: E402


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_tree(tmp_path_factory.mktemp("tree"))


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


def test_a_long_utterance_is_the_mean_of_its_parts(tree, tmp_path):
    run_all(tree, tmp_path / "out")
    long = next(utterance for utterance in read_utterances(tree) if utterance.name == "u05")
    _, (vector,) = read_vectors(tmp_path / "out/xvector.scp", [long.id])
    waveform = load(long).waveform
    assert vector[2] == 15.75 * 16000 and vector[0] == pytest.approx(waveform.mean(), abs=1e-4)


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
