"""Real speakers moved towards a description: what it says changes; what it does not say, and who they are, stays."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from steps.generators import edit
from steps.generators.contract import load_generator
from steps.generators.linear import LinearMap
from steps.generators.linear_generator import LinearGenerator
from steps.generators.manifold import Manifold
from steps.generators.manifold_generator import ManifoldGenerator
from steps.generators.mixture import Frame
from steps.generators.read_generator import ReadGenerator
from steps.generators.voice_edit import VoiceEditor, covariance_of
from steps.text.read import READERS
from tests.steps.generators.known_reader import ENTRY, write_read_model
from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.data_dir import validate
from utils.tables import read_table, write_table

RNG = np.random.default_rng(0)
CORNERS = np.array([[10, 10, 0], [10, -10, 0], [-10, 10, 0], [-10, -10, 0]])  # female_high, female_low, male_high, ...
SPEAKERS = [f"s{number}" for number in range(8)]
UTTERANCES = [f"{speaker}-u{take}" for speaker in SPEAKERS for take in range(2)]
X = (np.repeat(np.tile(CORNERS, (2, 1)), 2, axis=0) + RNG.normal(size=(16, 3))).astype(np.float32)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Groups at the corners of a square: gender is the first dimension, pitch the second."""
    monkeypatch.setitem(READERS.entries, "words", ENTRY)
    return write_read_model(tmp_path / "model")


@pytest.fixture
def speakers(tmp_path: Path) -> Path:
    """The script file of two utterances of each of eight speakers, two at each corner."""
    (tmp_path / "data").mkdir()
    write_vectors(tmp_path / "data/xvector.ark", tmp_path / "data/xvector.scp", UTTERANCES, X)
    write_table(tmp_path / "data/utt2spk", {key: key.split("-")[0] for key in UTTERANCES})
    return tmp_path / "data/xvector.scp"


def run(model: Path, vectors: Path, text: str, *more: str, status: int = 0) -> Path:
    out = model.parent / "edited"
    words = ["--model", str(model), "--vectors", str(vectors), "--text", text, "--out", str(out), *more]
    assert edit.main(words) == status
    return out


@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_what_is_said_changes_and_the_rest_stays(model, speakers, amount):
    out = run(model, speakers, "a female voice", "--amount", str(amount))
    keys, x = read_vectors(out / "xvector.scp")
    assert keys == UTTERANCES and not validate(out, text=False, feats=False, wav=False)
    men = X[:, 0] < 0
    np.testing.assert_allclose(x[men] - X[men], np.tile([20 * amount, 0, 0], (men.sum(), 1)), atol=1e-3)
    np.testing.assert_allclose(x[~men], X[~men], atol=1e-3)
    line = json.loads((out / "provenance.jsonl").read_text().splitlines()[2])
    assert line["id"] == "s2" and line["was_read_as"] == {
        "gender": {"female": 0.0, "male": 1.0},
        "pitch": {"high": 1.0, "low": 0.0},
    }
    assert line["moved_to"] == {"gender": {"female": 1.0, "male": 0.0}, "pitch": {"high": 1.0, "low": 0.0}}
    means = [np.mean(rows[4:6], axis=0) for rows in (X, x)]
    cosine = np.dot(*means) / np.prod([np.linalg.norm(mean) for mean in means])
    assert abs(line["cosine_to_original"] - cosine) < 1e-5
    assert read_table(out / "num_utts.ark")["s2"] == "2"


def test_nothing_changes_at_amount_0_and_without_utt2spk_each_is_a_speaker(model, speakers):
    (speakers.parent / "utt2spk").unlink()
    out = run(model, speakers, "a female voice", "--amount", "0")
    assert read_vectors(out / "xvector.scp")[1].tobytes() == X.tobytes()
    assert read_table(out / "utt2spk") == dict.fromkeys(UTTERANCES) | {key: key for key in UTTERANCES}
    assert json.loads((out / "edit.json").read_text())["correlation"] == pytest.approx(1)


def on_surface(path: Path) -> tuple[ManifoldGenerator, np.ndarray]:
    """A generator of rectified vectors of length 1 in two groups of men and women, and vectors (50, 7) of women."""
    read = load_generator(path)
    weights = np.zeros((read.groups.n_features, 6))
    weights[0, :3], weights[1, 3:] = 1.5, 1.5
    basis = np.tril(RNG.normal(size=(6, 6)) * 0.1, -1) + 0.5 * np.eye(6)
    inner = LinearGenerator(Frame(np.zeros(6), basis), LinearMap(weights, np.zeros(6)), np.zeros(1), np.ones(1))
    alive = np.array([True] * 6 + [False])
    made = ManifoldGenerator(ReadGenerator(inner, read.groups), Manifold(alive, True, 1.0))
    vector = np.zeros(made.text_dim, np.float32)
    vector[[2, 5]] = 1  # female and high
    x = made.mixtures(vector[None])[0].sample(RNG, 50)[0]
    x[:5, 6] = 0.1
    return made, x


