"""The network ERes2NetV2 in plain torch: from filter banks to one embedding per utterance.

Y. Chen et al., "ERes2NetV2: Boosting short-duration speaker verification performance with computational efficiency",
Interspeech 2024. Modules have the names of 3D-Speaker's definition, because checkpoints store tensors by these names.
Its published models have the default sizes (17.9 million parameters) or, where the name ends in "w24s4ep4", base_width
24, scale 4 and expansion 4 (53.5 million).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from steps.networks.aligned import Places, widened_convolution, widened_norm
from steps.networks.folded import fold, lay_out_for_processor
from steps.networks.pooling import pool_statistics

CEILING = 20.0  # activations within blocks are clipped to 0..20
REDUCTION = 4  # the hidden layer of a fusion has this many times fewer channels
ALIGNED = 8  # channels that the tensor cores of a GPU take at a time
STRIDES = (1, 2, 2, 2)  # of the four stages, in time and frequency
FIRST_FUSED_STAGE = 2  # from this stage on, the parts of a block are fused by attention instead of added


@dataclass(frozen=True)
class ERes2NetV2Sizes:
    """The sizes of the network.

    Attributes:
        bins: F, filter banks of a frame, a multiple of 8. dim: D of the embedding. channels: of the first stage; each
            further stage has twice as many. blocks: of each stage.
        base_width, scale, expansion: a block of c channels computes `scale` parts of c * base_width / 64 channels, one
            after the other, and returns c * expansion channels.
        two_layers: a second affine layer follows the first, as in some recipes.
    """

    bins: int = 80
    dim: int = 192
    channels: int = 64
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    base_width: int = 26
    scale: int = 2
    expansion: int = 2
    two_layers: bool = False


class ERes2NetV2(nn.Module):
    """Filter banks (B, T, F) -> embeddings (B, D); T of 9 frames or more, since the last stage needs two."""

    def __init__(self, sizes: ERes2NetV2Sizes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, sizes.channels, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(sizes.channels)
        width_in = sizes.channels
        for stage in range(4):
            width = sizes.channels * 2**stage
            self.add_module(f"layer{stage + 1}", _stage(stage, width_in, width, sizes))
            width_in = width * sizes.expansion
        self.layer3_ds = nn.Conv2d(width_in // 2, width_in, kernel_size=3, stride=2, padding=1, bias=False)
        self.fuse34 = Fusion(width_in)
        self.seg_1 = nn.Linear(2 * width_in * sizes.bins // 8, sizes.dim)
        self.seg_bn_1 = nn.BatchNorm1d(sizes.dim, affine=False) if sizes.two_layers else nn.Identity()
        self.seg_2 = nn.Linear(sizes.dim, sizes.dim) if sizes.two_layers else nn.Identity()

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Embed a batch whose items are equally long, or have as many frames as `lengths` (B,) says, then zeros."""
        maps = features.transpose(1, 2)[:, None]  # (B, 1, F, T): an image whose height is frequency
        maps = self.bn1(self.conv1(maps)).relu_()  # (B, C, F, T)
        bounds = None if lengths is None else Bounds.of(lengths, maps)
        for stage, stride in zip((self.layer1, self.layer2, self.layer3, self.layer4), STRIDES, strict=True):
            third, of_third, bounds = maps, bounds, bounds and bounds.strided(stride)
            for block in stage:
                maps = block(maps, bounds)
        if of_third is not None:
            third = third * (of_third.upper > 0)
        # third (B, 4 C expansion, F / 4, T / 4), maps (B, 8 C expansion, F / 8, T / 8)
        fused = self.fuse34(maps, self.layer3_ds(third))
        embedding = self.seg_1(pool_statistics(fused.flatten(1, 2), bounds and bounds.lengths))
        if isinstance(self.seg_2, nn.Identity):
            return embedding
        return self.seg_2(self.seg_bn_1(torch.relu(embedding)))

    def folded(self) -> "ERes2NetV2":
        """Change this network so that it embeds fast on a processor, and trains no more."""
        fold(self, "conv1", "bn1")
        for module in self.modules():
            for pair in module.pairs() if isinstance(module, Block | Fusion) else ():
                fold(module, *pair)
        lay_out_for_processor(self)
        return self

    def aligned(self) -> "ERes2NetV2":
        """Change this network in evaluation mode so that it embeds fast on a GPU: no odd numbers of channels."""
        for module in list(self.modules()):
            if isinstance(module, Block):
                module.align()
        return self


