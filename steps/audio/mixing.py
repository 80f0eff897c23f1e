"""One channel out of the channels of a recording, in -1..1 and without an offset, and the faults that were seen.

Samples come in blocks, so that a long recording is never in memory with all of its channels. Whether they must be
mixed in another way is known at their end only: `Levels.better_mix` says so, and the caller decodes them again.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.audio.containers import AudioProblem

SILENT = 1e-4  # of full scale: samples within a range of twice this, three steps of 16 bits, hold no speech
FULL_SCALE, CLIPPED = 0.999, 1e-3  # audio is clipped if more than this share of its samples is at full scale
# A mean of the samples beyond OFFSET, and beyond this share of their deviation, is an offset and is removed. Added to
# segments of LibriSpeech that have none, an offset moves Resemblyzer's embedding to this mean cosine with itself: .001
# (of a mean deviation of .05) to .999, .0025 to .987, .005 to .963, .02 to .899, .05 to .852.
OFFSET, OFFSET_SHARE = 0.0025, 0.02
# Floats beyond LOUDEST_FLOAT, or whole numbers alone, are samples of 16 bits that were not divided by INTEGER_SCALE.
LOUDEST_FLOAT, INTEGER_SCALE = 8.0, 32768.0
LOUDEST_INTEGER = 2 * INTEGER_SCALE  # a conversion of the rate overshoots full scale
CANCELLING = 0.1  # of the power that the mean of independent channels has: channels cancel each other below it


@dataclass(frozen=True)
class Mix:
    """How samples become one channel: (frames, channels) -> (frames,).

    Attributes:
        channel: the only one that is taken, from 0; None: the mean of all.
        scale: the samples are multiplied by it. offset: is subtracted from the product.
        opposite: the channel was chosen because the channels cancel each other.
    """

    channel: int | None = None
    scale: float = 1.0
    offset: float = 0.0
    opposite: bool = False

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """One channel of a block (frames, channels)."""
        if self.channel is None and samples.shape[1] > 1:
            mono = samples.mean(axis=1)
        else:
            mono = np.ascontiguousarray(samples[:, self.channel or 0])
        if self.scale != 1 or self.offset:
            mono = mono * np.float32(self.scale) - np.float32(self.offset)
        return mono


class Levels:
    """What is seen of the samples of an utterance while they are mixed.

    Args:
        path: of the recording, for messages. channels: of the recording. seconds: of the utterance.
        floats: the samples are stored as floats, whose range is not known.
    """

    def __init__(self, path: Path, mix: Mix, channels: int, seconds: float, floats: bool):
        if mix.channel is not None and mix.channel >= channels:
            raise AudioProblem(
                "missing", f"{path}: has no channel {mix.channel}; it has {channels}, which are counted from 0"
            )
        self.path, self.mix, self.channels, self.seconds, self.floats = path, mix, channels, seconds, floats
        self.frames = self.at_full_scale = 0
        self.whole_numbers = floats
        self.peak, self.lowest, self.highest = 0.0, np.inf, -np.inf
        self.squares, self.sums = np.zeros(channels), np.zeros(channels)
        self.mixed_squares = 0.0

    def add(self, samples: np.ndarray) -> np.ndarray:
        """Mix a block (frames, channels) float32, and note its levels. Returns (frames,)."""
        sizes = np.abs(samples)
        peak = float(sizes.max())
        if not np.isfinite(peak):  # NaN too, which max keeps
            raise AudioProblem("corrupt", f"{self.path}: has samples that are no finite numbers")
        if peak > LOUDEST_INTEGER:
            raise AudioProblem(
                "corrupt", f"{self.path}: has samples up to {peak:.4g}, expected -1 to 1 (or 16 bits); scale them"
            )
        self.peak = max(self.peak, peak)
        self.at_full_scale += int(np.count_nonzero(sizes >= FULL_SCALE / self.mix.scale))
        self.whole_numbers = self.whole_numbers and bool((sizes == np.floor(sizes)).all())
        self.frames += len(samples)
        self.sums += samples.sum(axis=0, dtype=np.float64)
        self.squares += np.einsum("fc,fc->c", samples, samples, dtype=np.float64)
        mono = self.mix(samples)
        self.mixed_squares += float(np.einsum("f,f->", mono, mono, dtype=np.float64))
        self.lowest, self.highest = min(self.lowest, float(mono.min())), max(self.highest, float(mono.max()))
        return mono

    def better_mix(self) -> Mix:
        """The mix that these samples need: that of the first pass, or another one for a second."""
        means = self.sums / self.frames  # (channels,)
        powers = self.squares / self.frames - means**2  # (channels,)
        mean, power = means.mean(), self.mixed_squares / self.frames - means.mean() ** 2
        channel, opposite = self.mix.channel, False
        if channel is not None:
            mean, power = means[channel], powers[channel]
        elif self.channels > 1 and power < CANCELLING * powers.mean() / self.channels:
            channel, opposite = int(powers.argmax()), True
            mean, power = means[channel], powers[channel]
        unscaled = self.floats and self.peak >= 1 and (self.whole_numbers or self.peak > LOUDEST_FLOAT)
        scale = 1 / INTEGER_SCALE if unscaled else 1.0
        is_offset = abs(scale * mean) > OFFSET and abs(mean) > OFFSET_SHARE * max(power, 0.0) ** 0.5
        return Mix(channel, scale, scale * float(mean) if is_offset else 0.0, opposite)

    @property
    def is_silent(self) -> bool:
        """Do the mixed samples hold no sound?"""
        return self.highest - self.lowest < 2 * SILENT

    def require_sound(self) -> None:
        """Raise AudioProblem `silent` where the mixed samples hold no sound."""
        if self.is_silent:
            raise AudioProblem("silent", f"{self.path}: {self.seconds:.2f} s without sound")

    def faults(self) -> tuple[str, ...]:
        """Any of `clipped`; `multi_channel` (the waveform is the mean of the channels), `opposite_channels` (they
        cancel each other, and it is the loudest one); `integer_range` (floats that were scaled); `dc_offset` (removed);
        `silent`.
        """
        found = {
            "clipped": self.at_full_scale > CLIPPED * self.frames * self.channels,
            "multi_channel": self.channels > 1 and self.mix.channel is None,
            "opposite_channels": self.mix.opposite,
            "integer_range": self.mix.scale != 1,
            "dc_offset": self.mix.offset != 0,
            "silent": self.is_silent,
        }
        return tuple(fault for fault, there in found.items() if there)
