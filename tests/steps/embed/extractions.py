"""Extractions for tests: a corpus of small files, the commands of the three stages, and what they leave."""

from pathlib import Path

import numpy as np

from steps.embed import extract, merge, plan
from tests.steps.audio.sounds import babble, write_sound

TELLING = "tests.steps.embed.networks_for_tests:Telling"
SMALL = ("--batch_seconds", "6", "--shard_seconds", "8")


def write_tree(root: Path, numbers: list[int] | range = range(24)) -> Path:
    """Two datasets with two speakers each; 0.5 to 4 s, one of 47 s."""
    lengths = np.random.default_rng(0).uniform(0.5, 4, 1000)
    for number in numbers:
        name = f"{'ab'[number % 2]}/{'st'[number // 2 % 2]}/u{number:02d}.{('flac', 'wav')[number % 3 == 0]}"
        write_sound(root / name, babble(number, 47 if number == 5 else lengths[number]))
    return root


def options(data: Path, out: Path, *more: str, backend: str = TELLING) -> list[str]:
    return ["--data", str(data), "--out", str(out), "--backend", backend, *SMALL, *more]


def run_all(data: Path, out: Path, *more: str, nj: int = 1, backend: str = TELLING) -> None:
    """Stages 1 and 2, in this process."""
    words = options(data, out, *more, "--nj", str(nj), backend=backend)
    assert plan.main(words) == 0
    for job in range(nj, 0, -1):
        assert extract.main([*words, "--job", str(job)]) == 0
    assert merge.main(words) == 0


def content(out: Path) -> dict[str, bytes]:
    """All files of a result but the record of the run, with its own path taken out."""
    files = {
        file.name: file.read_bytes().replace(str(out).encode(), b"OUT") for file in out.iterdir() if file.is_file()
    }
    del files["run_info.json"]
    return files


def parts(out: Path) -> list[Path]:
    return sorted(out.parent.glob(f".{out.name}.parts/*/*.npz"))
