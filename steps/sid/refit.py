"""The last layer of a trained network anew, in closed form: LDA of what it makes of all training utterances.

Each group of summaries (`steps.networks.discriminant`) has directions of its own (`steps.metrics.discriminants`).
Versions of an utterance (perturbed copies) count as utterances: what they change is variation within a speaker, which
the directions avoid.

Sums over utterances are all that is kept, so memory does not grow with the corpus.
"""

from collections.abc import Iterator

import numpy as np
import torch

from steps.metrics.discriminants import discriminants
from steps.metrics.plda import SpeakerStatistics
from steps.networks.speaker_network import SpeakerNetwork
from steps.sid.packed_frames import PackedFrames
from steps.sid.speech_set import SpeechSet
from utils.command import logger
from utils.errors import InputError

log = logger(__name__)


def refit(network: SpeakerNetwork, speech: SpeechSet, frames: PackedFrames, device: str) -> None:
    """Fit the discriminant of a network to a training set, and the speakers' means to its embeddings."""
    labels = speech.utterance_labels
    network.eval()
    network.discriminant.fitted.fill_(0.0)
    statistics, centre = gather(network, speech, frames, labels, device)
    ridge = network.options.refit_ridge
    shrinkage = ridge / (1 + ridge)  # the same directions, but for their common length, which no cosine sees
    directions = [
        discriminants(_of_channels(statistics, members.numpy()), shrinkage)[: len(own)]
        for members, own in zip(network.discriminant.members, network.discriminant.directions, strict=True)
    ]
    overall = statistics.means.mean(axis=0) + centre
    network.discriminant.set_directions(torch.from_numpy(overall), [torch.from_numpy(one) for one in directions])
    sums = torch.zeros_like(network.discriminant.means, dtype=torch.float64)
    with torch.inference_mode():
        for rows, features, lengths in _batches(frames, device):
            sums.index_add_(0, torch.from_numpy(labels[rows]).to(device), network.embed(features, lengths).double())
    counts = torch.from_numpy(np.bincount(labels, minlength=len(sums))).to(sums)
    network.discriminant.means.copy_(sums / counts[:, None])
    log.info("the embedding is refitted to %d utterances: %d dimensions", len(labels), network.dim)


def check_refit(speech: SpeechSet) -> None:
    """Raise InputError for a training set that tells nothing of the variation within speakers."""
    if len(speech.utterances) == len(speech.names):
        raise InputError(
            f"{speech.path}: each speaker has one utterance; refit: discriminant needs more, or perturbed copies"
            " (make_feats.sh --copies)"
        )


def gather(
    network: SpeakerNetwork, speech: SpeechSet, frames: PackedFrames, labels: np.ndarray, device: str
) -> tuple[SpeakerStatistics, np.ndarray]:
    """Statistics of all utterances' summaries less a centre, and that centre (N + P,)."""
    n_speakers, centre, sums, total = len(speech.names), None, None, None
    with torch.inference_mode():
        for rows, features, lengths in _batches(frames, device):
            x = torch.cat(network.summaries(features, lengths), dim=1).double().cpu().numpy()
            if centre is None:
                centre = x.mean(axis=0)
                sums, total = np.zeros((n_speakers, len(centre))), np.zeros((len(centre), len(centre)))
            x -= centre
            np.add.at(sums, labels[rows], x)
            total += x.T @ x
    counts = np.bincount(labels, minlength=n_speakers)
    means = sums / counts[:, None]
    return SpeakerStatistics(counts, means, total - (means * counts[:, None]).T @ means), centre


def _of_channels(statistics: SpeakerStatistics, members: np.ndarray) -> SpeakerStatistics:
    """The statistics of some of the channels."""
    means, scatter = statistics.means[:, members], statistics.scatter[np.ix_(members, members)]
    return SpeakerStatistics(statistics.counts, means, scatter)


def _batches(frames: PackedFrames, device: str) -> Iterator[tuple[np.ndarray, torch.Tensor, torch.Tensor]]:
    """All utterances in batches of like length: their numbers, features (n, T, bins) and lengths (n,)."""
    for rows, cut in frames.batches(frames.lengths):
        yield rows, torch.from_numpy(cut).to(device).float(), torch.from_numpy(frames.lengths[rows])
