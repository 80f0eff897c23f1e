"""The back-end `eres2netv2`: ERes2NetV2 with a checkpoint of 3D-Speaker."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steps.embed.torch_backend import TorchBackend, WeightOptions
from steps.features.fbank import QuickFbank
from utils.options import option

if TYPE_CHECKING:
    from torch import nn

    from steps.networks.eres2netv2 import ERes2NetV2

UNSCALED = 1.0  # 3D-Speaker gives its filter banks waveforms in -1..1, not Kaldi's 16 bits


@dataclass(frozen=True)
class Options(WeightOptions):
    """Options of ERes2NetV2."""

    model_config: Path | None = option(
        None,
        "sizes: 3D-Speaker's config.yaml, or configuration.json of a published folder; without, those of the"
        " published model with 17.9 M parameters",
    )


class ERes2NetV2Backend(TorchBackend):
    """Embeddings of 192 dimensions, unless the sizes say otherwise."""

    Options, name, dim = Options, "eres2netv2", 192
    precision = "bf16"

    def build(self) -> "nn.Module":
        from steps.networks.eres2netv2 import ERes2NetV2, ERes2NetV2Sizes
        from steps.networks.published_sizes import read_sizes

        options: Options = self.options
        sizes = ERes2NetV2Sizes() if options.model_config is None else read_sizes(options.model_config)
        self.dim, self.fbank = sizes.dim, QuickFbank(sizes.bins, UNSCALED)
        return ERes2NetV2(sizes)

    def for_gpu(self, network: "ERes2NetV2") -> "ERes2NetV2":
        """With channels that tensor cores take."""
        return network.aligned()
