"""Directories of unit sequences for tests: six units, each of which mostly comes after one other."""

from pathlib import Path

import numpy as np

from steps.data.unit_sequences import UnitsInfo, UnitsWriter
from utils.data_dir import write_data_dir

N_UNITS = 6


def make_units(
    path: Path, speakers: str, n: int = 8, seed: int = 0, durations: bool = True, n_units: int = N_UNITS
) -> Path:
    """`n` sequences of 2 to 20 units of each speaker, whose names are letters."""
    rng, utt2spk = np.random.default_rng(seed), {}
    path.mkdir(parents=True)
    with UnitsWriter(path, path, UnitsInfo(n_units, 0.02, "tests"), durations) as writer:
        for speaker in speakers:
            for take in range(n):
                units = chain(rng, int(rng.integers(2, 21))) if n_units > 1 else np.zeros(1, np.int32)
                key = f"{speaker}-{take:02d}"
                writer.add(key, units, 1 + (units + take) % 3 if durations else None)
                utt2spk[key] = speaker
    write_data_dir(path, {"utt2spk": utt2spk, **writer.tables()})
    return path


def chain(rng: np.random.Generator, length: int) -> np.ndarray:
    """Units (length,), each of which is the one before plus 1, or now and then plus 2."""
    steps = 1 + (rng.random(length) < 0.2)
    return (np.cumsum(steps) % N_UNITS).astype(np.int32)
