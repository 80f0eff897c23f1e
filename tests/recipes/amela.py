"""The recipe from recordings to units and speech again on twelve short files, with small models."""

import re
import subprocess
from pathlib import Path

from tests.recipes.recipe import ROOT, Recipe, start_run
from tests.steps.audio.sounds import babble, write_sound

DIRECTORY = ROOT / "egs" / "amela" / "v1"
SMALL = {
    "vad.shard_seconds": "5",  # four shards
    "asr.shard_seconds": "5",
    "asr.grammar": str(ROOT / "conf" / "asr" / "digits.jsgf"),
    "kmeans.units": "8",
    "kmeans.passes": "2",
    "units.shard_seconds": "5",
    "speak.iterations": "2",
    "lstm.epochs": "6",
    "lstm.hidden": "8",
    "lstm.embedding": "8",
    "lstm.layers": "1",
    "sample.n": "2",
    "sample.max_units": "60",
    "report.clips": "2",
}
NAMES = [f"{who}/{number}.wav" for who in ("anna", "bert", "carl") for number in range(1, 5)]  # equal in each folder


class Amela(Recipe):
    """`./run.sh` with --data and --exp below `folder`, in paths with blanks."""

    def __init__(self, folder: Path, *words: str, small: dict[str, str] = SMALL):
        self.folder, self.data, self.exp = folder, folder / "my data", folder / "my exp"
        folder.mkdir(exist_ok=True)
        settings = ",".join(f'{key}="{value}"' for key, value in small.items())
        self.words = [
            "./run.sh", "--models", "lstm,bigram", "--nj", "1", *words, "--data", str(self.data),
            "--exp", str(self.exp), "--use_gpu", "false", "--set", settings,
        ]  # fmt: skip

    def start(self, *more: str) -> subprocess.Popen:
        return start_run([*self.words, *more], DIRECTORY)

    def files(self) -> list[Path]:
        return [path for path in super().files() if not {"log", "q"} & set(path.parts) and path.is_file()]

    def content(self, path: Path) -> bytes:
        """Without the identity of audio: in it a file counts with its time, which is another in each run."""
        found = super().content(path)
        return re.sub(rb"(?m)^identity: [0-9a-f]{16}\n", b"", found) if path.name == "config.yaml" else found


def recordings(folder: Path, names: list[str]) -> Path:
    """Write a second and a half of noise like speech, another one under each name. Returns the folder."""
    for number, name in enumerate(names):
        write_sound(folder / name, babble(number, 1.5))
    return folder
