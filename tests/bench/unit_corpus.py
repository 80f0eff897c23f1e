"""Unit sequences of the benchmarks of language models: drawn ones, and those of all audio of the data folders."""

import csv
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.data.unit_sequences import UnitsInfo, UnitsWriter
from steps.unit_lm.split import sets_of_speakers
from utils.data_dir import write_data_dir
from utils.errors import InputError

MEAN, SIGMA, LONGEST = 255, 0.6, 1500  # of the lengths of drawn sequences
FRACTIONS, SEED = (0.8, 0.1, 0.1), 0
TABLES = {  # folder -> its table of utterances, with their columns of path and speaker
    "arabic-digits-30": ("utterances.csv", "path", "speaker"),
    "speechocean762-250": ("utterances.csv", "path", "speaker"),
}
DIGITS = ("arabic-digits-30", "fsdd")


class Recording(NamedTuple):
    """A file, with the id and the speaker that it gets, and its folder."""

    id: str
    speaker: str
    path: Path
    folder: str


def write_drawn(path: Path, n: int, n_units: int) -> None:
    """`n` sequences of random units, of lognormal length with the mean MEAN, in a directory."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(MEAN) - SIGMA**2 / 2, SIGMA, n).astype(int), 1, LONGEST)
    path.mkdir(parents=True)
    with UnitsWriter(path, path, UnitsInfo(n_units, 0.02, "drawn"), durations=False) as writer:
        for number, length in enumerate(lengths):
            steps = rng.integers(1, n_units, length)  # no unit follows itself
            writer.add(f"drawn-{number:06d}", (np.cumsum(steps) % n_units).astype(np.int32))
    utt2spk = {f"drawn-{number:06d}": "drawn" for number in range(n)}
    write_data_dir(path, {"utt2spk": utt2spk, **writer.tables()})


def recordings(folders: Path) -> Iterator[Recording]:
    """All audio below the data folders; speakers of LibriSpeech are the same in both of its folders."""
    for path in sorted((folders / "fsdd" / "flac").glob("*.flac")):
        digit, name, take = path.stem.split("_")
        yield Recording(f"fsdd_{name}-{digit}_{take}", f"fsdd_{name}", path, "fsdd")
    for folder, (name, path_column, speaker_column) in TABLES.items():
        with (folders / folder / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                speaker = f"{folder.partition('-')[0]}_{row[speaker_column]}"
                path = folders / folder / row[path_column]
                yield Recording(f"{speaker}-{path.stem}", speaker, path, folder)
    for folder in ("librispeech-251", "librispeech-sessions-14"):
        for path in sorted((folders / folder).rglob("*.flac")):
            speaker = f"libri_{path.stem.partition('-')[0]}"
            yield Recording(f"{speaker}-{path.stem}", speaker, path, folder)


def make_units(folders: Path, directory: Path, nj: int) -> dict[str, Path]:
    """Units of all audio, of k-means of the cepstra of training speakers: by the name of the set, a directory.

    The sets are train, dev, test, and digits, the spoken digits of test.
    """
    if not (folders / "fsdd").is_dir():
        raise InputError(f"{folders}: set PSEUDOSPEAKERS_DATA to the directory that has fsdd and the others")
    found = {one.id: one for one in recordings(folders)}
    set_of = sets_of_speakers(sorted({one.speaker for one in found.values()}), FRACTIONS, SEED)
    sets: dict[str, list[Recording]] = {"train": [], "dev": [], "test": [], "digits": []}
    for one in found.values():
        sets[set_of[one.speaker]].append(one)
    sets["digits"] = [one for one in sets["test"] if one.folder in DIGITS]
    for name, own in sets.items():
        tables = {"utt2spk": {one.id: one.speaker for one in own}, "wav.scp": {one.id: str(one.path) for one in own}}
        write_data_dir(directory / "data" / name, {key: dict(sorted(rows.items())) for key, rows in tables.items()})
    data, model = directory / "data", directory / "kmeans"
    subprocess.run(["steps/units/train.sh", "--nj", str(nj), str(data / "train"), str(model)], check=True)
    for name in sets:
        words = ["steps/units/encode.sh", "--nj", str(nj), "--model", str(model)]
        subprocess.run([*words, str(data / name), str(directory / "units" / name)], check=True)
    return {name: directory / "units" / name for name in sets}
