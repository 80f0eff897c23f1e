"""Batches: lengths, parts, and that nothing but lengths and ids decides them."""

import random
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from steps.audio.recordings import Utterance
from steps.embed.batches import BatchRule, TimedUtterance, as_batches, as_items
from steps.embed.padding import padded_length

RULE = BatchRule(sample_rate=16000, any_length=False, max_seconds=20, batch_seconds=120)


def timed(*seconds: float) -> list[TimedUtterance]:
    return [
        TimedUtterance(Utterance(f"u{number:04d}", Path("x"), None, None, "d", "s", "u"), length)
        for number, length in enumerate(seconds)
    ]


@pytest.mark.parametrize(
    ("seconds", "parts", "extended"),
    [(0.3, 1, 1.0), (1.0, 1, 1.0), (1.01, 1, 1.25), (19.8, 1, 20), (20, 1, 20), (20.01, 2, 10.25), (61, 4, 15.25)],
)
def test_lengths(seconds, parts, extended):
    assert RULE.parts(seconds) == (parts, round(extended * 16000))


def test_short_ones_are_repeated_from_their_beginning():
    (row,) = RULE.waveforms(np.arange(6000, dtype=np.float32), 6000 / 16000)
    assert len(row) == 16000 and np.array_equal(row[:6000], row[6000:12000]) and np.array_equal(row[12000:], row[:4000])


def test_long_ones_are_cut_into_equal_parts():
    waveform = np.arange(50 * 16000, dtype=np.float32)
    rows = RULE.waveforms(waveform, 50)
    assert [len(row) for row in rows] == [RULE.parts(50)[1]] * 3
    assert rows[1][0] == len(np.array_split(waveform, 3)[0])
    (whole,) = BatchRule(16000, True, 20, 120).waveforms(waveform, 50)
    assert whole is waveform


def test_a_sample_more_or_less_than_announced_changes_no_shape():
    for samples in (15999, 16000, 16001):
        (row,) = RULE.waveforms(np.ones(samples, np.float32), 1.0)
        assert len(row) == 16000


def test_batches_have_one_length_and_a_bounded_duration():
    lengths = np.random.default_rng(0).uniform(0.3, 70, 500)
    batches = list(RULE.batches(timed(*lengths)))
    assert sum(map(len, batches)) == 500
    for batch in batches:
        shapes = {RULE.parts(one.seconds)[1] for one in batch}
        assert len(shapes) == 1
        rows = sum(RULE.parts(one.seconds)[0] for one in batch)
        assert rows * shapes.pop() <= 120 * 16000
    assert len(batches) < 250


@pytest.mark.parametrize("any_length", [False, True])
def test_the_order_of_the_input_does_not_count(any_length):
    rule = BatchRule(16000, any_length, 20, 30)
    utterances = timed(*np.random.default_rng(0).uniform(0.3, 30, 200))
    expected = list(rule.batches(utterances))
    random.Random(1).shuffle(utterances)
    assert list(rule.batches(utterances)) == expected


def test_one_very_long_utterance_is_a_batch():
    assert [len(batch) for batch in RULE.batches(timed(3, 3, 3600, 3))] == [3, 1]


def test_shards_are_consecutive_batches():
    batches = list(RULE.batches(timed(*[3.0] * 1000)))  # 40 in a batch
    items = list(as_items(batches, 240))
    shards = [list(group) for _, group in groupby(items, key=lambda item: item.shard)]
    assert [len(list(as_batches(shard))) for shard in shards] == [2] * 12 + [1]
    assert [batch for shard in shards for batch in as_batches(shard)] == batches
    assert items[-1].id == batches[-1][-1].utterance.id
    assert list(as_items(batches, 1))[-1].shard == 24 and list(as_items([], 1)) == []


def test_no_shard_is_much_longer_than_an_hour():
    items = list(as_items(list(RULE.batches(timed(*[20.0] * 60_000))), 1))
    assert items[-1].shard + 1 == pytest.approx(60_000 * 20 / 3600, rel=0.05)


PADDED = BatchRule(sample_rate=16000, any_length=False, max_seconds=20, batch_seconds=120, padded=True)


def test_batches_for_a_gpu_are_full_and_have_few_shapes():
    utterances = timed(*np.random.default_rng(0).uniform(0.3, 20, 2000))
    batches = list(PADDED.batches(utterances))
    assert sorted(one.utterance.id for batch in batches for one in batch) == [one.utterance.id for one in utterances]
    shapes = set()
    for batch in batches:
        longest = max(PADDED.parts(one.seconds)[1] for one in batch)
        assert longest == PADDED.parts(batch[0].seconds)[1]
        assert longest < 2 * min(PADDED.parts(one.seconds)[1] for one in batch)
        shapes.add((len(batch), padded_length(longest, 4000)))
        assert len(batch) * padded_length(longest, 4000) <= 120 * 16000
    assert len(shapes) < 30
    audio = sum(one.seconds for one in utterances)
    assert len(batches) < 1.25 * audio / 120 + 5


def test_the_order_of_the_input_does_not_count_for_a_gpu():
    utterances = timed(*np.random.default_rng(0).uniform(0.3, 50, 200))
    expected = list(PADDED.batches(utterances))
    random.Random(1).shuffle(utterances)
    assert list(PADDED.batches(utterances)) == expected
