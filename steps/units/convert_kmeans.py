"""Take the centroids of a k-means of scikit-learn out of a file of joblib or pickle, without running what is in it.

Input: the file. Output: an .npz with the array `centroids` (K, D), which every command here reads.
"""

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.units.unrun_pickle import find_named, read_unrun
from utils.command import logger, run_command
from utils.durable import write_whole
from utils.errors import InputError, absence
from utils.options import option

log = logger(__name__)
CENTRES = "cluster_centers_"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.units.convert_kmeans"

    file: Path = option(help="of joblib or pickle")
    out: Path = option(help="file to write, .npz")


def work(options: Options) -> None:
    """Convert one file."""
    if not options.file.is_file():
        raise InputError(f"{options.file}: {absence(options.file, 'file')}")
    if options.out.suffix != ".npz":
        raise InputError(f"--out {options.out}: expected a name that ends in .npz")
    values = find_named(read_unrun(options.file), CENTRES)
    if values is None or values.ndim != 2:
        raise InputError(f"{options.file}: no array {CENTRES} of centroids in it; is it a KMeans of scikit-learn?")
    buffer = io.BytesIO()
    np.savez(buffer, centroids=values)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.out, buffer.getbuffer())
    log.info("%s: %d centroids of %d values", options.out, *values.shape)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
