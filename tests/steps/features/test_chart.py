"""Charts of the data: figures are those of the arrays, copies and limits count as they should."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from steps.features import chart
from steps.features.set_statistics import BandStatistics
from utils.archive_writer import ArchiveWriter
from utils.data_dir import write_data_dir

FEATURES = {"type": "logmel", "options": {}, "dim": 5, "frames_per_second": 100.0}


def write_feats(path: Path, lengths: dict[str, int], copies: int = 0, seed: int = 0) -> dict[str, np.ndarray]:
    """A directory of features of utterances `<speaker>-...` of these lengths; copies are far louder."""
    path.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    own = {key: rng.normal(100.0, 2.0, (frames, 5)).astype(np.float32) for key, frames in lengths.items()}
    every = own | {f"{key}-p{n}": value + 1000 for key, value in own.items() for n in range(1, copies + 1)}
    with ArchiveWriter(path / "feats.ark", path / "feats.scp") as writer:
        for key, value in every.items():
            writer.add(key, value)
    tables = {"utt2spk": {key: key.split("-")[0] for key in every}}
    tables["utt2num_frames"] = {key: str(len(value)) for key, value in every.items()}
    tables["utt2uniq"] = {key: key.partition("-p")[0] for key in every}
    tables["spk2gender"] = {speaker: "f" if speaker < "s3" else "m" for speaker in tables["utt2spk"].values()}
    write_data_dir(path, tables)
    (path / "features.json").write_text(json.dumps(FEATURES))
    return own


def run(out: Path, *words: str) -> int:
    """Run the command."""
    return chart.main(["--out", str(out), *words])


def rows(path: Path) -> list[list[str]]:
    """The cells of a table without its header."""
    return [line.split("\t") for line in path.read_text().splitlines()[1:]]


def test_figures_are_those_of_the_utterances_alone(tmp_path):
    lengths = {"s1-a": 300, "s1-b": 500, "s2-a": 4000, "s3-a": 120}
    own = np.concatenate(list(write_feats(tmp_path / "feats" / "train", lengths, copies=3).values()))
    write_feats(tmp_path / "feats" / "test", {"s9-a": 200}, seed=1)
    both = f"{tmp_path / 'feats' / 'train'},{tmp_path / 'feats' / 'test'}"
    words = ("--feats", both, "--long_seconds", "20", "--rare_utterances", "2", "--rare_seconds", "1")
    assert run(tmp_path / "charts", *words) == 0
    found = json.loads((tmp_path / "charts" / "charts.json").read_text())
    train = found["train"]
    assert (train["utterances"], train["copies_not_counted"], train["frames"], train["seconds"]) == (4, 12, 4920, 49.2)
    expected = {"min": own.min(0), "mean": own.mean(0, np.float64), "deviation": own.std(0, dtype=np.float64)}
    for name, values in (expected | {"max": own.max(0)}).items():
        np.testing.assert_allclose(train["bands"][name], values, rtol=1e-5)
    assert train["sexes"]["f"] == {"speakers": 2, "utterances": 3, "seconds": 48.0}
    assert sum(train["lengths"]["utterances"]) == 4 and sum(found["test"]["lengths"]["utterances"]) == 1
    assert rows(tmp_path / "charts" / "long_utterances.tsv") == [["train", "s2-a", "40.000"]]
    assert [row[:2] for row in rows(tmp_path / "charts" / "rare_speakers.tsv")] == [
        ["train", "s2"],
        ["train", "s3"],
        ["test", "s9"],
    ]
    assert rows(tmp_path / "charts" / "speakers.tsv")[0] == ["train", "s1", "f", "2", "8.000"]
    for name in ("range", "lengths", "speakers"):
        assert imread(tmp_path / "charts" / f"{name}.png").std() > 0
    before = (tmp_path / "charts" / "range.png").stat()
    assert run(tmp_path / "charts", *words) == 0
    assert (tmp_path / "charts" / "range.png").stat() == before


def test_statistics_of_columns_far_from_zero_are_exact():
    rng = np.random.default_rng(0)
    parts = [rng.normal(1e6, 0.01, (frames, 3)) for frames in (1, 50, 7, 400)]
    found = BandStatistics(3)
    for part in parts:
        found.add(part)
    table = found.table()
    np.testing.assert_allclose(table["deviation"], np.concatenate(parts).std(axis=0), atol=1e-5)
    np.testing.assert_allclose(table["mean"], np.concatenate(parts).mean(axis=0), atol=1e-5)


def test_two_sets_of_one_name_have_their_paths():
    assert chart.set_names([Path("a/train"), Path("a/test")]) == ["train", "test"]
    assert chart.set_names([Path("a/train"), Path("b/train")]) == ["a/train", "b/train"]


@pytest.mark.parametrize(
    "case, answer",
    [
        ("nothing", "no utt2spk here"),
        ("data", "no feats.scp here; steps/features/make_feats.sh writes it"),
        ("twice", "the same directory twice"),
        ("nan", "s1-a: no frames, or values that are no numbers"),
    ],
)
def test_bad_input_is_named(tmp_path, capsys, case, answer):
    path = tmp_path / "feats"
    if case != "nothing":
        write_feats(path, {"s1-a": 50})
    if case == "data":
        (path / "feats.scp").unlink()
    if case == "nan":
        data = bytearray((path / "feats.ark").read_bytes())
        data[100:104] = np.float32(np.nan).tobytes()
        (path / "feats.ark").write_bytes(data)
    assert run(tmp_path / "charts", "--feats", f"{path},{path}" if case == "twice" else str(path)) == 1
    assert answer in capsys.readouterr().err and not (tmp_path / "charts").exists()
