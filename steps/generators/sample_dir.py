"""The data directory of sampled speakers: what stands beside the archive and the provenance, which are written first.

Everything follows from the requests, so the bytes do not depend on the jobs.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steps.generators.blend import Blend
from steps.generators.manifold_generator import MappedMixture
from steps.generators.mixture import Mixture
from steps.generators.requests import SampleRequest
from steps.generators.sample_archive import ARK, Layout
from steps.generators.sample_means import SPEAKER_ARK, write_means
from steps.generators.sample_npz import NPZ, write_npz
from steps.generators.sample_tables import key_order, write_tables
from utils.json_files import json_text
from utils.script_files import path_in_script


def complete(
    target: Path,
    final: Path,
    layout: Layout,
    genders: np.ndarray,
    text_as_transcript: bool = False,
    npz: bool = False,
) -> int:
    """Write the tables into `target`, where the archive is; paths are as they will be in `final`.

    Args:
        genders: (N,) uint8, the letters m, f and UNKNOWN of all speakers, request after request.
    Returns:
        the number of speakers in spk2gender.
    """
    if layout.utts_per_speaker > 1:
        write_means(target / SPEAKER_ARK, target / ARK, layout)
    if npz:
        write_npz(target / NPZ, target / ARK, layout, key_order(layout.requests))
    return write_tables(target, layout, path_in_script(final / ARK, final), genders, text_as_transcript)


def write_parameters(
    target: Path, mixtures: list[Mixture | Blend | MappedMixture], requests: Sequence[SampleRequest]
) -> None:
    """Write the mixture of each text in the space of the embeddings, as `Mixture.original_space` names its parts.

    `mixtures.npz` holds the arrays `<text-id>/weights` and so on, `mixtures.json` the same numbers below `texts`.
    Texts share their bases: `basis` is a number n that stands for the array `bases/n`, or for the entry n of `bases`;
    where the components of a text stand in several frames, it is such a number for each (K,). Of samples on a surface
    (`manifold.py`) these are the parameters of the pre-activations, and `manifold` is how they are mapped.
    """
    surface = next((mixture.manifold for mixture in mixtures if isinstance(mixture, MappedMixture)), None)
    mixtures = [mixture.inner if isinstance(mixture, MappedMixture) else mixture for mixture in mixtures]
    frames = {id(frame): frame for mixture in mixtures for frame in mixture.frames}
    number = {identity: n for n, identity in enumerate(frames)}
    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, dict[str, Any]] = {}
    for request, mixture in zip(requests, mixtures, strict=True):
        own = np.array([number[id(frame)] for frame in mixture.frames])
        parameters = mixture.original_space() | {"basis": own if isinstance(mixture, Blend) else own[0]}
        arrays |= {f"{request.text_id}/{name}": array for name, array in parameters.items()}
        texts[request.text_id] = {"text": request.description} | {
            name: array.tolist() for name, array in parameters.items()
        }
        texts[request.text_id]["dof"] = None if math.isinf(mixture.dof) else mixture.dof
    bases = [frame.matrix for frame in frames.values()]
    np.savez_compressed(target / "mixtures.npz", **arrays, **{f"bases/{n}": basis for n, basis in enumerate(bases)})
    table = {"bases": [basis.tolist() for basis in bases], "texts": texts} | (
        {"manifold": surface.as_dict()} if surface else {}
    )
    text = json_text(table, target / "mixtures.json", ensure_ascii=False)
    (target / "mixtures.json").write_text(f"{text}\n", encoding="utf-8")
