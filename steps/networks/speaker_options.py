"""Options of the networks that recognise speakers, and the published sizes of `preset: original`; without torch.

`NetworkOptions().resolved()` gives the options that count: under `preset: original` those of the published classifier
of LibriSpeech that compares Mamba with conv1d, conv2d and a transformer.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

from utils.command import logger
from utils.option_values import as_dict
from utils.options import option

log = logger(__name__)
CONVOLUTIONS = ("conv1d", "conv2d", "conv2d_freq")
MAMBAS = ("mamba1", "mamba2", "bimamba2")
NETWORKS = (*CONVOLUTIONS, "transformer", *MAMBAS)
PRESETS = ("modern", "original")
POOLINGS = ("mean", "statistics", "attentive")
NORMALISATIONS = ("none", "mean", "mean_variance")
LOSSES = ("softmax", "aam")
NO_REFIT, DISCRIMINANT = REFITS = ("none", "discriminant")
WIDTHS, STAGE_WIDTHS = (256, 256, 256, 256), (16, 32, 64)
# of the published classifier; what it has not is switched off
OF_ALL = {"pooling": "mean", "normalise": "none", "loss": "softmax", "stride": 1, "label_smoothing": 0.0}
OF_ALL |= {"deltas": 0, "aggregate": False, "skip": False, "frame_layer": 0, "refit": NO_REFIT}
OF_CONVOLUTIONS = {"widths": (128, 128, 256, 512), "kernel": 3, "dilations": (1,), "dropout": 0.5, "embedding_dim": 512}
OF_SEQUENCES = {"layers": 3, "width": 512, "heads": 4, "ff": 512, "dropout": 0.1, "embedding_dim": 512}
OF_MAMBAS = OF_SEQUENCES | {"d_state": 32, "d_conv": 4, "expand": 2, "dt_rank": 32}


def _words(widths: tuple[int, ...]) -> str:
    return ",".join(map(str, widths))


@dataclass(frozen=True)
class NetworkOptions:
    """A network from features to an embedding and to scores of speakers."""

    network: str = option("conv1d", "kind of network", choices=NETWORKS)
    preset: str = option(
        "modern",
        "original: the sizes, pooling and loss of the published classifier, whatever the other options say",
        choices=PRESETS,
    )
    widths: tuple[int, ...] = option(
        (),
        f"channels of each layer of conv1d and conv2d (default: {_words(WIDTHS)}), of each stage of conv2d_freq"
        f" (default: {_words(STAGE_WIDTHS)})",
        least=1,
        most=4096,
    )
    kernel: int = option(3, "convolutions: frames of a kernel, an odd number", least=1, most=99)
    dilations: tuple[int, ...] = option(
        (1, 2, 3, 4),
        "conv1d, conv2d: frames between those of a kernel, layer by layer, counted round",
        least=1,
        most=100,
    )
    blocks: int = option(1, "conv2d_freq: residual blocks of a stage", least=1, most=100)
    layers: int = option(3, "transformer, Mamba: layers", least=1, most=100)
    width: int = option(256, "transformer, Mamba: channels of a frame", least=1, most=4096)
    heads: int = option(4, "transformer: heads, a divisor of width", least=1, most=64)
    ff: int = option(512, "transformer: channels inside a feed-forward block", least=1, most=65_536)
    d_state: int = option(32, "Mamba: size of the state of a channel", least=1, most=1024)
    d_conv: int = option(4, "Mamba: frames of the causal convolution", least=1, most=16)
    expand: int = option(2, "Mamba: inner channels for each outer one", least=1, most=16)
    dt_rank: int = option(0, "Mamba-1: rank of the step sizes; 0: width / 16", least=0, most=4096)
    head_dim: int = option(64, "Mamba-2: channels of a head, a divisor of expand * width", least=1, most=1024)
    chunk: int = option(64, "Mamba-2: frames that are worked on at once", least=1, most=4096)
    stride: int = option(
        1,
        "transformer, Mamba: frames that are joined to one before the first layer; conv1d: steps of that layer",
        least=1,
        most=16,
    )
    dropout: float = option(0.1, "share of channels that training leaves out", least=0, most=0.99)
    frame_layer: int = option(
        0,
        "channels of a last layer before pooling, of a frame and its features; 0: no such layer",
        least=0,
        most=65_536,
    )
    pooling: str = option("statistics", "from frames to one vector", choices=POOLINGS)
    attention: int = option(128, "attentive pooling: channels of its hidden layer", least=1, most=4096)
    embedding_dim: int = option(192, "D of the embedding", least=1, most=65_536)
    normalise: str = option(
        "mean", "each band of an utterance: less its mean, or also over its deviation", choices=NORMALISATIONS
    )
    deltas: int = option(0, "slopes of the bands as further bands: 1 first, 2 second ones too", least=0, most=2)
    aggregate: bool = option(False, "pool the frames of all layers, not of the last alone; not of conv2d_freq")
    skip: bool = option(False, "mean and deviation of the bands beside what is pooled of the layers")
    loss: str = option("aam", "softmax, or with an additive angular margin", choices=LOSSES)
    margin: float = option(0.2, "aam: radians, once a schedule has reached it", least=0, most=3)
    aam_scale: float = option(30.0, "aam: factor of the cosines", above=0, most=1000)
    label_smoothing: float = option(0.0, "share of the target that is spread over all speakers", least=0, most=0.99)
    refit: str = option(
        NO_REFIT,
        "discriminant: once training has ended, the embedding is fitted anew in closed form, by LDA of what is pooled"
        " and of the long-term mean and deviation of the bands",
        choices=REFITS,
    )
    refit_groups: int = option(4, "discriminant: groups of pooled channels with an LDA of their own", least=1, most=64)
    refit_dim: int = option(100, "discriminant: directions of each, at most", least=1, most=4096)
    refit_ridge: float = option(
        0.003, "discriminant: added to each variance within speakers, as a share of it", above=0, most=1
    )
    recompute: bool = option(False, "compute each layer again for its gradient instead of keeping what it computed")

    def resolved(self) -> Self:
        """The options that count: under `preset: original` the published ones; the log says what they replace."""
        if self.preset != "original":
            usual = STAGE_WIDTHS if self.network == "conv2d_freq" else WIDTHS
            return self if self.widths else replace(self, widths=usual)
        known = {field.name for field in fields(NetworkOptions)}
        wanted = {name: value for name, value in _published(self.network).items() if name in known}
        changed = replace(self, **wanted)
        before, after = as_dict(self), as_dict(changed)
        told = [
            f"{field.name} is {after[field.name]}, not {before[field.name]}"
            for field in fields(self)
            if before[field.name] != after[field.name] and getattr(self, field.name) != field.default
        ]
        if told:
            log.info("preset original: %s", "; ".join(told))
        return changed

    @classmethod
    def of(cls, options: Any) -> "NetworkOptions":
        """These options from those of a command that extends them."""
        return NetworkOptions(**{field.name: getattr(options, field.name) for field in fields(NetworkOptions)})


def _published(network: str) -> dict[str, Any]:
    """The published values for a network. What it calls conv2d has no frequency axis; its Mamba is Mamba-1."""
    if network in CONVOLUTIONS:
        return OF_ALL | OF_CONVOLUTIONS | {"network": "conv1d" if network == "conv1d" else "conv2d"}
    return OF_ALL | (OF_MAMBAS if network in MAMBAS else OF_SEQUENCES)
