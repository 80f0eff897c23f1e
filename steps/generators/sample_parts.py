"""What is drawn becomes files: the parts of the shards of several jobs, or archive and provenance at once.

    .<out>.parts/<identity>/xvector.ark        the archive; each job writes the stretches of its shards into it
    .<out>.parts/<identity>/part-000000.npz    start and stop (bytes) of the stretch of shard 0; head and tail: those
                                               bytes that are not in the archive yet; lines of provenance; genders

A part is written when its stretch is on disk. Until then the shard counts as missing, and is drawn again.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from steps.generators.provenance import PROVENANCE
from steps.generators.sample_archive import ARK, Edges, Layout, Stretch
from utils.behind import behind
from utils.errors import InputError
from utils.parts import Work, read_part, write_part


class Drawn(NamedTuple):
    """A chunk of n speakers with U utterances each.

    Attributes:
        row: of the request. first: number of the first utterance, from 0. x: (n U, D) float32.
        provenance: the lines. genders: (n,) uint8, the letters m, f and UNKNOWN.
    """

    row: int
    first: int
    x: np.ndarray
    provenance: bytes
    genders: np.ndarray


class Shard(NamedTuple):
    """A shard to be drawn.

    Attributes:
        number: from 0. start, stop: of its stretch of the archive, bytes. chunks: its samples.
    """

    number: int
    start: int
    stop: int
    chunks: Iterable[Drawn]


def write_samples(target: Path, layout: Layout, chunks: Iterable[Drawn]) -> np.ndarray:
    """Write archive and provenance of all samples into `target`. Returns the genders (N,) uint8 of the speakers."""
    genders = []
    with (target / ARK).open("wb") as archive, (target / PROVENANCE).open("wb") as provenance:
        for chunk in chunks:
            for records in layout.records(chunk.row, chunk.first, chunk.x):
                archive.write(records.data)
            provenance.write(chunk.provenance)
            genders.append(chunk.genders)
    return np.concatenate(genders)


def write_parts(table: Work, layout: Layout, shards: Iterable[Shard]) -> None:
    """Write the parts of some shards. One is drawn while the disk takes the one before."""
    with _opened(table.directory / ARK, layout) as archive, behind() as do:
        for shard in shards:
            part = _write_stretch(archive, layout, shard)
            do(_commit, archive, table.part(shard.number), part)


def _write_stretch(archive: BinaryIO, layout: Layout, shard: Shard) -> dict[str, np.ndarray]:
    """Write the records of a shard. Returns the arrays of its part."""
    stretch, provenance, genders = Stretch(archive, shard.start, shard.stop), [], []
    for chunk in shard.chunks:
        for records in layout.records(chunk.row, chunk.first, chunk.x):
            stretch.write(records)
        provenance.append(chunk.provenance)
        genders.append(chunk.genders)
    archive.flush()
    lines = np.frombuffer(b"".join(provenance), np.uint8)
    edges = {name: np.asarray(value) for name, value in stretch.edges()._asdict().items()}
    return {**edges, "provenance": lines, "genders": np.concatenate(genders)}


def _commit(archive: BinaryIO, path: Path, part: dict[str, np.ndarray]) -> None:
    os.fsync(archive.fileno())
    write_part(path, [], **part)


@contextmanager
def _opened(path: Path, layout: Layout) -> Iterator[BinaryIO]:
    """The archive of the parts, to be written. Raises InputError where it is not the one that the plan has made."""
    size = path.stat().st_size if path.is_file() else None
    if size != layout.size:
        raise InputError(
            f"{path}: {'missing' if size is None else f'{size} bytes, expected {layout.size}'}; run python3 -m"
            " steps.generators.plan_samples again, with --force true"
        )
    with open(path, "wb", opener=lambda name, _: os.open(name, os.O_WRONLY)) as archive:  # kept, and told by its name
        yield archive


def collect(table: Work, target: Path, layout: Layout) -> np.ndarray:
    """Make archive and provenance in `target` of all parts, which stay. Returns the genders (N,) uint8 of speakers.

    One part is read while the one before is written.
    """
    with (
        _opened(table.directory / ARK, layout) as archive,
        (target / PROVENANCE).open("wb") as provenance,
        behind() as do,
    ):
        genders = []
        for shard in range(table.n_shards):
            _, arrays = read_part(table.part(shard))
            Edges(int(arrays["start"]), int(arrays["stop"]), arrays["head"], arrays["tail"]).write(archive)
            do(provenance.write, arrays["provenance"].data)
            genders.append(arrays["genders"])
    _link(table.directory / ARK, target / ARK)
    return np.concatenate(genders)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no such names."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
