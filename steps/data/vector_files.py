"""The vectors of a directory as anyone has written them, for commands that need no data directory of a stage.

    files = find_vectors(Path("their/samples"))    # [their/samples/xvector.scp]
    ids, x = read_vector_files(files)              # (N), (N, D) float32

The first of these that there is: `xvector.scp`; other script files, such as `embedding.scp` or the parts
`xvector.1.scp ...`; archives without a script file; numpy files, see `array_vectors`; `spk_xvector.scp`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from steps.data.array_vectors import SUFFIXES, read_any_array
from steps.data.vector_table import SCRIPT, VectorTable
from utils.archives import read_locations, read_vectors, scan_archive
from utils.errors import InputError
from utils.script_files import Location

MEANS = "spk_xvector.scp"  # of each speaker a mean
OTHERS = (
    "wav",
    "feats",
    "vad",
    "cmvn",
    "segments",
    "num_utts",
    "num_frames",
    "spk_xvector",
)  # what script files are of, too
ARCHIVES = (".ark", ".ark.gz")


def find_vectors(directory: Path) -> list[Path]:
    """The files that have the vectors of a directory. Raises InputError where there are none."""
    script = directory / SCRIPT
    if script.is_file():
        return [script]
    if not directory.is_dir():
        what = (
            "a file; give the directory that it is in" if directory.is_file() else "no such directory; correct the path"
        )
        raise InputError(f"{directory}: {what}")
    files = sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))
    of_vectors = [path for path in files if path.name.partition(".")[0] not in OTHERS]
    for suffixes in ((".scp",), ARCHIVES, SUFFIXES):
        if found := [path for path in of_vectors if path.name.endswith(suffixes)]:
            return found
    if (directory / MEANS).is_file():
        return [directory / MEANS]
    told = f"; it has {', '.join(path.name for path in files[:5])}{' ...' if len(files) > 5 else ''}" if files else ""
    raise InputError(
        f"{script}: no such file{told}; vectors are read from it, lines 'id archive:offset', or from another script"
        f" file, archives ({' '.join(ARCHIVES)}) or numpy files ({' '.join(SUFFIXES)}) in this directory"
    )


def read_vector_files(files: Sequence[Path]) -> tuple[list[str], np.ndarray]:
    """Ids (N) and vectors (N, D) float32 of all files. Raises InputError where an id comes twice or D differs."""
    read = [(file, *_read(file)) for file in files]
    found = [one for one in read if one[1]] or read[:1]
    first: dict[str, Path] = {}
    for file, ids, x in found:
        for name in ids:
            if name in first:
                raise InputError(f"{file}: {name}: comes twice, first in {first[name]}; leave one of the two")
            first[name] = file
        if x.shape[1] != found[0][2].shape[1]:
            raise InputError(
                f"{file}: vectors of dimension {x.shape[1]}, expected {found[0][2].shape[1]} as {found[0][0].name} has;"
                " leave the files of one network in the directory"
            )
    return [*first], np.concatenate([x for *_, x in found])


def files_behind(files: Sequence[Path]) -> list[Path]:
    """The files, and the archives that script files name: all that decides the vectors."""
    scripts = [file for file in files if file.suffix == ".scp"]
    return [*files, *(archive for script in scripts for archive in VectorTable.locate(script).archives)]


def _read(file: Path) -> tuple[list[str], np.ndarray]:
    if file.suffix == ".scp":
        return read_vectors(file)
    if file.name.endswith(ARCHIVES):
        found = list(scan_archive(file))
        ids = [key for key, _ in found]
        return ids, read_locations([Location(str(file), at) for _, at in found], lambda row: f"{file}: {ids[row]}")
    ids, x = read_any_array(file)
    with np.errstate(over="ignore"):
        return ids, np.asarray(x, np.float32)
