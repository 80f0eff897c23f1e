"""Directories that nobody of this house has written: other files of vectors, other tables of attributes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steps.score.directories import known_of
from steps.score.vector_sets import read_real, read_sampled
from tests.steps.score.test_directories import run, write_directory
from utils.tables import read_table, write_table

WORDS = ("--n_heard", "0", "--attributes", "gender,pitch")
GENDERS = {"female": "f", "male": "m"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real speakers, told by utt2gender and spk2pitch in train, spk2gender and utt2pitch in test."""
    root = tmp_path_factory.mktemp("foreign")
    for seed, (name, n) in enumerate({"train": 60, "test": 40}.items()):
        directory = write_directory(root / name, n, 2, seed=seed, groups=True)
        genders, speakers = read_table(directory / "utt2group"), read_table(directory / "utt2spk")
        pitches = {
            speaker: ("low", "high")[place // 2 % 2] for place, speaker in enumerate(sorted({*speakers.values()}))
        }
        (directory / "utt2group").unlink()
        if name == "train":
            write_table(directory / "utt2gender", genders)
            write_table(directory / "spk2pitch", pitches)
        else:
            write_table(directory / "spk2gender", {speakers[one]: GENDERS[word] for one, word in genders.items()})
            write_table(directory / "utt2pitch", {one: pitches[speaker] for one, speaker in speakers.items()})
    return root


def scored(
    real: Path, samples: Path, out: Path, metrics: str = "distances,groups,heard_mix", halves: str = "3"
) -> dict[str, Any]:
    assert run(real, "", out, *WORDS, metrics=metrics, n_halves=halves, samples=str(samples)) == 0
    return json.loads((out / "scores.json").read_text())["models"][samples.name]


def arrays_of(directory: Path, most: int = 1000) -> tuple[list[str], np.ndarray]:
    from utils.archives import read_vectors

    ids, x = read_vectors(directory / "xvector.scp")
    return ids[:most], x[:most]


def test_attributes_of_tables_are_compared(real: Path, tmp_path: Path):
    theirs = write_directory(tmp_path / "theirs", 64, 2, seed=5, groups=True, name="new")
    genders = read_table(theirs / "utt2group")
    (theirs / "utt2group").unlink()
    write_table(theirs / "utt2gender", {one: word[0].upper() for one, word in genders.items()})
    write_table(theirs / "utt2pitch", {one: ("low", "high")[place // 4 % 2] for place, one in enumerate(genders)})
    found = scored(real, theirs, tmp_path / "out", "groups,attributes")
    assert found["measured"]["attributes.gender"]["value"] > 0.9 and "attributes.pitch" in found["measured"]
    assert found["measured"]["groups.absent"]["value"] == 0
    (theirs / "utt2pitch").unlink()  # what one set does not know is not compared, the rest is
    names = ("gender", "pitch")
    sets = [read_sampled(theirs, names), *(read_real(real / name, names) for name in ("train", "test"))]
    assert known_of(sets, names) == ("gender",) and known_of(sets[1:], names) == names


def test_numpy_files_without_anything_else(real: Path, tmp_path: Path):
    ids, x = arrays_of(write_directory(tmp_path / "made", 64, seed=5, name="new"))
    for name in ("arrays", "same"):
        (tmp_path / name).mkdir()
    np.savez(tmp_path / "arrays" / "vectors.npz", ids=np.array(ids), x=x.astype(np.float64))
    np.save(tmp_path / "same" / "vectors.npy", x)
    found = [scored(real, tmp_path / name, tmp_path / f"{name}_out") for name in ("arrays", "same")]
    assert found[0] == found[1]
    assert (
        "the groups of samples are not known" in found[0]["skipped"]["groups"] and "heard_mix" in found[0]["measured"]
    )


def test_real_speakers_in_an_archive_and_their_table(real: Path, tmp_path: Path):
    theirs = write_directory(tmp_path / "theirs", 30, seed=5, name="new")
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        for file in ("xvector.ark", "utt2spk"):
            (tmp_path / name / file).write_bytes((real / name / file).read_bytes())
    assert scored(real, theirs, tmp_path / "one", "distances") == scored(
        tmp_path, theirs, tmp_path / "two", "distances"
    )
    write_table(tmp_path / "test" / "utt2spk", {"nobody-1": "nobody"})
    assert run(tmp_path, "theirs", tmp_path / "three", *WORDS, metrics="distances") == 1


def test_a_missing_group_is_seen(real: Path, tmp_path: Path):
    theirs = write_directory(tmp_path / "theirs", 64, seed=5, groups=True, name="new")
    table = read_table(theirs / "utt2group")
    for name in ("xvector.scp", "utt2spk", "utt2group"):
        kept = {one: value for one, value in read_table(theirs / name).items() if table[one] == "female"}
        write_table(theirs / name, kept)
    (theirs / "utt2group").rename(theirs / "utt2gender")
    found = scored(real, theirs, tmp_path / "out", halves="12")["measured"]
    assert found["groups.absent"]["value"] == pytest.approx(0.5) and not found["groups.absent"]["as_real"]
    assert found["groups.absent"]["real"] == 0
    assert found["heard_mix"]["value"] > 3 * found["heard_mix"]["real"]
