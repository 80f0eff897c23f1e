"""Kaldi's text form of mixtures with diagonal covariances, as `gmm-global-copy --binary=false` writes them.

    <DiagGMM>
    <GCONSTS>  [ ... ]
    <WEIGHTS>  [ ... ]
    <MEANS_INVVARS>  [
      ... ]
    <INV_VARS>  [
      ... ]
    </DiagGMM>

Numbers have the precision of Kaldi's own models, float32, and as many digits as it takes to read them back exactly:
what was read is written again as the same text.
"""

from pathlib import Path

import numpy as np

from steps.gmm.diag_gmm import DiagGmm
from utils.durable import write_whole
from utils.errors import InputError
from utils.tables import read_text

TOKENS = ("<GCONSTS>", "<WEIGHTS>", "<MEANS_INVVARS>", "<INV_VARS>")


def write_kaldi_text(path: Path, gmm: DiagGmm) -> None:
    """Write a mixture."""
    weights, inverse = gmm.weights.astype(np.float32), (1 / gmm.variances).astype(np.float32)
    shifted = (gmm.means / gmm.variances).astype(np.float32)
    parts = [_constants(weights.astype(float), shifted.astype(float), inverse.astype(float)), weights, shifted, inverse]
    lines = ["<DiagGMM>", *(f"{token}  {_bracketed(part)}" for token, part in zip(TOKENS, parts, strict=True))]
    write_whole(path, ("\n".join([*lines, "</DiagGMM>"]) + "\n").encode())


def _constants(weights: np.ndarray, shifted: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """What does not depend on the frame (C,), of means over variances and inverse variances (C, D)."""
    return np.log(weights) - 0.5 * (np.log(2 * np.pi) - np.log(inverse) + shifted**2 / inverse).sum(axis=1)


def _bracketed(values: np.ndarray) -> str:
    """A vector or a matrix in Kaldi's brackets."""
    if values.ndim == 1:
        return f"[ {_numerals(values)} ]"
    return "[\n  " + "\n  ".join(map(_numerals, values)) + " ]"


def _numerals(row: np.ndarray) -> str:
    return " ".join(map(str, row.astype(np.float32)))


def read_kaldi_text(path: Path) -> DiagGmm:
    """Read a mixture. Raises InputError where the file is not of this form."""
    words = read_text(path).split()
    if not words or words[0] != "<DiagGMM>" or words[-1] != "</DiagGMM>":
        raise InputError(
            f"{path}: expected <DiagGMM> ... </DiagGMM>; `gmm-global-copy --binary=false` writes this form"
        )
    found = {token: _numbers(words, token, path) for token in TOKENS if token in words}
    missing = [token for token in TOKENS[1:] if token not in found]
    if missing:
        raise InputError(f"{path}: {missing[0]} is missing")
    weights = found["<WEIGHTS>"]
    try:
        inverse = found["<INV_VARS>"].reshape(len(weights), -1)
        return DiagGmm(weights, found["<MEANS_INVVARS>"].reshape(inverse.shape) / inverse, 1 / inverse)
    except ValueError as error:
        raise InputError(f"{path}: not a mixture of {len(weights)} Gaussians: {error}") from error


def _numbers(words: list[str], token: str, path: Path) -> np.ndarray:
    """The numbers in the brackets behind a token."""
    first = words.index(token) + 2
    try:
        return np.array(words[first : words.index("]", first)], np.float64)
    except ValueError as error:
        raise InputError(f"{path}: {token}: expected numbers in brackets ({error})") from error
