"""Mixtures in directories: read as they were written; what is none is told in a line."""

import numpy as np
import pytest
from safetensors.numpy import save

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.em import with_full_covariances
from steps.gmm.gmm_dir import MODEL, gmm_arrays, read_gmm, write_gmm
from steps.gmm.kaldi_text import write_kaldi_text
from utils.errors import InputError

DIAG = DiagGmm(np.array([0.25, 0.75]), np.array([[0.1, 2.0, -3.0], [1e-3, 0.0, 40.0]]), np.full((2, 3), 0.3))


@pytest.mark.parametrize("gmm", [DIAG, with_full_covariances(DIAG)], ids=["diag", "full"])
def test_a_mixture_comes_back(tmp_path, gmm):
    write_gmm(tmp_path, gmm)
    again = read_gmm(tmp_path)
    assert type(again) is type(gmm)
    for name, array in gmm_arrays(gmm).items():
        assert (getattr(again, name) == array).all()
    before = (tmp_path / MODEL).read_bytes()
    write_gmm(tmp_path, read_gmm(tmp_path / MODEL))
    assert (tmp_path / MODEL).read_bytes() == before


def test_kaldis_text_is_read_too(tmp_path):
    write_kaldi_text(tmp_path / "final.dubm", DIAG)
    np.testing.assert_allclose(read_gmm(tmp_path / "final.dubm").means, DIAG.means, rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "header"),
        (b"\0" * 50, "JSON"),
        (save({"weights": np.ones(1)}), "no means among weights"),
        (save({"weights": np.ones(2), "means": np.ones((1, 3)), "variances": np.ones((1, 3))}), "are no mixture"),
        (save({"weights": np.ones(1), "means": np.ones((1, 3)), "variances": np.full((1, 3), np.nan)}), "not finite"),
        (save({"weights": np.ones(1), "means": np.ones((1, 3)), "variances": np.zeros((1, 3))}), "not above 0"),
        (save({"weights": np.ones(1), "means": np.ones((1, 2)), "covariances": -np.eye(2)[None]}), "positive"),
    ],
    ids=["empty", "zeros", "no_means", "shapes", "nan", "variance_0", "covariance"],
)
def test_what_is_no_mixture_is_told(tmp_path, content, said):
    (tmp_path / MODEL).write_bytes(content)
    with pytest.raises(InputError, match=f"{tmp_path / MODEL}: not a mixture of Gaussians .*{said}"):
        read_gmm(tmp_path)


def test_a_directory_without_one_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file; steps/gmm/train_ubm.sh"):
        read_gmm(tmp_path)
