"""Recordings cut into windows."""

import pytest

from steps.audio.segments import cut, windows
from utils.errors import InputError


@pytest.mark.parametrize(
    "duration, expected",
    [
        (2.9, [(0, 2.9)]),  # shorter than a window
        (3.0, [(0, 3)]),
        (4.4, [(0, 3)]),
        (4.5, [(0, 3), (1.5, 4.5)]),
        (6.2, [(0, 3), (1.5, 4.5), (3, 6)]),
    ],
)
def test_windows_lie_within_the_recording(duration: float, expected: list[tuple[float, float]]) -> None:
    assert list(windows(duration, length=3, hop=1.5)) == expected


def test_a_hop_that_binary_fractions_cannot_hold_loses_no_window() -> None:
    assert len(list(windows(10.0, length=1.0, hop=0.1))) == 91


def test_without_a_length_recordings_stay_whole() -> None:
    assert list(windows(61.0, length=0, hop=1)) == [(0, 61)]


def test_ids_tell_recording_and_times_and_sort_by_time() -> None:
    segments, recordings, seconds = cut({"s-u2": 3.2, "s-u1": 200.0}, length=3, hop=100)
    assert segments == {
        "s-u1-0000000-0000300": "s-u1 0.00 3.00",
        "s-u1-0010000-0010300": "s-u1 100.00 103.00",
        "s-u2-0000000-0000300": "s-u2 0.00 3.00",
    }
    assert list(segments) == sorted(segments)
    assert set(recordings.values()) == {"s-u1", "s-u2"} and set(seconds.values()) == {3}


def test_a_hop_of_nothing_is_an_error() -> None:
    with pytest.raises(InputError, match="--hop_seconds 0: expected more than 0"):
        cut({"a": 9.0}, length=3, hop=0)
