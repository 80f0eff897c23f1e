"""A network that recognises speakers: from features to an embedding, and from it to a score for each speaker.

    network = SpeakerNetwork(NetworkOptions(network="conv1d"), bins=80, n_speakers=331)
    embeddings = network.embed(features, lengths)        # (B, T, bins), (B,) -> (B, D)
    loss = network.loss(embeddings, labels, margin=0.2)

An utterance has the same embedding alone and in any batch: every layer knows which frames are padding.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from steps.networks.conv1d import ConvFrames
from steps.networks.conv2d_freq import FrequencyConvFrames
from steps.networks.discriminant import Discriminant
from steps.networks.mamba_frames import MambaFrames
from steps.networks.margin import AngularMargin
from steps.networks.masks import MaskedBatchNorm, joined_frames, mask_of, slopes, zero_padding
from steps.networks.pooling import AttentivePooling, MeanPooling, StatisticsPooling, masked_mean, masked_statistics
from steps.networks.speaker_options import CONVOLUTIONS, DISCRIMINANT, NetworkOptions
from steps.networks.transformer import TransformerFrames
from utils.errors import InputError

VARIANCE_LEAST = 1e-5  # of a band, where it is divided by its deviation
WIDE = 1024  # channels between pooling and embedding of the published convolutions


class SpeakerNetwork(nn.Module):
    """Features (B, T, bins) -> embeddings (B, D) -> scores (B, S).

    Args:
        options: of the network; those that count are in `options` afterwards.
        bins: of a frame.
        n_speakers: S.

    Attributes:
        discriminant: None without `refit`; once it is fitted, embeddings and scores are its own.
    """

    def __init__(self, options: NetworkOptions, bins: int, n_speakers: int):
        super().__init__()
        self.options, self.bins, self.n_speakers = NetworkOptions.of(options).resolved(), bins, n_speakers
        options = self.options
        bands = bins * (1 + options.deltas)
        self.frames = make_frames(options, bands)
        self.frame_layer: FrameLayer | None = None
        if options.frame_layer:
            self.frame_layer = FrameLayer(self.frames.width + bands * options.stride, options.frame_layer)
        self.pool = make_pooling(options, options.frame_layer or self.frames.width)
        pooled = self.pool.width + 2 * bands * options.skip
        self.embedding = make_embedding(options, pooled)
        self.learned_dim = pooled if isinstance(self.embedding, nn.Identity) else options.embedding_dim
        if options.loss == "aam":
            self.classifier: nn.Module = AngularMargin(self.learned_dim, n_speakers, options.aam_scale)
        else:
            self.classifier = nn.Linear(self.learned_dim, n_speakers)
        self.discriminant: Discriminant | None = None
        if options.refit == DISCRIMINANT:
            sizes = (2 * bins, pooled, n_speakers, options.refit_groups, options.refit_dim)
            self.discriminant = Discriminant(*sizes, options.aam_scale)

    @property
    def dim(self) -> int:
        """D."""
        return self.discriminant.dim if self.is_refitted else self.learned_dim

    @property
    def is_refitted(self) -> bool:
        """Whether embeddings and scores are those of the fitted discriminant."""
        return self.discriminant is not None and bool(self.discriminant.fitted)

    def embed(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Embeddings (B, D) float32 of features (B, T, bins); `lengths` (B,) are frames, without: all of T.

        Raises InputError where features are of other bins, or where a length is not 1 to T.
        """
        if self.is_refitted:
            return self.discriminant(*self.summaries(features, lengths))
        return self.embedding(self._pooled(features, self._mask(features, lengths))).float()

    def summaries(self, features: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What a refit is fitted to: mean and deviation of the bands over time (B, 2 bins), and what is pooled (B, P).

        Both are in float32, also under autocast.
        """
        mask = self._mask(features, lengths)
        return masked_statistics(zero_padding(features, mask), mask), self._pooled(features, mask).float()

    def _mask(self, features: Tensor, lengths: Tensor | None) -> Tensor | None:
        if features.dim() != 3 or features.shape[2] != self.bins:
            raise InputError(f"features of shape {tuple(features.shape)}; expected (batch, frames, {self.bins})")
        return mask_of(lengths, features)

    def _pooled(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, bins) -> (B, P)."""
        features = zero_padding(normalised(zero_padding(features, mask), mask, self.options.normalise), mask)
        features = with_deltas(features, mask, self.options.deltas)
        frames, later_mask = self.frames(features, mask)
        if self.frame_layer is not None:
            joined, _ = joined_frames(features, mask, self.options.stride)
            frames = self.frame_layer(torch.cat((joined, frames), dim=2), later_mask)
        pooled = self.pool(frames, later_mask)
        if self.options.skip:
            pooled = torch.cat((pooled, masked_statistics(features, mask)), dim=1)
        return pooled

    def logits(self, embeddings: Tensor) -> Tensor:
        """Scores (B, S) of embeddings (B, D): their softmax are probabilities of the speakers."""
        if self.is_refitted:
            return self.discriminant.scores(embeddings)
        return self.classifier(embeddings)

    def loss(self, embeddings: Tensor, labels: Tensor, margin: float = 0.0, weights: Tensor | None = None) -> Tensor:
        """The mean loss () of embeddings (B, D) with the numbers of their speakers (B,).

        Args:
            margin: of `aam`, in radians; `softmax` has none.
            weights: (B,) of the losses, such as those of the speakers: the mean is over B, so that it is the mean of
                the means of equal parts of a batch.
        """
        if isinstance(self.classifier, AngularMargin):
            scores = self.classifier.with_margin(embeddings, labels, margin)
        else:
            scores = self.classifier(embeddings)
        losses = F.cross_entropy(scores.float(), labels, reduction="none", label_smoothing=self.options.label_smoothing)
        return losses.mean() if weights is None else (losses * weights).mean()

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Scores (B, S) of features (B, T, bins)."""
        return self.logits(self.embed(features, lengths))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The parameters as an optimizer takes them: biases, norms, and A, D and step sizes of Mamba do not decay."""
        decaying, kept = [], []
        for value in self.parameters():
            free = value.dim() < 2 or getattr(value, "_no_weight_decay", False)
            (kept if free else decaying).append(value)
        return [{"params": decaying}, {"params": kept, "weight_decay": 0.0}]


class FrameLayer(nn.Module):
    """Linear, ReLU, batch norm of what the layers made of a frame, and of its features: both are pooled as one."""

    def __init__(self, width: int, channels: int):
        super().__init__()
        self.linear, self.norm = nn.Linear(width, channels), MaskedBatchNorm(channels)

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """Frames (B, T, C) -> (B, T, C')."""
        return self.norm(self.linear(frames).relu().transpose(1, 2), mask).transpose(1, 2)


def make_frames(options: NetworkOptions, bins: int) -> nn.Module:
    """The layers from features (B, T, bins) and a mask to frames (B, T', width) and their mask."""
    if options.kernel % 2 == 0:
        raise InputError(f"kernel: expected an odd number, found {options.kernel}")
    if options.network in ("conv1d", "conv2d"):
        return ConvFrames(options, bins, columns=3 if options.network == "conv2d" else 1)
    if options.network == "conv2d_freq":
        if options.aggregate:
            raise InputError("aggregate: conv2d_freq has frames of different bands in its stages; leave it out")
        return FrequencyConvFrames(options, bins)
    return TransformerFrames(options, bins) if options.network == "transformer" else MambaFrames(options, bins)


def make_pooling(options: NetworkOptions, width: int) -> nn.Module:
    """Pooling of frames (B, T, width)."""
    if options.pooling == "attentive":
        return AttentivePooling(width, options.attention)
    return MeanPooling(width) if options.pooling == "mean" else StatisticsPooling(width)


def make_embedding(options: NetworkOptions, width: int) -> nn.Module:
    """From a pooled vector (B, width) to the embedding; the published transformer and Mamba have nothing here."""
    dim = options.embedding_dim
    if options.preset == "modern":
        return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, dim))
    if options.network in CONVOLUTIONS:
        layers = [nn.Linear(width, WIDE), nn.LayerNorm(WIDE), nn.ReLU(), nn.Linear(WIDE, dim), nn.LayerNorm(dim)]
        return nn.Sequential(*layers)
    return nn.Identity()


def with_deltas(features: Tensor, mask: Tensor | None, orders: int) -> Tensor:
    """Features (B, T, bins) and their slopes of so many orders: (B, T, bins (1 + orders))."""
    bands = [features]
    for _ in range(orders):
        bands.append(slopes(bands[-1], mask))
    return torch.cat(bands, dim=2) if orders else features


def normalised(features: Tensor, mask: Tensor | None, how: str) -> Tensor:
    """Features (B, T, bins) less the mean of each utterance's valid frames, or also over their deviation."""
    if how == "none":
        return features
    centred = features - masked_mean(features, mask)[:, None]
    if how == "mean":
        return centred
    return centred * (masked_mean(centred.square(), mask) + VARIANCE_LEAST).rsqrt()[:, None]
