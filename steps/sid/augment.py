"""Random changes of log-mels, as natural logarithms of power, while a network learns: each item has its own.

    y = log(exp(x) * room + noise) + equaliser + gain,  then masks

room: an exponential tail of the power in each band; noise: a floor of a smooth random spectrum; equaliser: a smooth
random frequency response. Masks hide stretches of time and bands of frequency, as in D. S. Park et al., "SpecAugment",
2019; what they hide becomes the band's mean. Changes of the waveform itself are not made here: they come from perturbed
copies of the utterances.

All that is random is drawn in advance, an array with a row for each item: the changes of an item do not depend on its
neighbours, on the device, or on the process that applies them.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from steps.sid.options import AugmentOptions

NEPERS = math.log(10) / 10  # of a dB, in natural logarithms of power
TERMS = 8  # cosines of a smooth curve over the bins
LEAST_ROOM = 0.1  # seconds in which the tail of the smallest room falls by 60 dB
TAIL_DB = (-3.0, 15.0)  # power of the direct sound over that of the tail
NOISE_RANGE = 20.0  # dB between the highest and the lowest ratio of speech to noise
NOISE_SHAPE_DB = 10.0  # deviation of the spectrum of a noise
NOISE_FRAMES = 4099  # frames of noise, from which each item's noise is taken
NOISE_FLICKER = 0.5  # deviation of a noise's power in a frame and bin, in nepers


class Draws(NamedTuple):
    """What is random in the changes of n items.

    Attributes:
        equaliser: (n, TERMS) normal, of the curve in dB. gain: (n,) dB.
        room: (n, 3) seconds, dB of the direct sound over the tail, and 1 or 0: with a tail or without.
        noise: (n, 3) dB of speech over noise, first frame in the table of noise, 1 or 0.
        noise_shape: (n, TERMS) normal, of the curve in dB.
        times: (n, M, 2) of each mask the length in seconds, and where it lies, from 0 to 1.
        bands: (n, M, 2) of each mask the width as a share of the bins, and where it lies, from 0 to 1.
    """

    equaliser: np.ndarray
    gain: np.ndarray
    room: np.ndarray
    noise: np.ndarray
    noise_shape: np.ndarray
    times: np.ndarray
    bands: np.ndarray

    def of(self, rows: np.ndarray) -> "Draws":
        """Those of some items."""
        return Draws(*(values[rows] for values in self))


def draw_changes(options: AugmentOptions, rng: np.random.Generator, n: int) -> Draws:
    """Draw the changes of n items."""
    uniform, normal = rng.random, rng.standard_normal
    longest = max(options.room_seconds, LEAST_ROOM)
    room = [LEAST_ROOM + (longest - LEAST_ROOM) * uniform(n), rng.uniform(*TAIL_DB, n), uniform(n) < options.room_share]
    snr = options.noise_snr - NOISE_RANGE * uniform(n)
    noise = [snr, rng.integers(NOISE_FRAMES, size=n), uniform(n) < options.noise_share]
    most = ((options.time_masks, options.time_mask_seconds), (options.frequency_masks, options.frequency_mask_share))
    masks = [uniform((n, count, 2)) * [size, 1.0] for count, size in most]
    return Draws(
        equaliser=options.equaliser_db * normal((n, TERMS)),
        gain=options.gain_db * (2 * uniform(n) - 1),
        room=np.stack(room, axis=1).astype(float),
        noise=np.stack(noise, axis=1).astype(float),
        noise_shape=NOISE_SHAPE_DB * normal((n, TERMS)),
        times=masks[0],
        bands=masks[1],
    )


def change(features: Tensor, lengths: np.ndarray, draws: Draws, frame_rate: float) -> Tensor:
    """Changed features (n, T, bins) float32 of the given ones, whose valid frames are `lengths` (n,)."""
    bins, device = features.shape[2], features.device
    made = Draws(*(torch.from_numpy(values.astype(np.float32)).to(device) for values in draws))
    valid = torch.arange(features.shape[1], device=device) < torch.from_numpy(lengths).to(device)[:, None]  # (n, T)
    if draws.room[:, 2].any():
        features = _in_rooms(features, made.room, frame_rate)
    if draws.noise[:, 2].any():
        features = _with_noise(features, valid, made)
    curve = made.equaliser @ _cosines(bins).to(device) + made.gain[:, None]  # (n, bins) dB
    features = features + NEPERS * curve[:, None]
    return _masked(features, valid, torch.from_numpy(lengths).to(features), made, frame_rate)


def _in_rooms(features: Tensor, room: Tensor, frame_rate: float) -> Tensor:
    """Add to the power of each frame that of the frames before it, fading; nothing of a later frame."""
    fade = 10 ** (-6 / (room[:, 0] * frame_rate))  # (n,) of power, from frame to frame
    share = 10 ** (-room[:, 1] / 10) * (1 - fade) / fade * room[:, 2]  # of the tail's power in its first frame
    top = features.amax(dim=(1, 2), keepdim=True)
    power = (features - top).exp()
    tail, step = power, 1
    while step < features.shape[1]:  # sums over 1, 2, 4, ... frames
        late = fade[:, None, None] ** step * tail[:, :-step]
        tail = torch.cat([tail[:, :step], tail[:, step:] + late], dim=1)
        step *= 2
    before = torch.nn.functional.pad(tail[:, :-1], (0, 0, 1, 0)) * fade[:, None, None]
    return (power + share[:, None, None] * before).clamp_min(1e-30).log() + top


def _with_noise(features: Tensor, valid: Tensor, made: Draws) -> Tensor:
    """Add a floor of noise, at a ratio to the mean power of the valid frames."""
    weights = valid[:, :, None] / valid.sum(1)[:, None, None]
    inside = features.masked_fill(~valid[:, :, None], -torch.inf)
    top = inside.amax(dim=(1, 2), keepdim=True)
    level = ((inside - top).exp() * weights).sum(1).mean(1).log() + top[:, 0, 0]  # (n,)
    shape = NEPERS * made.noise_shape @ _cosines(features.shape[2]).to(features.device)  # (n, bins)
    floor = (level - NEPERS * made.noise[:, 0])[:, None] + shape - shape.exp().mean(1, keepdim=True).log()
    frames = made.noise[:, 1].long()[:, None] + torch.arange(features.shape[1], device=features.device)
    flicker = _noise_table(features.shape[2]).to(features.device)[frames % NOISE_FRAMES]  # (n, T, bins)
    noisy = torch.logaddexp(features, floor[:, None] + flicker)
    return torch.where(made.noise[:, 2].bool()[:, None, None], noisy, features)


def _masked(features: Tensor, valid: Tensor, lengths: Tensor, made: Draws, frame_rate: float) -> Tensor:
    """Put the band's mean over the valid frames where a mask is."""
    means = (features.masked_fill(~valid[:, :, None], 0).sum(1) / lengths[:, None])[:, None]  # (n, 1, bins)
    sizes = torch.minimum(made.times[:, :, 0] * frame_rate, lengths[:, None] / 2)
    hidden = _covered(sizes, made.times[:, :, 1], lengths, features.shape[1])[:, :, None]
    whole = torch.full_like(lengths, features.shape[2])
    bands = _covered(made.bands[:, :, 0] * whole[:, None], made.bands[:, :, 1], whole, features.shape[2])[:, None]
    return torch.where(hidden | bands, means, features)


