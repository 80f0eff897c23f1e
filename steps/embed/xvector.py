"""The back-end `xvector`: the time-delay network of Snyder et al. 2018, with weights trained elsewhere."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.embed.torch_backend import TorchBackend, WeightOptions
from steps.features.fbank import SIXTEEN_BITS, QuickFbank
from utils.options import option

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Options(WeightOptions):
    """Options of the x-vector network."""

    bins: int = option(80, "mel bands of its features", least=1, most=1000)
    scale: float = option(
        SIXTEEN_BITS, "factor of the waveform that it was trained with; 1 in 3D-Speaker", above=0, most=10**9
    )
    dim: int = option(512, "of the embedding", least=1, most=65_536)
    hidden: int = option(512, "channels of frame1 to frame4", least=1, most=65_536)
    pooled: int = option(1500, "channels of frame5", least=1, most=65_536)


class XVectorBackend(TorchBackend):
    """x-vectors: the affine part of segment6."""

    Options, name, dim = Options, "xvector", 512

    def build(self) -> "nn.Module":
        from steps.networks.xvector import XVector, XVectorSizes

        options: Options = self.options
        self.dim, self.fbank = options.dim, QuickFbank(options.bins, options.scale)
        return XVector(XVectorSizes(options.bins, options.dim, options.hidden, options.pooled))
