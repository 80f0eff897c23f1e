"""Examples of the use of a directory of embeddings, to run, read and copy.

    . ./path.sh
    python3 -m steps.embed.example_usage --embeddings exp/librispeech/embed
    python3 -m steps.embed.example_usage --embeddings exp/librispeech/embed --speaker 103 --dataset librispeech -n 10

Prints (1) the speakers whose mean embeddings are nearest to one speaker's, (2) the cosines of pairs of utterances of
the same speaker beside those of different speakers, (3) the utterances of one dataset. Everything is read from the
script files and the JSON lists; two lines load the embeddings in a program of your own:

    from utils.archives import read_vectors
    keys, embeddings = read_vectors("exp/librispeech/embed/xvector.scp")  # N ids, (N, D) float32
"""

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from utils.archives import read_vectors
from utils.command import run_command
from utils.errors import InputError
from utils.json_files import read_objects
from utils.options import option
from utils.tables import read_table
from utils.vectors import unit_rows


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    embeddings: Path = option(help="directory of embeddings, as steps/embed/extract.sh writes it")
    speaker: str | None = option(None, "whose neighbours are shown; default: the first speaker")
    dataset: str | None = option(None, "the dataset that is searched; default: the first one")
    n: int = option(5, "how many neighbours, pairs and utterances are shown", short="-n", least=1, most=10**6)


def work(options: Options) -> None:
    """Print all examples."""
    directory = options.embeddings
    speakers = read_objects(directory / "speaker_list.json", ("id", "dataset"))
    speaker = options.speaker or speakers[0]["id"]
    print(f"Nearest to speaker {speaker}, of {len(speakers)}:")
    for name, cosine in nearest_speakers(directory, speaker, options.n):
        print(f"  {cosine:6.3f}  {name}")
    pairs = same_speaker_pairs(directory)
    print(f"\nPairs of neighbouring utterances of a speaker: {len(pairs)}")
    for first, second, cosine in pairs[: options.n]:
        print(f"  {cosine:6.3f}  {first} {second}")
    if pairs:
        print(f"  {np.mean([cosine for *_, cosine in pairs]):6.3f}  mean of all of them")
    print(f"  {mean_cosine_of_speakers(directory):6.3f}  mean of different speakers")
    dataset = options.dataset or speakers[0]["dataset"]
    found = search_dataset(directory, dataset)
    print(f"\nUtterances of the dataset {dataset}: {len(found)}")
    for entry in found[: options.n]:
        print(f"  {entry['id']}: speaker {entry['speaker']}, {entry['seconds']:.2f} s, {entry['path']}")


def nearest_speakers(directory: Path, speaker: str, n: int) -> list[tuple[str, float]]:
    """The `n` speakers nearest to one, with the cosines of their mean embeddings, nearest first."""
    names, means = read_vectors(directory / "spk_xvector.scp")  # S, (S, D)
    if speaker not in names:
        raise InputError(f"{directory / 'spk_xvector.scp'}: no speaker {speaker!r}; expected one such as {names[0]}")
    units = unit_rows(means)
    cosines = units @ units[names.index(speaker)]  # (S,)
    order = [row for row in np.argsort(-cosines, kind="stable") if names[row] != speaker]
    return [(names[row], float(cosines[row])) for row in order[:n]]


def same_speaker_pairs(directory: Path) -> list[tuple[str, str, float]]:
    """Neighbouring utterances of each speaker, with the cosines of their embeddings."""
    keys, embeddings = read_vectors(directory / "xvector.scp")  # N, (N, D)
    row = {key: number for number, key in enumerate(keys)}
    units = unit_rows(embeddings)
    pairs = [pair for line in read_table(directory / "spk2utt").values() for pair in pairwise(line.split())]
    return [(first, second, float(units[row[first]] @ units[row[second]])) for first, second in pairs]


def mean_cosine_of_speakers(directory: Path) -> float:
    """The mean cosine between the mean embeddings of two different speakers; nan where there is only one speaker."""
    names, means = read_vectors(directory / "spk_xvector.scp")
    units = unit_rows(means).astype(np.float64)
    n = len(names)  # the sum of all cosines is the square of the sum; n of them are of a speaker with itself
    return float((np.square(units.sum(axis=0)).sum() - n) / (n * (n - 1))) if n > 1 else float("nan")


def search_dataset(directory: Path, dataset: str) -> list[dict]:
    """The entries of all utterances of a dataset."""
    entries = read_objects(directory / "utterance_list.json", ("id", "dataset", "speaker", "path"), ("seconds",))
    found = [entry for entry in entries if entry["dataset"] == dataset]
    if not found:
        there = ", ".join(sorted({entry["dataset"] for entry in entries}))
        raise InputError(f"{directory / 'utterance_list.json'}: no dataset {dataset!r}; expected one of {there}")
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
