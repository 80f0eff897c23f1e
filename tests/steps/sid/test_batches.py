"""Batches: what an epoch holds under each batching and balance, that it can be continued, and its parts."""

from collections import Counter

import numpy as np
import pytest

from steps.sid.batches import BatchPlan, SidBatch, speaker_weights
from steps.sid.options import SidOptions
from steps.sid.speech_set import SpeechSet, read_set
from tests.steps.sid.feature_sets import RATE, make_set


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> SpeechSet:
    """Five speakers of 12 utterances, each with two copies; of one of them, a sixth speaker, there are but 3."""
    root = tmp_path_factory.mktemp("batches")
    make_set(root / "train", range(5), 12, copies=2)
    whole = read_set(root / "train", 0.1)
    kept = [number for number in range(len(whole)) if whole.labels[number] or number < 3]
    return SpeechSet(
        whole.feats, whole.utterances, [whole.versions[n] for n in kept], whole.labels[kept], whole.names, []
    )


def epoch(speech: SpeechSet, first: int = 0, number: int = 1, **options: object) -> list[SidBatch]:
    plan = BatchPlan(speech, SidOptions(**{"batch_size": 8} | options), RATE)
    found = list(plan.batches(number, first, np.random.default_rng(5)))
    assert len(found) == plan.n_updates - first
    return found


def items(speech: SpeechSet, batches: list[SidBatch]) -> Counter:
    """How often an epoch has each item, in whatever version."""
    item_of = {number: item for item, numbers in enumerate(speech.versions) for number in numbers}
    return Counter(item_of[number] for batch in batches for number in batch.numbers)


def test_copies_are_versions_of_one_item(speech):
    assert len(speech) == 51 and {len(numbers) for numbers in speech.versions} == {3}
    for numbers in speech.versions:
        ids = [speech.utterances[number] for number in numbers]
        assert ids == [ids[0], f"{ids[0]}-p1", f"{ids[0]}-p2"]
    chosen = [batch.numbers % 3 for number in range(20) for batch in epoch(speech, number=number + 1)]
    assert np.bincount(np.concatenate(chosen)).min() > 250  # of 1,020


@pytest.mark.parametrize("batching", ["crops", "buckets"])
def test_an_epoch_sees_each_item_once(speech, batching):
    batches = epoch(speech, batching=batching, crop_seconds=0.4)
    assert items(speech, batches) == Counter(range(len(speech)))
    for batch in batches:
        assert len(batch.numbers) in (7, 8) and (batch.starts + batch.lengths <= speech.lengths[batch.numbers]).all()


def test_crops_are_of_one_length_and_lie_anywhere(speech):
    batches = epoch(speech, crop_seconds=0.4)
    lengths, starts = (np.concatenate([getattr(batch, name) for batch in batches]) for name in ("lengths", "starts"))
    numbers = np.concatenate([batch.numbers for batch in batches])
    assert np.array_equal(lengths, np.minimum(40, speech.lengths[numbers])) and len(set(starts.tolist())) > 8
    drawn = {int(batch.lengths.max()) for batch in epoch(speech, crop_seconds=0.25, least_crop_seconds=0.1)}
    assert len(drawn) > 3 and min(drawn) >= 10 and max(drawn) <= 25


def test_buckets_are_whole_utterances_of_like_length(speech):
    batches = epoch(speech, batching="buckets", max_seconds=0.55)
    for batch in batches:
        assert np.array_equal(batch.lengths, np.minimum(55, speech.lengths[batch.numbers]))
    spread = [np.ptp(batch.lengths) for batch in batches]
    assert max(spread) <= 12 and [int(batch.lengths[0]) for batch in batches] != sorted(
        int(b.lengths[0]) for b in batches
    )


def test_an_epoch_of_a_given_number_of_updates_goes_round(speech):
    counts = items(speech, epoch(speech, updates_per_epoch=15))
    assert sum(counts.values()) == 120 and set(counts.values()) <= {2, 3}
    assert sum(items(speech, epoch(speech, updates_per_epoch=2)).values()) == 16


def test_sampling_takes_each_speaker_as_often(speech):
    labels = np.concatenate([batch.labels for batch in epoch(speech, balance="sampling", updates_per_epoch=25)])
    assert np.array_equal(np.bincount(labels), [40] * 5)
    assert np.bincount(np.concatenate([batch.labels for batch in epoch(speech)])).tolist() == [3, 12, 12, 12, 12]


def test_weights_make_speakers_equal_and_their_mean_is_one(speech):
    weights = speaker_weights(speech.labels, 5)
    assert weights[speech.labels].mean() == pytest.approx(1)
    assert weights * np.bincount(speech.labels) == pytest.approx([51 / 5] * 5)


@pytest.mark.parametrize("settings", [{}, {"batching": "buckets", "balance": "sampling"}, {"least_crop_seconds": 0.2}])
def test_an_epoch_can_be_continued(speech, settings):
    whole, rest = epoch(speech, **settings), epoch(speech, first=4, **settings)
    for one, other in zip(whole[4:], rest, strict=True):
        assert all(
            np.array_equal(a, b) for a, b in zip((*one[:5], *one.draws), (*other[:5], *other.draws), strict=True)
        )


def test_the_margin_rises_from_nothing(speech):
    margins = [batch.margin for batch in epoch(speech, margin_epochs=2.0, margin=0.4)]
    assert margins[0] == 0 and margins == sorted(margins) and margins[-1] == pytest.approx(0.2 * 6 / 7)
    assert epoch(speech, number=3, margin_epochs=2.0, margin=0.4)[0].margin == 0.4
    assert epoch(speech, margin_epochs=0.0, margin=0.4)[0].margin == 0.4


def test_parts_hold_all_rows_and_their_weights_make_one_mean(speech):
    batch = epoch(speech)[1]
    parts = [batch.part(number, 3) for number in range(3)]
    assert sorted(np.concatenate([part.numbers for part, _ in parts])) == sorted(batch.numbers)
    means = [weight * part.labels.mean() for part, weight in parts]
    assert np.mean(means) == pytest.approx(batch.labels.mean())
    part, weight = batch.part(8, 9) if len(batch.numbers) == 8 else batch.part(7, 8)
    assert weight == 0 and len(part.numbers) == 1 and part.draws.gain.shape == (1,)
    assert epoch(speech, augment=False)[0].part(0, 2)[0].draws is None
