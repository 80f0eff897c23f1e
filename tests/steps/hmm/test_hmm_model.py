"""The pool's likelihoods beside those of each density's own mixture, and the model's file."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.statistics import FrameScorer
from steps.hmm.hmm_dir import read_hmm, write_hmm
from steps.hmm.hmm_model import MODEL, HmmModel, HmmScorer
from tests.steps.hmm.small_hmm import DIM, small_lang, small_model
from utils.errors import InputError


def mixture(model: HmmModel, pdf: int) -> DiagGmm:
    """One density alone."""
    own = model.pdfs == pdf
    return DiagGmm(model.weights[own], model.means[own], model.variances[own])


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-10), (torch.float32, 1e-3)])
def test_likelihoods_are_those_of_each_density_alone(dtype, atol):
    model = small_model()
    frames = np.random.default_rng(1).normal(0, 3, (50, DIM))
    found = HmmScorer(model, dtype=dtype).log_likelihoods(frames).numpy()
    alone = [FrameScorer(mixture(model, pdf), dtype=torch.float64).log_likelihoods(frames) for pdf in range(7)]
    np.testing.assert_allclose(found, np.array(alone).T, atol=atol)


def test_sums_with_one_density_are_those_of_its_mixture():
    model = small_model()
    frames = np.random.default_rng(1).normal(0, 3, (50, DIM))
    posteriors = torch.zeros(50, 7, dtype=torch.float64)
    posteriors[:, 2] = 1
    found = HmmScorer(model, dtype=torch.float64).sums(frames, posteriors)
    alone = FrameScorer(mixture(model, 2), dtype=torch.float64).sums([frames])
    np.testing.assert_allclose(found.counts[model.pdfs == 2], alone.counts)
    means, variances = model.pool.estimated(found.counts, found.expanded)
    own_means, own_variances = mixture(model, 2).estimated(alone.counts, alone.expanded)
    np.testing.assert_allclose(means[model.pdfs == 2], own_means)
    np.testing.assert_allclose(variances[model.pdfs == 2], own_variances)
    np.testing.assert_array_equal(means[model.pdfs != 2], model.means[model.pdfs != 2])
    assert found.log_likelihood == pytest.approx(alone.log_likelihood)


def test_a_directory_gives_back_what_was_written(tmp_path):
    write_hmm(tmp_path, small_model(), small_lang())
    model, lang = read_hmm(tmp_path)
    for name in ("weights", "means", "variances", "pdfs", "loops"):
        np.testing.assert_array_equal(getattr(model, name), getattr(small_model(), name))
    assert lang.units == small_lang().units and list(lang.units) == list(small_lang().units)
    assert lang.lexicon == small_lang().lexicon and lang.silence_share == 0.3


DAMAGES = {
    "half": lambda content: content[: len(content) // 2],
    "weights": lambda content: save(load(content) | {"weights": load(content)["weights"] * 2}),
    "nan": lambda content: save(load(content) | {"means": load(content)["means"] * np.nan}),
    "float32": lambda content: save(load(content) | {"means": load(content)["means"].astype(np.float32)}),
    "loops": lambda content: save(load(content) | {"loops": np.ones(7)}),
    "densities": lambda content: save(load(content) | {"pdfs": load(content)["pdfs"] + 1}),
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_refused(tmp_path, damage):
    small_model().save(tmp_path)
    (tmp_path / MODEL).write_bytes(damage((tmp_path / MODEL).read_bytes()))
    with pytest.raises(InputError, match=r"model.safetensors: no hidden Markov model"):
        HmmModel.load(tmp_path)


def test_a_model_of_other_units_is_refused(tmp_path):
    write_hmm(tmp_path, small_model(n_pdfs=6), small_lang())
    with pytest.raises(InputError, match="6 densities, the units of lang have 7 states"):
        read_hmm(tmp_path)
