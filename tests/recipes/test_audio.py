"""From audio to sampled speakers with the recipe alone: LibriSpeech, and a folder with a table."""

import csv
from pathlib import Path

import pytest

from tests.recipes.recipe import Recipe, write_conf
from utils.data_dir import DataDir, validate
from utils.tables import read_table

SMALL = "--set", 'split.allow_missing_groups=true,split.fractions="0.6,0.2,0.2"'


@pytest.fixture(scope="session")
def slice_of(librispeech_251: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every tenth speaker, by links."""
    librispeech = librispeech_251 / "LibriSpeech"
    root = tmp_path_factory.mktemp("slice") / "LibriSpeech"
    (root / "train-clean-100").mkdir(parents=True)
    (root / "SPEAKERS.TXT").symlink_to(librispeech / "SPEAKERS.TXT")
    for folder in sorted((librispeech / "train-clean-100").iterdir())[::10]:
        (root / "train-clean-100" / folder.name).symlink_to(folder)
    return root


@pytest.mark.timeout(400)
def test_librispeech(slice_of: Path, tmp_path: Path) -> None:
    conf = write_conf(tmp_path / "conf")
    recipe = Recipe(tmp_path / "it's", conf, "--corpus", "librispeech", "--data_dir", str(slice_of), *SMALL)
    recipe.run("--stop_stage", "5")
    data = DataDir(recipe.data / "all")
    assert validate(data.path, text=False, feats=False) == []
    assert len(set(data.utt2spk.values())) == 26 and len(data.utt2spk) > 150
    for attribute in ("gender", "pitch", "speaking_rate"):
        assert len(data.table(f"utt2{attribute}")) > 0.9 * len(data.utt2spk)
    samples = DataDir(recipe.exp / "samples/groups")
    assert samples.utt2spk and samples.table("xvector.scp").keys() == samples.utt2spk.keys()
    before = recipe.times()
    said = recipe.run("--stop_stage", "0", "--nj", "3")
    assert said.count("is up to date") >= 4
    assert {path for path, time in recipe.times().items() if before.get(path) != time} <= {"my exp/log"}


@pytest.mark.timeout(400)
def test_a_folder_of_which_nothing_is_known(slice_of: Path, tmp_path: Path) -> None:
    genders = {line.split("|")[0].strip(): line.split("|")[1].strip().lower() for line in
               (slice_of / "SPEAKERS.TXT").read_text().splitlines() if not line.startswith(";")}  # fmt: skip
    for path in sorted(slice_of.glob("*/*/*/*.flac"))[:12]:
        (tmp_path / "wavs" / path.stem.split("-")[0]).mkdir(parents=True)
        (tmp_path / "wavs" / path.stem.split("-")[0] / path.name).symlink_to(path)
    recipe = Recipe(
        tmp_path / "it", write_conf(tmp_path / "conf"), "--corpus", "folder", "--data_dir", str(tmp_path / "wavs")
    )
    recipe.run("--stop_stage", "0")
    data = DataDir(recipe.data / "all")
    judged = data.table("utt2gender")
    assert len(judged) >= 10 and len(data.table("utt2pitch")) == len(judged)
    assert all(gender[0] == genders[data.utt2spk[utterance]] for utterance, gender in judged.items())


@pytest.mark.timeout(400)
def test_a_folder_with_a_table_of_what_is_known(slice_of: Path, tmp_path: Path) -> None:
    tree, known = tmp_path / "my tree", tmp_path / "known.csv"
    genders = {line.split("|")[0].strip(): line.split("|")[1].strip() for line in
               (slice_of / "SPEAKERS.TXT").read_text().splitlines() if not line.startswith(";")}  # fmt: skip
    with known.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "gender", "pitch"])
        for number, path in enumerate(sorted(slice_of.glob("*/*/*/*.flac"))):
            speaker = path.stem.split("-")[0]
            (tree / speaker).mkdir(parents=True)
            (tree / speaker / f"take {number}.flac").symlink_to(path)
            table.writerow([f"{speaker}/take {number}.flac", genders[speaker] if number % 3 else "", ""])
    conf = write_conf(tmp_path / "conf")
    words = (
        "--corpus",
        "folder",
        "--data_dir",
        str(tree),
        "--labels",
        str(known),
        "--set",
        "prepare.segment_seconds=4,prepare.max_fail=0.02",
    )
    recipe = Recipe(tmp_path / "it", conf, *words, *SMALL)
    recipe.run("--stop_stage", "0")
    for made in (recipe.data / "audio", recipe.exp / "attributes"):  # two of the commands that have the option
        assert "max_fail: 0.02" in (made / "config.yaml").read_text().splitlines()
    data = DataDir(recipe.data / "all")
    told = data.table("utt2gender")
    assert len(told) > 0.9 * len(data.utt2spk)  # a third was judged by a classifier
    right = [
        told[utterance][0] == genders[speaker].lower()
        for utterance, speaker in data.utt2spk.items()
        if utterance in told
    ]
    assert sum(right) > 0.95 * len(right)
    assert "take_0" in next(iter(read_table(data.path / "segments").values())).split()[0]
