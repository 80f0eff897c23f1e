"""Kaldi's text form of mixtures, as `gmm-global-copy --binary=false` and `fgmm-global-copy --binary=false` write them.

    <DiagGMM>                               <FullGMM>
    <GCONSTS>  [ ... ]                      <GCONSTS>  [ ... ]
    <WEIGHTS>  [ ... ]                      <WEIGHTS>  [ ... ]
    <MEANS_INVVARS>  [                      <MEANS_INVCOVARS>  [
      ... ]                                   ... ]
    <INV_VARS>  [                           <INV_COVARS> [
      ... ]                                 ...           a triangle a Gaussian: row i has i numbers
    </DiagGMM>                              ... ]
                                            </FullGMM>

Numbers have the precision of Kaldi's own models, float32, and as many digits as it takes to read them back exactly:
what was read of Gaussians with diagonal covariances is written again as the same text.
"""

from pathlib import Path

import numpy as np

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.full_gmm import FullGmm
from utils.durable import write_whole
from utils.errors import InputError
from utils.tables import read_text

DIAG_TOKENS = ("<DiagGMM>", "<GCONSTS>", "<WEIGHTS>", "<MEANS_INVVARS>", "<INV_VARS>", "</DiagGMM>")
FULL_TOKENS = ("<FullGMM>", "<GCONSTS>", "<WEIGHTS>", "<MEANS_INVCOVARS>", "<INV_COVARS>", "</FullGMM>")
HOW = "`gmm-global-copy --binary=false` or `fgmm-global-copy --binary=false` writes this form"


def write_kaldi_text(path: Path, gmm: DiagGmm | FullGmm) -> None:
    """Write a mixture."""
    is_diag = isinstance(gmm, DiagGmm)
    tokens = DIAG_TOKENS if is_diag else FULL_TOKENS
    if is_diag:
        inverse, shifted = 1 / gmm.variances, gmm.means / gmm.variances
    else:
        inverse = np.linalg.inv(gmm.covariances)
        shifted = np.einsum("cij,cj->ci", inverse, gmm.means)
    weights, shifted, inverse = (values.astype(np.float32) for values in (gmm.weights, shifted, inverse))
    constants = _constants(*(values.astype(float) for values in (weights, shifted, inverse)))
    lines = [tokens[0]]
    lines += [f"{token}  [ {_numerals(row)} ]" for token, row in zip(tokens[1:3], (constants, weights), strict=True)]
    lines += [f"{tokens[3]}  {_matrix(shifted)}"]
    lines += [f"{tokens[4]}  {_matrix(inverse)}" if is_diag else f"{tokens[4]} " + "\n".join(map(_triangle, inverse))]
    write_whole(path, ("\n".join([*lines, tokens[5]]) + "\n").encode())


def _constants(weights: np.ndarray, shifted: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """What does not depend on the frame (C,), of inverse covariances, and their products with means (C, D)."""
    if inverse.ndim == 2:
        log_determinants, squares = np.log(inverse).sum(axis=1), (shifted**2 / inverse).sum(axis=1)
    else:
        log_determinants = np.linalg.slogdet(inverse)[1]
        squares = (shifted * np.linalg.solve(inverse, shifted[:, :, None])[:, :, 0]).sum(axis=1)
    with np.errstate(divide="ignore"):  # components of weight 0
        return np.log(weights) - 0.5 * (shifted.shape[1] * np.log(2 * np.pi) - log_determinants + squares)


def _matrix(values: np.ndarray) -> str:
    return "[\n  " + "\n  ".join(map(_numerals, values)) + " ]"


def _triangle(values: np.ndarray) -> str:
    return "[\n" + "\n".join(_numerals(row[: number + 1]) for number, row in enumerate(values)) + " ]"


def _numerals(row: np.ndarray) -> str:
    return " ".join(map(str, row.astype(np.float32)))


def read_kaldi_text(path: Path) -> DiagGmm | FullGmm:
    """Read a mixture. Raises InputError where the file is not of this form."""
    with path.open("rb") as file:
        if file.read(2) == b"\0B":
            raise InputError(f"{path}: Kaldi's binary form; {HOW}")
    words = read_text(path).split()
    tokens = next((own for own in (DIAG_TOKENS, FULL_TOKENS) if words[:1] == [own[0]]), None)
    if tokens is None or words[-1] != tokens[-1]:
        raise InputError(f"{path}: expected <DiagGMM> ... </DiagGMM> or <FullGMM> ... </FullGMM>; {HOW}")
    missing = [token for token in tokens[2:5] if token not in words]
    if missing:
        raise InputError(f"{path}: {missing[0]} is missing; {HOW}")
    weights, shifted, *_ = (
        _numbers(words, words.index(token), path)[0] for token in (*tokens[2:4], tokens[1]) if token in words
    )
    try:
        shifted = shifted.reshape(len(weights), -1)
        if tokens is DIAG_TOKENS:
            inverse = _numbers(words, words.index(tokens[4]), path)[0].reshape(shifted.shape)
            return DiagGmm(weights, shifted / inverse, 1 / inverse)
        covariances = np.linalg.inv(_triangles(words, *shifted.shape, path))
        covariances = (covariances + covariances.transpose(0, 2, 1)) / 2
        return FullGmm(weights, np.einsum("cij,cj->ci", covariances, shifted), covariances)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a mixture of {len(weights)} Gaussians: {error}") from error


def _triangles(words: list[str], n_components: int, dim: int, path: Path) -> np.ndarray:
    """The inverse covariances (C, D, D) behind <INV_COVARS>, each in brackets of its own."""
    matrices, place = np.empty((n_components, dim, dim)), words.index(FULL_TOKENS[4])
    rows, columns = np.tril_indices(dim)
    for number in range(n_components):
        values, place = _numbers(words, place, path)
        matrices[number, rows, columns] = matrices[number, columns, rows] = values
    return matrices


def _numbers(words: list[str], place: int, path: Path) -> tuple[np.ndarray, int]:
    """The numbers in the brackets that open behind the word at `place`, and the place of their end."""
    try:
        if words[place + 1] != "[":
            raise ValueError(f"found {words[place + 1][:30]!r} in the place of the bracket")
        end = words.index("]", place + 2)
        return np.array(words[place + 2 : end], np.float64), end
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: {words[place]}: expected numbers in brackets ({error})") from error
