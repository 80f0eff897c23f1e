"""Voices between two descriptions: the transport of mixtures in closed form, and what the command makes of it."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import sqrtm

from steps.generators import merge_samples, plan_samples, sample
from steps.generators.blend import Blend
from steps.generators.interpolation import transported
from steps.generators.manifold import Manifold
from steps.generators.manifold_generator import MappedMixture
from steps.generators.mixture import Frame, Mixture
from steps.generators.sampling import Voices
from steps.text.read import READERS
from tests.steps.generators.known_reader import ENTRY, write_read_model
from utils.archives import read_vectors
from utils.errors import InputError

RNG = np.random.default_rng(0)


def mixture(frame: Frame, k: int) -> Mixture:
    q = frame.latent_dim
    weights = RNG.dirichlet(np.ones(k))
    return Mixture(np.log(weights), RNG.normal(size=(k, q)) * 3, RNG.uniform(0.5, 2, (k, q)), frame)


def moments(one: Mixture | Blend) -> tuple[np.ndarray, np.ndarray]:
    """Means (K, D) and covariances (K, D, D) of the components."""
    given = one.original_space()
    bases = np.broadcast_to(given["basis"], (len(given["weights"]), *given["basis"].shape[-2:]))
    factors = bases * given["scales"][:, None]
    return given["means"], factors @ factors.transpose(0, 2, 1)


def test_components_of_one_frame_are_matched_by_the_cheapest_plan():
    frame = Frame(RNG.normal(size=4), RNG.normal(size=(4, 3)))
    a = mixture(frame, 4)
    b = Mixture(np.log(np.full(4, 0.25)), a.means[[2, 0, 3, 1]] + 0.3, a.scales[[2, 0, 3, 1]] * 1.2, frame)
    a = Mixture(b.log_weights, a.means, a.scales, frame)
    found = transported(a, b, 0.25)
    matches = min(
        itertools.permutations(range(4)),
        key=lambda to: np.sum((a.means - b.means[list(to)]) ** 2 + (a.scales - b.scales[list(to)]) ** 2),
    )
    np.testing.assert_allclose(np.exp(found.log_weights), 0.25)
    np.testing.assert_allclose(found.means, 0.75 * a.means + 0.25 * b.means[list(matches)])
    np.testing.assert_allclose(found.scales, 0.75 * a.scales + 0.25 * b.scales[list(matches)])


def test_weights_are_divided_and_the_draws_go_on_from_those_of_the_first():
    frame = Frame(np.zeros(2))
    a, b = mixture(frame, 3), mixture(frame, 5)
    near = transported(a, b, 1e-9)
    drawn, came = near.sample(np.random.default_rng(1), 500)[0], a.sample(np.random.default_rng(1), 500)[0]
    np.testing.assert_allclose(drawn, came, atol=1e-5)
    np.testing.assert_allclose(np.exp(near.log_weights).sum(), 1)
    far = transported(a, b, 1 - 1e-9).sample(np.random.default_rng(2), 40_000)[0]
    wanted = b.sample(np.random.default_rng(3), 40_000)[0]
    np.testing.assert_allclose(far.mean(axis=0), wanted.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(far.T), np.cov(wanted.T), rtol=0.1, atol=0.1)


def test_gaussians_of_several_frames_move_along_their_geodesic():
    a, b = (Mixture(np.zeros(1), np.ones((1, 3)), RNG.uniform(1, 2, (1, 3)), Frame(RNG.normal(size=3), m)) for m in (
        RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3)))
    )  # fmt: skip
    (mean_a,), (cov_a,) = moments(a)
    (mean_b,), (cov_b,) = moments(b)
    root = sqrtm(cov_a).real
    inverse = np.linalg.inv(root)
    pushing = 0.6 * np.eye(3) + 0.4 * inverse @ sqrtm(root @ cov_b @ root).real @ inverse  # Givens and Shortt
    (mean,), (covariance,) = moments(transported(a, b, 0.4))
    np.testing.assert_allclose(mean, 0.6 * mean_a + 0.4 * mean_b)
    np.testing.assert_allclose(covariance, pushing @ cov_a @ pushing, rtol=1e-6)


def test_parts_of_several_frames_are_matched():
    frames = [Frame(np.zeros(2), RNG.normal(size=(2, 2))) for _ in range(2)]
    a, b = (Blend(np.log([0.5, 0.5]), [mixture(frame, 1) for frame in frames]) for _ in range(2))
    found = transported(a, b, 0.5)
    assert len(found.parts) in (2, 3) and found.sample(np.random.default_rng(0), 10)[0].shape == (10, 2)
    np.testing.assert_allclose(found.log_density(np.zeros((1, 2))).shape, (1,))


def test_samples_of_a_surface_stay_on_it():
    surface = Manifold(np.ones(4, bool), True, 2.0)
    a, b = (MappedMixture(mixture(Frame(np.zeros(4)), 2), surface) for _ in range(2))
    x, _ = transported(a, b, 0.3).sample(np.random.default_rng(0), 50)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 2, rtol=1e-6)
    assert x.min() == 0


def test_what_has_no_components_is_told():
    with pytest.raises(InputError, match="--mix_by text"):
        transported(object(), object(), 0.5)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of texts that were read; female is +10, male -10 in the first dimension."""
    monkeypatch.setitem(READERS.entries, "words", ENTRY)
    return write_read_model(tmp_path / "model")


