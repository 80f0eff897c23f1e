"""Unit sequences: deduplication with durations round-trips exactly, and what is no sequence is refused."""

import numpy as np
import pytest

from steps.data.unit_sequences import UnitsDir, UnitsInfo, UnitsWriter, deduplicate, expand
from utils.data_dir import write_data_dir
from utils.errors import InputError

INFO = UnitsInfo(50, 0.02, "kmeans-1", {"sample_rate": 16000})


def write(path, sequences, durations=True):
    path.mkdir()
    with UnitsWriter(path, path, INFO, durations) as writer:
        for key, frames in sequences.items():
            found = deduplicate(frames)
            writer.add(key, *found) if durations else writer.add(key, found.units)
    write_data_dir(path, {"utt2spk": {key: key.split("-")[0] for key in sequences}, **writer.tables()})
    return UnitsDir(path)


@pytest.mark.parametrize("length", [1, 2, 3, 1000])
def test_deduplication_round_trips_exactly(length):
    for n_units in (1, 2, 100):
        frames = np.random.default_rng(length).integers(0, n_units, length).astype(np.int32)
        units, durations = deduplicate(frames)
        assert not (units[1:] == units[:-1]).any()
        assert durations.sum() == length and durations.min() >= 1
        assert (expand(units, durations) == frames).all()
    assert units.dtype == durations.dtype == np.int32


def test_nothing_deduplicates_to_nothing():
    units, durations = deduplicate(np.zeros(0, np.int32))
    assert units.shape == durations.shape == expand(units, durations).shape == (0,)


def test_directory_gives_back_what_was_written(tmp_path):
    rng = np.random.default_rng(0)
    sequences = {f"s{n % 3}-u{n}": rng.integers(0, 50, 5 + n) for n in range(9)}
    units = write(tmp_path / "units", sequences)
    assert units.info == INFO
    assert units.utterances == sorted(sequences)
    for key, frames in sequences.items():
        assert (units.frames(key) == frames).all()
        assert units.num_units[key] == len(units.read(key).units)
    assert units.data.table("utt2num_frames")["s1-u4"] == "9"
    units.release()
    assert (units.frames("s1-u4") == sequences["s1-u4"]).all()


def test_sequences_without_durations(tmp_path):
    units = write(tmp_path / "units", {"s1-u1": np.array([3, 3, 4])}, durations=False)
    assert not units.has_durations
    assert units.read("s1-u1").units.tolist() == [3, 4]
    with pytest.raises(InputError, match=r"no durations.scp here"):
        units.frames("s1-u1")


@pytest.mark.parametrize(
    ("units", "durations", "message"),
    [
        ([3, 50], [1, 1], "the unit 50, expected 0 to 49"),
        ([-1], [1], "the unit -1"),
        ([3, 3], [1, 1], "equal neighbours"),
        ([], [], "not empty"),
        ([3, 4], [1, 0], "at least 1 frame"),
        ([3, 4], [1], "each of 2 units"),
        ([3.0], [1], "vector of integers"),
    ],
)
def test_what_is_no_sequence_is_refused(tmp_path, units, durations, message):
    with UnitsWriter(tmp_path, tmp_path, INFO) as writer, pytest.raises(InputError, match=message):
        writer.add("u1", np.array(units), np.array(durations))


def test_directories_that_are_not_whole_are_named(tmp_path):
    units = write(tmp_path / "units", {"s1-u1": np.arange(20)})
    with pytest.raises(InputError, match=r"no line for 's2-u1'"):
        units.read("s2-u1")
    archive = tmp_path / "units/units.ark"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(InputError, match="truncated"):
        UnitsDir(tmp_path / "units").read("s1-u1")
    (tmp_path / "units/units.json").write_text('{"n_units": 0, "frame_seconds": 0.02, "model": "m"}')
    with pytest.raises(InputError, match="n_units: 0 is none"):
        _ = UnitsDir(tmp_path / "units").info
    (tmp_path / "units/units.json").unlink()
    with pytest.raises(InputError, match=r"no units.json here"):
        UnitsDir(tmp_path / "units")
