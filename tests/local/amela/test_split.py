"""Train and dev: whole speakers where there are two, and nothing empty however few there are."""

import pytest

from local.amela import split
from local.amela.split import deal
from steps.data.unit_sequences import UnitsDir, UnitsInfo, UnitsWriter
from utils.data_dir import validate, write_data_dir


@pytest.mark.parametrize(("n_speakers", "n_dev"), [(3, 1), (12, 1), (40, 4)])
def test_speakers_are_whole(n_speakers, n_dev):
    utt2spk = {f"s{number % n_speakers}-{number}": f"s{number % n_speakers}" for number in range(3 * n_speakers)}
    sets = deal(utt2spk, 0.1, 42)
    assert sorted(key for keys in sets.values() for key in keys) == sorted(utt2spk)
    speakers = {name: {utt2spk[key] for key in keys} for name, keys in sets.items()}
    assert [len(speakers[name]) for name in ("train", "dev", "test")] == [n_speakers - 2 * n_dev, n_dev, n_dev]


def test_two_speakers_one_speaker_and_one_utterance(caplog):
    two = deal({"a-1": "a", "b-1": "b"}, 0.1, 42)
    assert two["dev"] == two["test"] != two["train"] and "two speakers only" in caplog.text
    one = deal({f"s-{number}": "s" for number in range(5)}, 0.1, 42)
    assert [len(keys) for keys in one.values()] == [3, 1, 1] and "one speaker only" in caplog.text
    assert deal({"s-1": "s"}, 0.1, 42) == {name: ["s-1"] for name in ("train", "dev", "test")}


def test_units_are_split_as_the_pieces_are(tmp_path):
    utt2spk = {f"s{number}-1": f"s{number}" for number in range(4)}
    write_data_dir(tmp_path / "pieces", {"utt2spk": utt2spk})
    out = tmp_path / "units"
    out.mkdir()
    with UnitsWriter(out, out, UnitsInfo(10, 0.02, "m", {}), durations=True) as writer:
        for number, key in enumerate(utt2spk):
            writer.add(key, [number, 5], [1, 2])
    write_data_dir(out, {"utt2spk": utt2spk, **writer.tables()})
    for name in ("pieces", "units"):
        assert split.main(["--data", str(tmp_path / name), "--out", str(tmp_path / f"{name}_sets")]) == 0
        for one in ("train", "dev", "test"):
            assert validate(tmp_path / f"{name}_sets" / one, text=False, feats=False, wav=False) == []
    train = UnitsDir(tmp_path / "units_sets" / "train")
    assert len(train.utt2spk) == 2 and train.utt2spk.items() < utt2spk.items()
    key = next(iter(train.utt2spk))
    assert train.read(key).units.tolist() == [int(key[1]), 5] and train.info.model == "m"
    spk = (tmp_path / "pieces_sets" / "train" / "utt2spk").read_bytes()
    assert spk == (tmp_path / "units_sets" / "train" / "utt2spk").read_bytes()
