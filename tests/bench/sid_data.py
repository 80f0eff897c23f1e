"""The data of the benchmark of speaker networks: pieces, perturbed audio, features, and the sets of each training.

All is made by the commands of the recipe. `home` is librispeech-251: of each speaker with 12 s the pieces 0 to 2 of 3 s
are for training, 3 for the test of the closed set. For the open set its speakers are dealt into five folds. Fold 0
tests the speakers that librispeech-sessions-14 has too, so that its systems may be tested on `sessions`. `ocean` is
speechocean762-250.

    features/<corpus>              with COPIES perturbed copies of each utterance
    features/<corpus>_perturbed    of audio that was perturbed with another seed
    sets/closed, sets/fold<k>, sets/ocean    train, dev, and what is tested; dev are copies of training utterances that
                                             training does not see, so that the test decides nothing
    sets/others/<corpus>                     whole corpora, to test systems that were trained on another one
"""

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.quality import run
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.errors import InputError

FOLDS = 5
COPIES = 16  # that training sees; one more is for dev
IN_BOTH = ("19", "26", "27")  # speakers of librispeech-251 who are in librispeech-sessions-14 too
TEST_SEED = 101  # of the perturbation of test audio; that of copies is another
CORPORA = ("home", "ocean", "sessions")
OTHERS = {"fold0": ("ocean", "sessions"), "ocean": ("home", "sessions")}  # training set -> corpora it is tested on
PIECE = re.compile(r".*-(\d{7})-(\d{7})")  # an id of steps.data.split_utterances: begin and end in centiseconds


def prepare(corpora: Path, work: Path) -> None:
    """Audio, clean and perturbed, of all three corpora."""
    from local.folder import main as folder
    from local.librispeech import main as librispeech
    from steps.audio.perturb import main as perturb
    from steps.data.split_utterances import main as split

    data, whole = work / "data", ["--segment_seconds", 0, "--with_chapters", "true"]
    run(librispeech, "--data_dir", corpora / "librispeech-251" / "LibriSpeech", "--out", data / "whole", *whole)
    pieces = ["--by", "segment", "--piece_seconds", 3, "--pieces", "train,train,train,test"]
    run(split, "--data", data / "whole", "--out", data / "pieces", *pieces, "--unsplittable", "leave_out")
    join(data / "home", [data / "pieces" / "train", data / "pieces" / "test"])
    run(
        librispeech,
        "--data_dir",
        corpora / "librispeech-sessions-14" / "LibriSpeech",
        "--out",
        data / "sessions",
        *whole,
    )
    ocean = corpora / "speechocean762-250"
    labels = ["--labels", ocean / "utterances.csv", "--segment_seconds", 0]
    run(folder, "--data_dir", ocean / "flac", "--out", data / "ocean_numbers", *labels)
    name_apart(data / "ocean_numbers", data / "ocean", "so")
    for name in CORPORA:
        run(perturb, "--data", data / name, "--out", data / f"{name}_perturbed", "--seed", TEST_SEED)


def name_apart(source: Path, out: Path, prefix: str) -> None:
    """A data directory with a prefix to all ids: both corpora have numbers as speakers, for different people."""
    tables = {
        name: {f"{prefix}{key}": value for key, value in table.items()}
        for name, table in DataDir(source).tables().items()
    }
    tables["utt2spk"] = {utterance: f"{prefix}{speaker}" for utterance, speaker in tables["utt2spk"].items()}
    replace(out, lambda path: write_data_dir(path, tables))


def join(out: Path, directories: Iterable[Path]) -> None:
    """One data directory of several."""
    tables: dict[str, dict[str, str]] = {}
    for directory in directories:
        for name, table in DataDir(directory).tables().items():
            tables.setdefault(name, {}).update(table)
    replace(out, lambda path: write_data_dir(path, tables))


