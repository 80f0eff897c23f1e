"""The file halves.json: figures of random halves of the speakers, which two systems are compared by, in pairs.

Two scores can be paired where the real speakers (a digest of names and vectors), the seed and the number of halves are
the same: the halves of the real sets are then, too.
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from steps.metrics.speaker_vectors import SpeakerVectors
from steps.score.measured import SampleSource
from utils.json_files import read_json, write_json

FILE = "halves.json"


def write_halves(
    directory: Path, sources: Mapping[str, SampleSource], measured: Mapping[str, Mapping[str, Any]], n_halves: int
) -> None:
    """Write the halves of all sources."""
    write_json(
        directory / FILE,
        {
            name: {
                "real": [digest(one.comparison.train), digest(one.comparison.test)],
                "seed": one.comparison.seed,
                "n_halves": n_halves,
                "figures": measured[name]["halves"],
            }
            for name, one in sources.items()
        },
    )


def read_halves(directory: Path, name: str) -> dict[str, Any]:
    """What `write_halves` wrote of a source; figures are empty where there are none."""
    path = directory / FILE
    none = {"real": None, "seed": None, "n_halves": None, "figures": {}}
    return read_json(path, (name,))[name] if path.is_file() else none


def digest(vectors: SpeakerVectors) -> str:
    """Tells sets of embeddings apart, whatever the order of their rows."""
    total = 0
    for speaker, row in zip(vectors.speakers.tolist(), np.ascontiguousarray(vectors.x, np.float32), strict=True):
        total += int.from_bytes(blake2b(b"%d " % speaker + row.tobytes(), digest_size=16).digest(), "big")
    return f"{total % 2**128:032x}"
