"""Speech packed into pieces: whole stretches where they fit, cuts at the least energy where they do not."""

import json

import numpy as np
import pytest

from steps.audio import pack
from steps.audio.packing import TICKS, energy_cuts, widened
from steps.audio.packing import pack as pack_spans
from steps.audio.read import load
from steps.audio.recordings import read_utterances
from tests.steps.audio.sounds import write_sound
from utils.data_dir import validate, write_data_dir
from utils.tables import read_table

RATE = 16000


def noise(seconds: float, quiet: tuple[float, ...] = ()) -> np.ndarray:
    """Noise without a pause, less loud for 0.2 s around some times."""
    samples = 0.1 * np.random.default_rng(3).normal(size=round(seconds * RATE)).astype(np.float32)
    for time in quiet:
        samples[round((time - 0.1) * RATE) : round((time + 0.1) * RATE)] *= 0.3
    return samples


def seconds(*times: float) -> tuple[int, ...]:
    return tuple(round(time * TICKS) for time in times)


@pytest.mark.parametrize(
    ("spans", "pieces"),
    [
        ([], []),
        ([(0, 1)], [(0, 1)]),
        ([(0, 1), (1.5, 3), (3.2, 10)], [(0, 10)]),
        ([(0, 1), (2.5, 3)], [(0, 1), (2.5, 3)]),
        ([(0, 20), (20.5, 30), (30.5, 31)], [(0, 30), (30.5, 31)]),
        ([(0, 20), (20.5, 30.1)], [(0, 20), (20.5, 30.1)]),
        ([(0, 30)], [(0, 30)]),
        ([(0, 10), (2, 3), (3.2, 4), (10.5, 11)], [(0, 11)]),  # some in another
        ([(0, 10), (2, 3), (12, 13)], [(0, 10), (12, 13)]),
        ([(0, 35), (35.2, 40)], [(0, 20), (20, 40)]),
    ],
)
def test_neighbours_are_packed_up_to_the_limit(spans, pieces):
    found = pack_spans((seconds(*one) for one in spans), 30 * TICKS, TICKS, lambda span: [20 * TICKS])
    assert list(found) == [seconds(*one) for one in pieces]


def test_what_has_no_pause_is_cut_where_it_is_least_loud():
    found = energy_cuts(noise(59, (10, 21, 40)), RATE, 30 * TICKS)
    assert np.array(found) / TICKS == pytest.approx([21, 40], abs=0.1)
    assert energy_cuts(np.zeros(59 * RATE, np.float32), RATE, 30 * TICKS) == [30 * TICKS]
    for length in (30.01, 30.3, 60.0, 91.3):
        edges = [0, *energy_cuts(noise(length), RATE, 30 * TICKS), round(length * TICKS)]
        assert np.diff(edges).min() >= 0.4 * TICKS and np.diff(edges).max() <= 30 * TICKS


def test_pieces_of_59_s_and_of_short_stretches(tmp_path):
    paths = {
        name: str(write_sound(tmp_path / f"{name}.wav", sound, RATE))
        for name, sound in (("a/1", noise(59, (29.5,))), ("b/1", noise(3)))
    }
    cut = {"a/1-0000000-0005900": "a/1 0 59", "b/1-0000050-0000100": "b/1 0.5 1", "b/1-0000120-0000300": "b/1 1.2 3"}
    spk = {key: key[0] for key in cut}
    write_data_dir(
        tmp_path / "speech", {"wav.scp": paths, "segments": cut, "utt2spk": spk, "spk2gender": {"a": "f", "b": "m"}}
    )
    assert pack.main(["--data", str(tmp_path / "speech"), "--out", str(tmp_path / "pieces")]) == 0
    assert validate(tmp_path / "pieces", text=False, feats=False) == []
    found = read_utterances(tmp_path / "pieces")
    assert [one.speaker for one in found] == ["a", "a", "b"] and found[-1].id == "b/1-0000050-0000300"
    assert max(one.end - one.begin for one in found) <= 30 and found[0].end == found[1].begin and found[1].end == 59
    whole = np.concatenate([load(one).waveform for one in found[:2]])
    assert np.array_equal(whole, load(read_utterances(tmp_path / "speech")[0]).waveform)  # nothing is lost at the cut
    assert json.loads((tmp_path / "pieces" / "summary.json").read_text())["cuts"] == 1
    assert len((tmp_path / "pieces" / "manifest.jsonl").read_text().splitlines()) == 3


