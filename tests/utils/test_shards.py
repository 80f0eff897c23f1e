"""Shards: cut by the data alone, taken by number or by share."""

import numpy as np
import pytest

from utils.errors import InputError
from utils.shards import MOST_SHARDS, chosen_shards, even_shards, format_numbers, parse_numbers, shards_of


def test_items_fill_shards_in_their_order():
    assert list(shards_of([3, 3, 3, 3, 3], least=5)) == [0, 0, 1, 1, 2]
    assert list(shards_of([10, 1, 1, 1], least=3)) == [0, 1, 1, 1]
    assert list(shards_of([], least=3)) == []


def test_many_items_make_about_so_many_shards_whoever_asks():
    shards = list(shards_of([1.0] * 10 * MOST_SHARDS, least=1))
    assert max(shards) + 1 == MOST_SHARDS
    assert sorted(shards) == shards
    assert max(shards_of([1.0] * 10 * MOST_SHARDS, least=1, longest=2)) + 1 == 5 * MOST_SHARDS


def test_items_without_size_share_a_shard():
    assert set(shards_of([0.0] * 5, least=1)) == {0}
    assert list(shards_of([0.0] * 3, least=0)) == [0, 1, 2]


@pytest.mark.parametrize("jobs", [4, 16, 64])
def test_many_jobs_end_at_about_the_same_time(jobs):
    seconds = np.minimum(np.random.default_rng(1).lognormal(1.5, 0.8, 20_000), 30)
    shards = even_shards(seconds.tolist(), least=120, longest=3600)
    assert shards == sorted(shards) and set(shards) == set(range(960))
    sizes = np.bincount(shards, seconds)
    ends = [sizes[chosen_shards(len(sizes), None, job, jobs)].sum() for job in range(1, jobs + 1)]
    assert max(ends) < 1.05 * sum(ends) / jobs


def test_even_shards_are_as_others_where_there_is_little_and_never_too_long():
    assert even_shards([3, 3, 3, 3, 3], least=5) == [0, 0, 1, 1, 2]
    assert even_shards([], least=3) == []
    assert max(even_shards([1.0] * 10_000, least=1, longest=5)) + 1 == 2048
    assert even_shards([1.0, 600.0, 1.0, 1.0], least=1) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("5", [5]), ("0,5,12", [0, 5, 12]), ("0-15%7", list(range(16))), ("8-9,0", [0, 8, 9]), ("0-6:3,3", [0, 3, 6])],
)
def test_numbers_are_written_as_slurm_writes_arrays(text, numbers):
    assert parse_numbers(text, 16) == numbers
    assert parse_numbers(format_numbers(numbers), 16) == numbers


@pytest.mark.parametrize("text", ["", "x", "-1", "3-1", "1,,2", "1.5", "0-4:0", "%3", "٣", "9" * 5000])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(InputError, match="--shards"):
        parse_numbers(text, 16)


def test_neighbours_are_joined():
    assert format_numbers([7, 0, 1, 2, 9, 10]) == "0-2,7,9-10"


@pytest.mark.parametrize("nj", [1, 2, 5, 16, 40])
def test_jobs_share_all_shards_however_many_they_are(nj):
    taken = [number for job in range(1, nj + 1) for number in chosen_shards(16, None, job, nj)]
    assert sorted(taken) == list(range(16))
    assert chosen_shards(16, None, 0, nj) == list(range(16))


def test_an_unknown_shard_is_an_error_never_nothing_to_do():
    assert chosen_shards(16, "5", 0, 1) == [5]
    with pytest.raises(InputError, match="no shard 16; this work has 16 shards, counted from 0"):
        chosen_shards(16, "15-16", 0, 1)
    with pytest.raises(InputError, match="no shard 16; "):  # and no list of so many
        chosen_shards(16, "0-999999999999", 0, 1)
    with pytest.raises(InputError, match="no shard 0; this work has 0 shards"):
        chosen_shards(0, "0", 0, 1)
    with pytest.raises(InputError, match="--job 3"):
        chosen_shards(16, None, 3, 2)


def test_jobs_share_the_shards_that_they_are_given():
    taken = [chosen_shards(16, "3,5-8%2", job, 2) for job in (1, 2)]
    assert taken == [[3, 6, 8], [5, 7]]