def run(model: Path, *options: str, out: str = "out") -> Path:
    """Sample into a directory of the name `out`. Returns it."""
    target = model.parent / "_".join(["to", *filter(str.isalnum, "".join(options))])[:150] / out
    target.parent.mkdir(exist_ok=True)
    assert sample.main(["--model", str(model), "--out", str(target), *options]) == 0
    return target


A, B = "a female voice that is high", "a male voice that is high"


@pytest.mark.parametrize(("share", "alone"), [("0", A), ("1", B)])
def test_at_its_ends_a_mix_has_the_bytes_of_one_text(model, share, alone):
    mixed = run(model, "--text", A, "--mix_text", B, "--mix", share, "-n", "20")
    of_one = run(model, "--text", alone, "-n", "20")
    for name in ("xvector.ark", "utt2spk", "utt2description"):
        assert (mixed / name).read_bytes() == (of_one / name).read_bytes()


@pytest.mark.parametrize("by", ["transport", "text"])
def test_transport_moves_all_voices_and_texts_a_share_of_them(model, by):
    options = ("--text", A, "--mix_text", B, "--mix", ".3", "--mix_by", by, "-n", "500")
    out = run(model, *options)
    x = read_vectors(out / "xvector.scp")[1]
    if by == "transport":
        assert abs(x[:, 0].mean() - 4) < 0.2 and x[:, 0].std() < 1.2
    else:
        assert abs((x[:, 0] < 0).mean() - 0.3) < 0.06 and x[:, 0].std() > 5
    np.testing.assert_array_equal(x, Voices(model).sample(A, 500, mix_text=B, mix=0.3, mix_by=by))
    row = json.loads((out / "provenance.jsonl").read_text().splitlines()[0])
    assert row["text"] == A and row["read_as"]["gender"]["female"] == 1
    mixed = row["mix"]
    assert (mixed["text"], mixed["share"], mixed["by"], mixed["read_as"]["gender"]["male"]) == (B, 0.3, by, 1)
    assert f" 0.7 {A} + 0.3 {B}\n" in (out / "utt2description").read_text()
    jobs = ["--model", str(model), *options, "--nj", "2", "--out", str(out.parent / "jobs" / "out")]
    (out.parent / "jobs").mkdir()
    assert [plan_samples.main(jobs), *(sample.main([*jobs, "--job", str(job)]) for job in (2, 1))] == [0, 0, 0]
    assert merge_samples.main(jobs) == 0
    for name in ("xvector.ark", "provenance.jsonl"):
        assert (out.parent / "jobs" / "out" / name).read_bytes() == (out / name).read_bytes()


def test_mixes_have_ids_of_their_own_and_parameters(model):
    options = ("--text", A, "--mix_text", B, "-n", "3", "--save_params", "true")
    ids = {(run(model, *options, "--mix", share) / "utt2spk").read_text().split()[0] for share in (".3", ".4", "0")}
    assert len(ids) == 3
    given = np.load(run(model, *options, "--mix", ".5") / "mixtures.npz")
    np.testing.assert_allclose(given["text/means"], [[0, 10, 0]], atol=1e-9)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--text", A, "--mix", ".3"), "give --mix_text too"),
        (("--text", A, "--mix_text", B, "--mix", "1.5"), "mix"),
        (("--text", A, "--mix_text", ""), "mix_text: empty text"),
        (("--descriptions", "x", "--mix_text", B), "--mix_text is for --text"),
        (("--text", A, "--mix_text", "high low", "--strict", "true"), "mix_text: 'high low': says every pitch"),
    ],
)
def test_what_cannot_be_mixed_is_told(model, capsys, options, told):
    assert sample.main(["--model", str(model), "--out", str(model.parent / "out"), *options]) == 1
    assert told in capsys.readouterr().err