class Bounds(NamedTuple):
    """What activations are clipped to: 0 to `CEILING` in the frames of an item, 0 in its padding.

    A convolution of several frames then sees in the padding what it sees beyond the end of an item alone. What only
    convolutions of single frames see is clipped without, which takes less time.

    Attributes:
        lower: 0, a tensor without axes. upper: (B, 1, 1, T). lengths: frames (B,) of each item.
    """

    lower: Tensor
    upper: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, lengths: Tensor, maps: Tensor) -> "Bounds":
        """For maps (B, C, F, T) of items of these lengths (B,)."""
        there = torch.arange(maps.shape[-1], device=maps.device) < lengths[:, None]  # (B, T)
        return cls(maps.new_zeros(()), CEILING * there[:, None, None].to(maps), lengths)

    def strided(self, stride: int) -> "Bounds":
        """For the maps after a step of so many frames from the first on."""
        return Bounds(self.lower, self.upper[..., ::stride], (self.lengths + stride - 1) // stride)


def _stage(number: int, width_in: int, width: int, sizes: ERes2NetV2Sizes) -> nn.Sequential:
    fused, width_out = number >= FIRST_FUSED_STAGE, width * sizes.expansion
    first = Block(width_in, width, STRIDES[number], fused, sizes)
    rest = [Block(width_out, width, 1, fused, sizes) for _ in range(sizes.blocks[number] - 1)]
    return nn.Sequential(first, *rest)


class Block(nn.Module):
    """A residual block whose parts are computed one after the other, each from its input and the part before."""

    def __init__(self, width_in: int, width: int, stride: int, fused: bool, sizes: ERes2NetV2Sizes):
        super().__init__()
        self.part, width_out = width * sizes.base_width // 64, width * sizes.expansion
        self.conv1 = nn.Conv2d(width_in, self.part * sizes.scale, kernel_size=1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(self.part * sizes.scale)
        same = [nn.Conv2d(self.part, self.part, kernel_size=3, padding=1, bias=False) for _ in range(sizes.scale)]
        self.convs = nn.ModuleList(same)
        self.bns = nn.ModuleList(nn.BatchNorm2d(self.part) for _ in range(sizes.scale))
        self.fuse_models = nn.ModuleList(Fusion(self.part) for _ in range(sizes.scale - 1)) if fused else None
        self.conv3 = nn.Conv2d(self.part * sizes.scale, width_out, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width_out)
        self.shortcut = nn.Sequential()
        if stride != 1 or width_in != width_out:
            projection = nn.Conv2d(width_in, width_out, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(width_out))

    def pairs(self) -> list[tuple[str, str]]:
        """Each convolution by its name, and the normalisation that follows it."""
        numbers = range(len(self.convs))
        shortcut = [("shortcut.0", "shortcut.1")] if len(self.shortcut) else []
        return [("conv1", "bn1"), ("conv3", "bn3"), *((f"convs.{n}", f"bns.{n}") for n in numbers), *shortcut]

    def align(self) -> None:
        """Fill the channels of the parts up to a multiple of ALIGNED, with zeros."""
        one, all_parts = (Places.of([self.part] * n, ALIGNED) for n in (1, len(self.convs)))
        self.conv1, self.bn1 = widened_convolution(self.conv1, all_parts), widened_norm(self.bn1, all_parts)
        for number, (convolution, norm) in enumerate(zip(self.convs, self.bns, strict=True)):
            self.convs[number] = widened_convolution(convolution, one, one)
            self.bns[number] = widened_norm(norm, one)
        for fusion in self.fuse_models or ():
            fusion.align(one, Places.of([self.part] * 2, ALIGNED))
        self.conv3 = widened_convolution(self.conv3, inputs=all_parts)
        self.part = one.number

    def forward(self, maps: Tensor, bounds: Bounds | None = None) -> Tensor:
        parts = _clip(self.bn1(self.conv1(maps)), bounds).split(self.part, dim=1)
        done: list[Tensor] = []
        for number, part in enumerate(parts):
            if done:
                part = done[-1] + part if self.fuse_models is None else self.fuse_models[number - 1](done[-1], part)
            last = number == len(parts) - 1
            done.append(_clip(self.bns[number](self.convs[number](part)), None if last else bounds))
        return _clip(self.bn3(self.conv3(torch.cat(done, dim=1))).add_(self.shortcut(maps)))


class Fusion(nn.Module):
    """Two maps (B, C, F, T) weighted by attention to both: (1 + a) x + (1 - a) y, with a in -1..1 at each point."""

    def __init__(self, channels: int):
        super().__init__()
        narrow = channels // REDUCTION
        self.local_att = nn.Sequential(
            nn.Conv2d(2 * channels, narrow, kernel_size=1),
            nn.BatchNorm2d(narrow),
            nn.SiLU(),
            nn.Conv2d(narrow, channels, kernel_size=1),
            nn.BatchNorm2d(channels),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """The same as in a block."""
        return [("local_att.0", "local_att.1"), ("local_att.3", "local_att.4")]

    def align(self, one: Places, both: Places) -> None:
        """Take two maps of more channels, `both` next to each other, and give `one`."""
        first, norm, _, last, last_norm = self.local_att
        hidden = Places.of([first.out_channels], ALIGNED)
        self.local_att[0], self.local_att[1] = widened_convolution(first, hidden, both), widened_norm(norm, hidden)
        self.local_att[3], self.local_att[4] = widened_convolution(last, one, hidden), widened_norm(last_norm, one)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        attention = self.local_att(torch.cat((x, y), dim=1)).tanh_()
        return torch.addcmul(x + y, attention, x - y)


def _clip(maps: Tensor, bounds: Bounds | None = None) -> Tensor:
    """Clip in place, as all that no one else needs: passes over memory limit the speed."""
    return maps.clamp_(0, CEILING) if bounds is None else maps.clamp_(bounds.lower, bounds.upper)
