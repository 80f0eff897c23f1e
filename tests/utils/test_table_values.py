"""Segments: many at once are what each of them is by itself."""

import pytest

from utils.table_values import are_good, parse_segment, plain_segments

PLAIN = ["r 0 1.5", "s  2\t3", "é 1e1 11"]


def test_many_segments_are_what_each_is():
    recordings, begins, ends = plain_segments(PLAIN)
    each = [parse_segment(line) for line in PLAIN]
    assert list(zip(recordings, begins, ends, strict=True)) == [(one.recording, one.begin, one.end) for one in each]


@pytest.mark.parametrize(
    "odd",
    ["r 1 2 0", "r 1 -1", "r 2 1", "r -1 2", "r nan 2", "r 1 inf", "r 1 x", "r 1", "| 1 2 3", "r 1 |", "r 1 2 | s 1 2"],
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_odd_segments_are_left_to_be_looked_at(odd, place):
    values = [*PLAIN[:place], odd, *PLAIN[place:]]
    assert plain_segments(values) is None
    assert are_good(True, "segments", values) == (parse_segment(odd) is not None)


def test_segments_that_only_together_have_the_right_number_of_fields():
    assert plain_segments(["r 1", "| 2 3 4"]) is None and plain_segments(["r 1 2 3", "1 2"]) is None
    assert plain_segments([]) is None and are_good(True, "segments", [])
