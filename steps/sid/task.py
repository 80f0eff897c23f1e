"""The training task of a network that tells speakers apart: batches, loss, figures, and the network that is left."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steps.networks.speaker_network import SpeakerNetwork
from steps.networks.speaker_options import NetworkOptions
from steps.sid.augment import change
from steps.sid.batches import BatchPlan, SidBatch, speaker_weights
from steps.sid.options import SidOptions
from steps.sid.packed_frames import PackedFrames
from steps.sid.refit import check_refit, refit
from steps.sid.set_figures import SetFigures
from steps.sid.speech_set import SpeechSet
from steps.training.task import Panel, Report
from utils.errors import InputError

PANELS = (
    ("cross-entropy, nats", "loss"),
    ("accuracy", "accuracy"),
    ("equal error rate", "eer"),
)


class SidTask:
    """Minimises the loss of the speakers of parts of utterances (see `steps.training.task.Task`).

    Args:
        sets: the first is learned from, the second decides, a third is only looked at. device: of the network.
    """

    def __init__(self, sets: Sequence[tuple[SpeechSet, PackedFrames]], options: SidOptions, device: str):
        (speech, self.frames), *others = sets
        self.options, self.device, self.rate = options, device, speech.feats.frames_per_second
        torch.manual_seed(options.seed)
        n_speakers = len(speech.names)
        self.network = SpeakerNetwork(NetworkOptions.of(options), self.frames.bins, n_speakers).to(device)
        if self.network.discriminant is not None:
            check_refit(speech)
        self.plan = BatchPlan(speech, options, self.rate)
        self.n_updates, self.repeats = self.plan.n_updates, False
        most = None if options.dev_seconds is None else max(1, round(options.dev_seconds * self.rate))
        self.figures = [SetFigures(one, frames, most, device) for one, frames in others]
        self.weights: Tensor | None = None
        if options.balance == "weights":
            weights = speaker_weights(speech.labels, n_speakers)
            self.weights = torch.from_numpy(weights.astype(np.float32)).to(device)
        self.report = make_report(options.decides, self.figures)
        self.speech = speech

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Those of the network."""
        return self.network.parameter_groups()

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterator[SidBatch]:
        """Parts of utterances, and what changes them."""
        return self.plan.batches(epoch, first, rng)

    def part(self, batch: SidBatch, number: int, of: int) -> tuple[SidBatch, float]:
        """A share of the utterances."""
        return batch.part(number, of)

    def loss(self, batch: SidBatch) -> Tensor:
        """The loss and the accuracy (2,) of a batch."""
        cut = self.frames.cut(batch.numbers, batch.starts, batch.lengths)
        features = torch.from_numpy(cut).to(self.device, non_blocking=True).float()
        if batch.draws is not None:
            with torch.no_grad(), torch.autocast(features.device.type, enabled=False):
                features = change(features, batch.lengths, batch.draws, self.rate)
        labels = torch.from_numpy(batch.labels).to(self.device)
        embeddings = self.network.embed(features, torch.from_numpy(batch.lengths))
        weights = None if self.weights is None else self.weights[labels]
        loss = self.network.loss(embeddings, labels, batch.margin, weights)
        with torch.no_grad():
            right = (self.network.logits(embeddings).argmax(1) == labels).float().mean()
        return torch.stack([loss, right])

    def dev_figures(self) -> dict[str, float]:
        """The figures of dev, and of test where it is looked at."""
        return {name: value for figures in self.figures for name, value in figures.of(self.network).items()}

    def export(self) -> SpeakerNetwork:
        """The network, refitted where its options say so."""
        if self.network.discriminant is not None:
            refit(self.network, self.speech, self.frames, self.device)
        return self.network


def make_report(decides: str, figures: list[SetFigures]) -> Report:
    """What is logged and drawn. The dev set, the first of `figures`, has the figure that decides."""
    dev = figures[0]
    decides = ("loss" if dev.known else "eer") if decides == "auto" else decides
    if f"dev_{decides}" not in dev.names:
        raise InputError(
            f"decides: {decides}: {dev.speech.path} has {' and '.join(dev.names)}, since its speakers are"
            f" {'' if dev.known else 'not '}in train; use decides=auto"
        )
    names = ["train_loss", "train_accuracy", *(name for one in figures for name in one.names)]
    panels = []
    for label, figure in PANELS:
        lines = {name: name.partition("_")[0] for name in names if name.endswith(f"_{figure}")}
        if lines:
            panels.append(Panel(label, lines))
    return Report(
        loss="train_loss",
        also=("train_accuracy",),
        decides=f"dev_{decides}",
        panels=tuple(panels),
        higher_is_better=decides == "accuracy",
    )