def make_features(work: Path, make: Callable[..., None]) -> None:
    """Features of all corpora; of those that are trained on, with copies."""
    for name in CORPORA:
        copies = 0 if name == "sessions" else COPIES + 1
        make("steps/features/make_feats.sh", "--copies", copies, work / "data" / name, work / "features" / name)
        perturbed = f"{name}_perturbed"
        make("steps/features/make_feats.sh", work / "data" / perturbed, work / "features" / perturbed)


def folds_of(speakers: Iterable[str]) -> dict[str, int]:
    """Speaker -> fold; those of IN_BOTH are in fold 0, the others are dealt by a fixed seed."""
    names = sorted(set(speakers))
    shared = [name for name in names if name in IN_BOTH]
    others = np.random.default_rng(11).permutation([name for name in names if name not in IN_BOTH]).tolist()
    return {name: place * FOLDS // len(names) for place, name in enumerate([*shared, *others])}


def number_of(utterance: str) -> int:
    """Which piece of three seconds an utterance or its copy is."""
    found = PIECE.match(utterance)
    if found is None:
        raise InputError(f"{utterance}: expected the id of a piece")
    return int(found[1]) // 300


def make_sets(work: Path) -> None:
    """The sets of all trainings."""
    features, sets = work / "features", work / "sets"
    home, home_perturbed = features / "home", features / "home_perturbed"
    spoken = DataDir(home).utt2spk
    early = [one for one in spoken if number_of(one) < 3]
    late = [one for one in DataDir(home_perturbed).utt2spk if number_of(one) == 3]
    training_sets(sets / "closed", home, early)
    subset(home, sets / "closed" / "test", late)
    subset(home_perturbed, sets / "closed" / "test_perturbed", late)
    folds = folds_of(spoken.values())
    for fold in range(FOLDS):
        out = sets / f"fold{fold}"
        training_sets(out, home, [one for one, speaker in spoken.items() if folds[speaker] != fold])
        tested = [one for one, speaker in DataDir(home_perturbed).utt2spk.items() if folds[speaker] == fold]
        subset(home, out / "open", tested)
        subset(home_perturbed, out / "open_perturbed", tested)
    ocean = DataDir(features / "ocean").utt2spk
    training_sets(sets / "ocean", features / "ocean", list(ocean))
    for name in CORPORA:
        for one in (name, f"{name}_perturbed"):
            subset(features / one, sets / "others" / one, list(DataDir(features / f"{name}_perturbed").utt2spk))


def training_sets(out: Path, features: Path, utterances: list[str]) -> None:
    """train and dev in `out`: of these utterances and copies, the last copy of each is for dev."""
    last = f"-p{COPIES + 1}"
    subset(features, out / "train", [one for one in utterances if not one.endswith(last)])
    subset(features, out / "dev", [one for one in utterances if one.endswith(last)])


def subset(features: Path, out: Path, utterances: list[str]) -> None:
    """A directory of features with some utterances of another one; the archives stay where they are."""
    tables = restrict(DataDir(features).tables(), utterances)

    def write(path: Path) -> None:
        write_data_dir(path, tables)
        shutil.copyfile(features / "features.json", path / "features.json")

    replace(out, write)


def embeddings_of(source: Path, listed: Path, out: Path) -> None:
    """The embeddings of `source` that belong to utterances of `listed`."""
    wanted = DataDir(listed).utt2spk
    tables = restrict(DataDir(source).tables(), [one for one in DataDir(source).utt2spk if one in wanted])
    replace(out, lambda path: write_data_dir(path, tables))


def replace(out: Path, write: Callable[[Path], Any]) -> None:
    """Write a directory whole, and keep the one that is there if nothing has changed."""
    fresh = out.parent / f".{out.name}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write(fresh)
    if out.is_dir():
        names = {path.name for path in fresh.iterdir()} | {path.name for path in out.iterdir()}
        same = all(
            (fresh / name).is_file()
            and (out / name).is_file()
            and (fresh / name).read_bytes() == (out / name).read_bytes()
            for name in names
        )
        if same:
            shutil.rmtree(fresh)
            return
        shutil.rmtree(out)
    fresh.rename(out)
