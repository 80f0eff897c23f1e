"""Vectors for those who load numpy: `xvector.npz` with `ids` (N,), unicode, and `vectors` (N, D) float32; no pickles.

content = np.load("exp/demo/samples/deep/xvector.npz")
content["ids"], content["vectors"]      # rows in the order of xvector.scp
"""

import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from utils.archives import read_locations
from utils.script_files import Location, parse_location
from utils.tables import read_table

CHUNK = 4096  # rows in memory


def write_npz(file: Path, script: Path, archive: Path) -> None:
    """Write the vectors of a script file; those of its only archive are read from `archive`."""
    table = read_table(script)
    locations = [parse_location(text, str(script))._replace(path=str(archive)) for text in table.values()]
    with zipfile.ZipFile(file, "w") as target:
        with target.open(_entry("ids"), "w") as out:
            npy.write_array(out, np.array(list(table)), allow_pickle=False)
        with target.open(_entry("vectors"), "w", force_zip64=True) as out:
            for start in range(0, len(locations), CHUNK):
                rows = _read(locations[start : start + CHUNK])
                if not start:
                    header = {"descr": "<f4", "fortran_order": False, "shape": (len(locations), rows.shape[1])}
                    npy.write_array_header_1_0(out, header)
                out.write(rows.astype("<f4").tobytes())


def _entry(name: str) -> zipfile.ZipInfo:
    """A member of the file, whose bytes do not tell the time."""
    return zipfile.ZipInfo(f"{name}.npy")


def _read(locations: list[Location]) -> np.ndarray:
    return read_locations(locations, lambda row: str(locations[row]))
