"""Networks that train no more, made ready to embed: less work for the same embedding, up to rounding.

    fold(block, "conv1", "bn1")         # the normalisation becomes a part of the convolution
    lay_out_for_processor(network)      # convolutions of images, whose channels then lie side by side

A normalisation with fixed statistics is a factor and a term for each channel, so the convolution before it can have
them in its weights. On a processor each pass over the activations that is saved counts.
"""

import torch
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval


def fold(network: nn.Module, convolution: str, norm: str) -> None:
    """Multiply a normalisation in evaluation mode into the convolution whose output it takes; both by their names."""
    fused = fuse_conv_bn_eval(network.get_submodule(convolution), network.get_submodule(norm))
    network.set_submodule(convolution, fused)
    network.set_submodule(norm, nn.Identity())


def lay_out_for_processor(network: nn.Module) -> None:
    """Let oneDNN compute the convolutions of a network for images, with the channels of a point side by side.

    With one thread torch leaves those of single points to a slower path, unless they are strided or dilated, or the
    batch has 16 items. To dilate a single point changes nothing; so all batches take one path.
    """
    network.to(memory_format=torch.channels_last)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            module.dilation = (2, 2)
