"""Speed of vectors on disk: building and opening an index and writing archives, beside kaldiio."""

import os
from pathlib import Path

import kaldiio
import numpy as np

from steps.data import build_index
from steps.data.index import Index
from tests.bench.results import Row, target
from tests.bench.timing import spread, take_turns
from utils.archive_writer import ArchiveWriter

CHUNK = 10000


def measure_index(data: Path, directory: Path, rounds: int) -> list[Row]:
    """Build the index of the set `train` of `data`, and open it, in turn with kaldiio. Returns rows of a table."""
    scp, out = data / "train" / "xvector.scp", directory / "built"
    options = build_index.Options(data, out, sets=("train",), force=True)
    copy = directory / "copy"
    build = take_turns(
        {"ours": lambda: build_index.work(options), "kaldiio": lambda: copy_with_kaldiio(scp, copy)}, rounds
    )
    index = out / "train"
    opening = take_turns(
        {
            "open": lambda: Index.open(index),
            "matrix": lambda: Index.open(index).matrix(),
            "kaldiio": lambda: read_with_kaldiio(index / "xvector.scp"),
        },
        rounds,
    )
    built = np.median(build["kaldiio"] / build["ours"])
    mapped, whole = (np.median(opening["kaldiio"] / opening[name]) for name in ("open", "matrix"))
    return [
        ("index: read, check, count, write, s", spread(build["ours"], digits=2), ""),
        ("kaldiio: ReadHelper to WriteHelper, s", spread(build["kaldiio"], digits=2), ""),
        ("kaldiio / index", f"{built:.1f}", target(built, ">= 1")),
        ("Index.open, ms", spread(opening["open"], 1e3, 2), ""),
        ("Index.open and matrix(), ms", spread(opening["matrix"], 1e3), ""),
        ("kaldiio: load_scp_sequential into a matrix, ms", spread(opening["kaldiio"], 1e3), ""),
        ("kaldiio / open", f"{mapped:,.0f}", target(mapped, ">= 10")),
        ("kaldiio / open and matrix()", f"{whole:.0f}", ""),
    ]


def copy_with_kaldiio(scp: Path, out: Path) -> None:
    """Copy the vectors of a script file, one by one."""
    with kaldiio.WriteHelper(f"ark,scp:{out}.ark,{out}.scp") as writer, kaldiio.ReadHelper(f"scp:{scp}") as reader:
        for key, vector in reader:
            writer(key, vector)


def read_with_kaldiio(scp: Path) -> np.ndarray:
    """The vectors of a script file, (N, D)."""
    return np.stack([vector for _, vector in kaldiio.load_scp_sequential(str(scp))])


def measure_writing(directory: Path, where: str, n: int, dim: int, rounds: int) -> list[Row]:
    """Write n vectors with ours, with kaldiio and as bare bytes, in turn. Returns rows of a table."""
    chunk = np.random.default_rng(0).standard_normal((CHUNK, dim), dtype=np.float32)
    keys = [f"utterance-{number:07d}" for number in range(n)]
    ark, scp = directory / "written.ark", directory / "written.scp"

    def ours() -> None:
        with ArchiveWriter(ark, scp) as writer:
            for start in range(0, n, CHUNK):
                writer.write(keys[start : start + CHUNK], chunk[: n - start])

    def with_kaldiio() -> None:
        with kaldiio.WriteHelper(f"ark,scp:{ark},{scp}") as writer:
            for row, key in enumerate(keys):
                writer(key, chunk[row % CHUNK])

    def bare() -> None:
        with ark.open("wb") as file:
            for start in range(0, n, CHUNK):
                file.write(chunk[: n - start].data)

    def start_clean() -> None:
        ark.unlink(missing_ok=True)
        os.sync()

    seconds = take_turns({"ours": ours, "kaldiio": with_kaldiio, "bare": bare}, rounds, between=start_clean)
    ark.unlink()
    ratio = np.median(seconds["kaldiio"] / seconds["ours"])
    return [
        (f"ArchiveWriter, {n:,} x {dim} to {where}, s", spread(seconds["ours"]), ""),
        ("kaldiio: WriteHelper, s", spread(seconds["kaldiio"]), ""),
        ("the vectors as bare bytes, s", spread(seconds["bare"]), ""),
        ("kaldiio / ArchiveWriter", f"{ratio:.1f}", target(ratio, ">= 3")),
    ]
