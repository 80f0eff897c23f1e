"""Vectors for those who load numpy: `xvector.npz` with `ids` (N,), unicode, and `vectors` (N, D) float32; no pickles.

content = np.load("exp/demo/samples/deep/xvector.npz")
content["ids"], content["vectors"]      # rows in the order of xvector.scp
np.char.rpartition(content["ids"], "-")[:, 0]  # their speakers, where these have several utterances
"""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from steps.generators.sample_archive import Layout
from steps.generators.sample_tables import Run

NPZ = "xvector.npz"
CHUNK = 4096  # rows in memory


def write_npz(file: Path, archive: Path, layout: Layout, order: Sequence[Run]) -> None:
    """Write the vectors of an archive, in the order of `order`."""
    each = layout.utts_per_speaker
    order = [Run(row, first * each, stop * each) for row, first, stop in order]
    n = sum(request.n for request in layout.requests) * each
    longest = max(len(request.prefix) for request in layout.requests) + 1 + layout.ends(0, 1).shape[1]
    with zipfile.ZipFile(file, "w") as target, archive.open("rb") as source:
        with target.open(_entry("ids"), "w", force_zip64=4 * longest * n > zipfile.ZIP64_LIMIT) as out:
            _write_header(out, f"<U{longest}", (n,))
            for row, first, stop in _blocks(order):
                ids = [f"{layout.requests[row].prefix}-{end.tobytes().decode()}" for end in layout.ends(first, stop)]
                out.write(np.array(ids, f"<U{longest}").tobytes())
        with target.open(_entry("vectors"), "w", force_zip64=True) as out:
            _write_header(out, "<f4", (n, layout.dim))
            for block in _blocks(order):
                out.write(layout.vectors(source, *block).tobytes())


def _blocks(order: Sequence[Run]) -> Iterator[Run]:
    for row, first, stop in order:
        for start in range(first, stop, CHUNK):
            yield Run(row, start, min(start + CHUNK, stop))


def _write_header(out, kind: str, shape: tuple[int, ...]) -> None:
    npy.write_array_header_1_0(out, {"descr": kind, "fortran_order": False, "shape": shape})


def _entry(name: str) -> zipfile.ZipInfo:
    """A member of the file, whose bytes do not tell the time."""
    return zipfile.ZipInfo(f"{name}.npy")
