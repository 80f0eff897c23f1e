"""A small corpus for tests of units and vocoders: babble of two speakers."""

from pathlib import Path

import numpy as np

from steps.units import compute, merge, plan
from tests.steps.audio.sounds import babble, write_sound
from utils.data_dir import write_data_dir


def write_speech(directory: Path, n: int = 6, seconds: float = 0.8) -> Path:
    """A data directory of n utterances, in a folder for each speaker."""
    wav = {}
    for number in range(n):
        speaker = f"s{number % 2}"
        path = directory / "wav" / speaker / f"take {number}.wav"
        wav[f"{speaker}-u{number}"] = str(write_sound(path, babble(number, seconds + 0.013 * number, 16000)))
    wav = dict(sorted(wav.items()))
    write_data_dir(directory / "data", {"wav.scp": wav, "utt2spk": {key: key[:2] for key in wav}})
    return directory / "data"


def encode(data: Path, model: Path, out: Path, *words: str, nj: int = 1) -> int:
    """Run the commands as encode.sh does. Returns the first status that is not 0."""
    given = [*words, "--data", str(data), "--model", str(model), "--out", str(out), "--nj", str(nj)]
    calls = [(plan, given), *((compute, [*given, "--job", str(job)]) for job in range(1, nj + 1)), (merge, given)]
    return next((status for module, line in calls if (status := module.main(line))), 0)


def random_frames(n: int, dim: int, seed: int = 0) -> np.ndarray:
    """Frames (n, dim) float32 with clusters."""
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(12, dim))
    return (centres[rng.integers(0, 12, n)] + rng.normal(size=(n, dim)) + 5).astype(np.float32)
