"""Flags of frames, smoothed, and their times."""

import numpy as np
import pytest

from steps.vad.stretches import SmoothingOptions, seconds_of, smoothed, stretches


def flags(text: str) -> np.ndarray:
    """`#` is speech."""
    return np.array([sign == "#" for sign in text], bool)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "..##.###...#...####"),
        ({"least_silence": 0.02}, "..######...#...####"),
        ({"least_silence": 0.04}, "..#################"),
        ({"least_speech": 0.02}, "..##.###.......####"),
        ({"least_speech": 0.03}, ".....###.......####"),
        ({"least_silence": 0.02, "least_speech": 0.05}, "..######..........."),
        ({"trim": 0.02}, "..#..#.....#...##.."),
        ({"trim": 0.01, "least_silence": 0.03}, "..#####....#...###."),
        ({"padding": 0.01}, ".########.###.#####"),
        ({"least_speech": 0.03, "padding": 0.02}, "...#######...######"),
    ],
)
def test_short_stretches(options, expected):
    speech = flags("..##.###...#...####")
    assert "".join(".#"[int(one)] for one in smoothed(speech, SmoothingOptions(**options))) == expected
    assert (speech == flags("..##.###...#...####")).all()


@pytest.mark.parametrize("text", ["", ".", "#", "###", "..."])
def test_edges(text):
    runs = stretches(flags(text))
    assert runs == ([(0, len(text))] if "#" in text else [])
    assert (smoothed(flags(text), SmoothingOptions(0.1, 0, 0.1)) == flags(text)).all()


def test_times_reach_to_the_ends():
    """98 frames of a second: the last window ends at .995."""
    assert seconds_of((0, 98), 98, 1.0, 0.01) == (0, 1.0)
    assert seconds_of((10, 20), 98, 1.0, 0.01) == pytest.approx((0.1075, 0.2075))