def test_moved_vectors_of_a_surface_stay_on_it(model):
    generator, x = on_surface(model)
    editor = VoiceEditor(generator)
    text = np.zeros(generator.text_dim, np.float32)
    text[[3, 7]] = 1  # male, of unsaid pitch
    moved = editor.move(x, np.arange(50), text, 1.0)
    np.testing.assert_allclose(np.linalg.norm(moved.x, axis=1), 1, rtol=1e-5)
    assert moved.x.min() == 0 and (moved.x[:, :6] == 0).mean() > 0.1 and (moved.x[:5, 6] > 0).all()
    assert moved.before["gender"][:, 0].mean() > 0.8 and moved.after["gender"][:, 0].max() == 0
    again = editor.move(moved.x, np.arange(50), text, 1.0)
    assert again.before["gender"][:, 1].mean() > 0.8
    np.testing.assert_array_equal(moved.x, VoiceEditor(generator).move(x, np.arange(50), text, 1.0).x)


def test_the_covariance_of_a_mixture_is_that_of_its_samples(model):
    generator, _ = on_surface(model)
    mixture = generator.inner.of_groups(["female_high"])[0]
    z = mixture.sample(np.random.default_rng(0), 50_000)[0]
    np.testing.assert_allclose(np.cov(z.T), covariance_of(mixture), atol=0.01)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "--text: empty text"),
        ("somebody", "says nothing of gender, pitch"),
        ("high low", "says every pitch"),
    ],
)
def test_texts_that_move_nobody_are_told(model, speakers, capsys, text, told):
    out = run(model, speakers, text, "--strict", "true", status=1)
    assert told in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (np.ones((1, 4), np.float32), "vectors of 4 dimensions"),
        (np.array([[1, np.nan, 0]], np.float32), "xvector.scp: a: no embedding"),
        (np.zeros((0, 3), np.float32), "empty"),
        (np.zeros((1, 3), np.float32), "xvector.scp: a: zero in all dimensions"),
    ],
)
def test_vectors_that_cannot_be_moved_are_told(model, tmp_path, capsys, x, told):
    write_vectors(tmp_path / "xvector.ark", tmp_path / "xvector.scp", ["a"][: len(x)], x)
    run(model, tmp_path / "xvector.scp", "a female voice", status=1)
    assert told in capsys.readouterr().err


def test_a_missing_speaker_and_texts_that_nobody_read_are_told(model, speakers, models, capsys):
    write_table(speakers.parent / "utt2spk", {"s0-u0": "s0"})
    run(model, speakers, "a female voice", status=1)
    assert "no line for s0-u1" in capsys.readouterr().err
    shutil.rmtree(model)
    run(models["ridge_gaussian"], speakers, "a female voice", status=1)
    assert "dimensions" in capsys.readouterr().err


def test_speakers_of_one_vector_have_no_correlation(model, tmp_path):
    one = np.tile(np.float32([9, 9, 1]), (5, 1))
    write_vectors(tmp_path / "xvector.ark", tmp_path / "xvector.scp", list("abcde"), one)
    told = json.loads((run(model, tmp_path / "xvector.scp", "a male voice") / "edit.json").read_text())
    assert told["correlation"] is None and told["after"] == pytest.approx(1)


def test_a_generator_that_heeds_no_text_is_told(model, speakers, capsys):
    read = load_generator(model)
    inner = read.inner
    blind = LinearGenerator(
        inner.frame, LinearMap(0 * inner.mean_of.weights, np.zeros(3)), inner.log_weights, inner.scales
    )
    ReadGenerator(blind, read.groups).save(model)
    run(model, speakers, "a female voice", status=1)
    assert "one mean for all groups" in capsys.readouterr().err


def test_negative_entries_on_a_surface_are_told(model, speakers, capsys):
    generator, _ = on_surface(model)
    generator.save(model)
    write_vectors(speakers.with_suffix(".ark"), speakers, UTTERANCES, -np.ones((16, 7), np.float32))
    run(model, speakers, "a female voice", status=1)
    assert "s0-u0: negative entries" in capsys.readouterr().err