def test_recordings_without_segments_are_packed_whole_and_segments_of_segments_count_from_theirs(tmp_path):
    wav = str(write_sound(tmp_path / "1.wav", noise(5), RATE))
    write_data_dir(tmp_path / "data", {"wav.scp": {"1": wav}, "utt2spk": {"1": "1"}})
    assert pack.main(["--data", str(tmp_path / "data"), "--longest", "2", "--out", str(tmp_path / "pieces")]) == 0
    times = [tuple(map(float, line.split()[1:])) for line in read_table(tmp_path / "pieces" / "segments").values()]
    assert times[0][0] == 0 and times[-1][1] == 5 and max(end - begin for begin, end in times) <= 2
    cut = {"u-0000100-0000150": "1 2.0 2.5"}  # the utterance u begins at 1 s
    write_data_dir(tmp_path / "speech", {"wav.scp": {"1": wav}, "utt2spk": dict.fromkeys(cut, "u"), "segments": cut})
    assert pack.main(["--data", str(tmp_path / "speech"), "--out", str(tmp_path / "again")]) == 0
    assert read_table(tmp_path / "again" / "segments") == {"u-0000100-0000150": "1 2.0000 2.5000"}


@pytest.mark.parametrize(
    ("span", "earliest", "expected"),
    [
        ((1, 1.5), 0, (1, 1.5)),
        ((1, 1.04), 0, (0.93, 1.04)),
        ((0.62, 0.65), 0.6, (0.6, 0.71)),
        ((0, 0.05), 0, (0, 0.11)),
    ],
)
def test_no_piece_is_too_short_for_what_takes_it(span, earliest, expected):
    assert widened(seconds(*span), round(earliest * TICKS)) == seconds(*expected)


def test_pieces_have_one_speaker(tmp_path):
    wav = str(write_sound(tmp_path / "1.wav", noise(5), RATE))
    cut = {"1-0000000-0000100": "1 0 1", "1-0000110-0000200": "1 1.1 2", "1-0000210-0000300": "1 2.1 3"}
    spk = dict(zip(cut, "aab", strict=True))
    write_data_dir(tmp_path / "data", {"wav.scp": {"1": wav}, "utt2spk": spk, "segments": cut})
    assert pack.main(["--data", str(tmp_path / "data"), "--out", str(tmp_path / "pieces")]) == 0
    assert read_table(tmp_path / "pieces" / "utt2spk") == {"1-0000000-0000200": "a", "1-0000210-0000300": "b"}


def test_what_cannot_be_read_is_counted_and_nothing_is_no_data(tmp_path, capsys):
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    write_data_dir(tmp_path / "data", {"wav.scp": {"1": str(tmp_path / "bad.wav")}, "utt2spk": {"1": "1"}})
    assert pack.main(["--data", str(tmp_path / "data"), "--out", str(tmp_path / "pieces")]) == 1
    assert "1 of 1 utterances (100.00 %) fail: 1 corrupt; more than --max_fail 0.01" in capsys.readouterr().err
    (tmp_path / "data" / "utt2spk").write_text("")
    assert pack.main(["--data", str(tmp_path / "data"), "--out", str(tmp_path / "pieces")]) == 1
    assert "empty; there is no speech to pack" in capsys.readouterr().err and not (tmp_path / "pieces").exists()
