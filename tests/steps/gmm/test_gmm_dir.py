"""Mixtures come back from their directory as they went in, and files that are not whole are named."""

import numpy as np
import pytest

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.em import with_full_covariances
from steps.gmm.gmm_dir import MODEL, read_gmm, write_gmm
from utils.errors import InputError


@pytest.fixture
def gmm() -> DiagGmm:
    rng = np.random.default_rng(0)
    return DiagGmm(np.full(3, 1 / 3), rng.normal(size=(3, 2)), rng.uniform(0.1, 1, (3, 2)))


@pytest.mark.parametrize("full", [False, True], ids=["diag", "full"])
def test_a_mixture_comes_back(gmm, full, tmp_path):
    gmm = with_full_covariances(gmm) if full else gmm
    write_gmm(tmp_path, gmm)
    found = read_gmm(tmp_path)
    assert type(found) is type(gmm)
    assert all(np.array_equal(getattr(found, name), value) for name, value in vars(gmm).items())


@pytest.mark.parametrize("damage", ["cut", "absent", "negative"])
def test_what_is_not_whole_is_named(gmm, damage, tmp_path):
    if damage == "negative":
        object.__setattr__(gmm, "variances", -gmm.variances)
    if damage != "absent":
        write_gmm(tmp_path, gmm)
    if damage == "cut":
        (tmp_path / MODEL).write_bytes((tmp_path / MODEL).read_bytes()[:-9])
    with pytest.raises(InputError, match=MODEL):
        read_gmm(tmp_path)
