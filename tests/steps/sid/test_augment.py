"""Changes of log-mels: each item has its own, with padding and without, as large as the options say."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from steps.sid.augment import NEPERS, Draws, change, draw_changes
from steps.sid.options import AugmentOptions

N, T, BINS, RATE = 6, 50, 20, 100.0
NOTHING = AugmentOptions(
    equaliser_db=0, gain_db=0, noise_share=0, room_share=0, time_masks=0, frequency_masks=0
)  # fmt: skip
LENGTHS = np.array([50, 50, 30, 41, 50, 20])


def speech() -> torch.Tensor:
    """Log-mels (N, T, BINS) with zeros after the end of each item."""
    x = torch.from_numpy(np.random.default_rng(0).normal(10, 3, (N, T, BINS)).astype(np.float32))
    return x * (torch.arange(T) < torch.from_numpy(LENGTHS)[:, None])[:, :, None]


def changed(options: AugmentOptions, x: torch.Tensor, lengths: np.ndarray = LENGTHS, seed: int = 1) -> torch.Tensor:
    return change(x, lengths, draw_changes(options, np.random.default_rng(seed), len(x)), RATE)


def test_an_item_is_changed_as_alone_and_without_padding():
    draws = draw_changes(AugmentOptions(noise_share=1, room_share=1), np.random.default_rng(1), N)
    together = change(speech(), LENGTHS, draws, RATE)
    assert torch.isfinite(together).all()
    for item, length in enumerate(LENGTHS):
        alone = change(speech()[item : item + 1, :length], LENGTHS[item : item + 1], draws.of([item]), RATE)
        torch.testing.assert_close(together[item : item + 1, :length], alone, rtol=1e-5, atol=1e-4)
    assert not torch.equal(together[0], together[1])


def test_without_changes_features_are_as_they_were():
    assert torch.equal(changed(NOTHING, speech()), speech())


def test_the_equaliser_is_one_smooth_curve_an_item_of_the_deviation_asked_for():
    x = torch.zeros(500, 2, 80)
    curves = changed(replace(NOTHING, equaliser_db=6.0), x, np.full(500, 2)) / NEPERS
    assert torch.equal(curves[:, 0], curves[:, 1])
    assert float(curves.square().mean().sqrt()) == pytest.approx(6, rel=0.1)
    assert float(curves[:, 0].diff(dim=1).abs().mean()) < 1


def test_the_gain_is_at_most_what_is_asked_for():
    gains = changed(replace(NOTHING, gain_db=6.0), torch.zeros(200, 2, 3), np.full(200, 2)) / NEPERS
    assert float(gains.abs().max()) <= 6.001 and float(gains.max()) > 5 and float(gains.min()) < -5


def test_noise_is_added_to_its_share_at_a_ratio_of_the_power():
    x = torch.full((400, 40, 30), 4.0)
    x[:, ::2] = -20.0  # pauses, which noise fills
    draws = draw_changes(replace(NOTHING, noise_share=0.5, noise_snr=10.0), np.random.default_rng(0), 400)
    noisy = change(x, np.full(400, 40), draws, RATE)
    with_noise = torch.from_numpy(draws.noise[:, 2] == 1)
    assert 150 < int(with_noise.sum()) < 250 and torch.equal(noisy[~with_noise], x[~with_noise])
    power = noisy[with_noise][:, ::2].exp().mean((1, 2))
    ratio = 10 * torch.log10(x.exp().mean((1, 2))[with_noise] / power)
    wanted = torch.from_numpy(draws.noise[with_noise, 0])
    assert float((ratio - wanted).abs().max()) < 2 and -10 <= float(wanted.min()) < float(wanted.max()) <= 10


def test_a_room_falls_by_60_dB_in_its_time_and_nothing_comes_before_the_sound():
    x = torch.full((1, 60, 2), -40.0)
    x[0, 10] = 5.0
    nothing = draw_changes(NOTHING, np.random.default_rng(0), 1)
    room = nothing._replace(room=np.array([[0.3, 0.0, 1.0]]))  # 30 frames; as much power in the tail as before it
    levels = change(x, np.array([60]), room, RATE)[0, :, 0]
    assert float(levels[:10].max()) < -39
    assert float(levels[11] - levels[41]) / NEPERS == pytest.approx(60, abs=0.1)
    assert float(levels[11:].exp().sum() / levels[10].exp()) == pytest.approx(1, rel=0.01)


def test_masks_hide_at_most_what_is_asked_for_behind_the_mean():
    x = speech()
    hidden = changed(replace(NOTHING, time_masks=1, time_mask_seconds=0.2), x) != x
    frames = hidden.all(2).sum(1)
    assert torch.equal(hidden.any(2), hidden.all(2)) and 0 < int(frames.max()) <= 20
    whole = np.full(N, T)
    x = torch.from_numpy(np.random.default_rng(0).normal(10, 3, (N, T, BINS)).astype(np.float32))
    masked = changed(replace(NOTHING, frequency_masks=2, frequency_mask_share=0.2), x, whole)
    bands = (masked != x).all(1)
    assert torch.equal(bands, (masked != x).any(1)) and 0 < int(bands.sum(1).max()) <= 8
    torch.testing.assert_close(masked.mean(1), x.mean(1))


def test_rows_of_draws():
    draws = draw_changes(AugmentOptions(), np.random.default_rng(0), N)
    rows = draws.of(np.array([4, 1]))
    assert isinstance(rows, Draws) and all(np.array_equal(a, b[[4, 1]]) for a, b in zip(rows, draws, strict=True))