def _covered(sizes: Tensor, places: Tensor, totals: Tensor, n: int) -> Tensor:
    """Which (B, n) positions masks of `sizes` (B, M) cover that lie at `places` (B, M), 0 to 1, of `totals` (B,)."""
    sizes = sizes.round()[:, :, None]
    begins = (places[:, :, None] * (totals[:, None, None] - sizes + 1)).floor()
    positions = torch.arange(n, device=sizes.device)
    return ((positions >= begins) & (positions < begins + sizes)).any(1)


@cache
def _cosines(bins: int) -> Tensor:
    """(TERMS, bins): cosines of 1 to TERMS half periods, the slower the stronger; together of deviation 1."""
    orders = np.arange(1, TERMS + 1)
    curves = np.cos(np.pi * orders[:, None] * (np.arange(bins) + 0.5) / bins) / orders[:, None]
    return torch.from_numpy((curves / math.sqrt((0.5 / orders**2).sum())).astype(np.float32))


@cache
def _noise_table(bins: int) -> Tensor:
    """(NOISE_FRAMES, bins): how the power of a steady noise flickers, in nepers."""
    values = np.random.default_rng(0).standard_normal((NOISE_FRAMES, bins), dtype=np.float32)
    return torch.from_numpy(NOISE_FLICKER * values)
