"""Kaldi's text form: a case by hand, read back exactly, and Kaldi's own programs where they are installed."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from steps.gmm import copy
from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.full_gmm import FullGmm
from steps.gmm.gmm_dir import read_gmm
from steps.gmm.kaldi_text import read_kaldi_text, write_kaldi_text
from steps.gmm.statistics import FrameScorer
from utils.archive_writer import ArchiveWriter
from utils.archives import ArchiveReader
from utils.errors import InputError

# as Kaldi lays them out: weights .25 and .75; means (1, -2) and (0, 4)
DIAG = """<DiagGMM> 
<GCONSTS>  [ -5.224171 -33.43241 ]
<WEIGHTS>  [ 0.25 0.75 ]
<MEANS_INVVARS>  [
  2 -1 
  0 16 ]
<INV_VARS>  [
  2 0.5 
  1 4 ]
</DiagGMM> 
"""  # noqa: W291
FULL = """<FullGMM> 
<GCONSTS>  [ -6.646836 -33.43241 ]
<WEIGHTS>  [ 0.25 0.75 ]
<MEANS_INVCOVARS>  [
  1.142857 -2.571429 
  0 16 ]
<INV_COVARS> [
0.5714286 
-0.2857143 1.142857 ]
[
1 
0 4 ]
</FullGMM> 
"""  # noqa: W291
COVARIANCES = np.array([[[2, 0.5], [0.5, 1]], [[1, 0], [0, 0.25]]])
MEANS = np.array([[1.0, -2.0], [0.0, 4.0]])


def constants(path: Path) -> np.ndarray:
    words = path.read_text().split()
    first = words.index("<GCONSTS>") + 2
    return np.array(words[first : words.index("]")], float)


@pytest.mark.parametrize("text", [DIAG, FULL], ids=["diag", "full"])
def test_a_case_by_hand(tmp_path, text):
    (tmp_path / "kaldi").write_text(text)
    gmm = read_kaldi_text(tmp_path / "kaldi")
    np.testing.assert_allclose(gmm.means, MEANS, atol=2e-6)
    if isinstance(gmm, DiagGmm):
        np.testing.assert_array_equal(gmm.variances, [[0.5, 2], [1, 0.25]])
    else:
        np.testing.assert_allclose(gmm.covariances, COVARIANCES, atol=1e-6)
    write_kaldi_text(tmp_path / "ours", gmm)
    np.testing.assert_allclose(constants(tmp_path / "ours"), constants(tmp_path / "kaldi"), rtol=1e-6)
    again = read_kaldi_text(tmp_path / "ours")
    np.testing.assert_array_equal(again.weights, gmm.weights)
    np.testing.assert_allclose(again.means, gmm.means, atol=1e-6)


def mixture(full: bool) -> DiagGmm | FullGmm:
    rng = np.random.default_rng(0)
    weights, means = rng.dirichlet(np.ones(5)), 10 * rng.normal(size=(5, 6))
    if not full:
        return DiagGmm(weights, means, rng.uniform(1e-3, 30, (5, 6)))
    roots = rng.normal(size=(5, 6, 20))
    return FullGmm(weights, means, roots @ roots.transpose(0, 2, 1))


@pytest.mark.parametrize("full", [False, True], ids=["diag", "full"])
def test_what_was_read_is_written_again(tmp_path, full):
    gmm = mixture(full)
    write_kaldi_text(tmp_path / "a", gmm)
    assert copy.main(["--gmm", str(tmp_path / "a"), "--out", str(tmp_path / "copy")]) == 0
    name = "final.ubm" if full else "final.dubm"
    again, numbers = (tmp_path / "copy" / name).read_text().split(), (tmp_path / "a").read_text().split()
    differ = [pair for pair in zip(again, numbers, strict=True) if pair[0] != pair[1]]
    assert not differ or full and all(float(a) == pytest.approx(float(b), rel=3e-7) for a, b in differ)
    x = gmm.means.astype(np.float32)
    found = FrameScorer(read_gmm(tmp_path / "copy")).log_likelihoods(x)
    np.testing.assert_allclose(found, FrameScorer(gmm).log_likelihoods(x), atol=1e-4)


@pytest.mark.parametrize("text", [DIAG, FULL], ids=["diag", "full"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("<WEIGHTS>", "<WEIGHT>"),
        lambda text: text.replace("0.25 0.75", "0.25 0.x5"),
        lambda text: text.replace("0.25 0.75", "0.25 0.25 0.5"),
        lambda text: text.replace("0.25 0.75", "0.25 0.25"),
        lambda text: text.replace("0 16", "nan 16"),
        lambda text: text.replace("0 16", "0 16 3"),
        lambda text: text.replace("4 ]", "-4 ]"),
        lambda text: text.replace("4 ]", "4 5 ]"),
        lambda text: text.replace("4 ]", ""),
        lambda text: "\0B" + text,
        lambda text: "",
    ],
    ids=["half", "token", "word", "more", "sum", "nan", "wide", "negative", "long", "open", "binary", "empty"],
)
def test_what_is_no_mixture_is_told(tmp_path, text, damage, capsys):
    (tmp_path / "kaldi").write_text(damage(text))
    with pytest.raises(InputError, match=f"{tmp_path / 'kaldi'}: "):
        read_kaldi_text(tmp_path / "kaldi")
    assert copy.main(["--gmm", str(tmp_path / "kaldi"), "--out", str(tmp_path / "copy")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1 and not (tmp_path / "copy").exists()


@pytest.mark.parametrize(("full", "prefix"), [(False, "gmm"), (True, "fgmm")], ids=["diag", "full"])
def test_kaldis_programs_read_it_and_find_the_same_likelihoods(tmp_path, full, prefix):
    programs = f"{prefix}-global-copy", f"{prefix}-global-get-frame-likes"
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"Kaldi's {missing[0]} is not on PATH")
    gmm = mixture(full)
    write_kaldi_text(tmp_path / "ours", gmm)
    subprocess.run([programs[0], "--binary=false", tmp_path / "ours", tmp_path / "theirs"], check=True)
    np.testing.assert_allclose(read_kaldi_text(tmp_path / "theirs").means, gmm.means, rtol=1e-5)
    x = gmm.means.astype(np.float32)
    with ArchiveWriter(tmp_path / "x.ark", tmp_path / "x.scp") as writer:
        writer.add("a", x)
    likes = f"ark,scp:{tmp_path}/likes.ark,{tmp_path}/likes.scp"
    subprocess.run([programs[1], tmp_path / "ours", f"scp:{tmp_path}/x.scp", likes], check=True)
    found = ArchiveReader(tmp_path / "likes.scp")["a"]
    np.testing.assert_allclose(FrameScorer(gmm).log_likelihoods(x), found, atol=1e-4)
