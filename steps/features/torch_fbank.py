"""The filter banks of `steps.features.fbank` in torch, for many waveforms at once, on the device where they lie.

Input: waveforms of different lengths, padded to one. Output: features, padded with zeros, and the frames of each. They
equal those of kaldi_native_fbank within .001, but for its rounding: it computes in single precision, of which near
silence leaves less. Here spectra are computed in double precision: it costs a GPU nothing that can be noticed.
"""

import torch
from torch import Tensor, nn

from steps.features.fbank import Fbank
from steps.features.logmel import PRE_EMPHASIS, LogMel, LogMelOptions


class TorchFbank(nn.Module):
    """Waveforms (B, samples) float32 in -1..1 and the samples of each (B,) -> features (B, T, bins), frames (B,).

    Args:
        fbank: what is computed; its window is Povey's.
    """

    def __init__(self, fbank: Fbank):
        super().__init__()
        if fbank.window != "povey":
            raise ValueError(f"a window of {fbank.window}, expected povey")
        plan = LogMel(LogMelOptions(bins=fbank.bins)).plan(fbank.sample_rate)
        self.window, self.shift, self.fft, self.floor = plan.window, plan.shift, plan.fft, float(plan.floor)
        self.scale, self.subtract_mean = fbank.scale, fbank.subtract_mean
        self.register_buffer("taper", torch.from_numpy(plan.taper).double(), persistent=False)  # (window,)
        self.register_buffer("bands", torch.from_numpy(plan.bands), persistent=False)  # (fft / 2 + 1, bins)

    def forward(self, waveforms: Tensor, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Whole windows only, as Kaldi has them by default."""
        frames = (samples - self.window).div(self.shift, rounding_mode="floor").add(1).clamp_min(0)
        features = self._log_mel((waveforms.double() * self.scale).unfold(1, self.window, self.shift))
        there = (torch.arange(features.shape[1], device=features.device) < frames[:, None])[..., None]  # (B, T, 1)
        if self.subtract_mean:
            mean = features.masked_fill(~there, 0).sum(1, keepdim=True) / frames.clamp_min(1)[:, None, None]
            features = features - mean
        return features.masked_fill(~there, 0), frames

    def _log_mel(self, windows: Tensor) -> Tensor:
        """Log energies (B, T, bins) float32 of windows (B, T, window) float64."""
        centred = windows - windows.mean(-1, keepdim=True)
        before = torch.cat((centred[..., :1], centred[..., :-1]), dim=-1)
        spectrum = torch.fft.rfft((centred - PRE_EMPHASIS * before) * self.taper, self.fft)  # (B, T, fft / 2 + 1)
        power = spectrum.real.square() + spectrum.imag.square()
        return (power.float() @ self.bands).clamp_min(self.floor).log()
