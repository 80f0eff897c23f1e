"""The last layer of a trained network anew, in closed form: LDA of what it makes of all training utterances.

For each group of summaries (`steps.networks.discriminant`): W is the covariance within speakers, B that of the
speakers' means, both of summaries divided by their deviation within speakers; W gets a ridge. The directions are the
eigenvectors of W^-1 B with the largest eigenvalues, each with variance 1 within speakers. Versions of an utterance
(perturbed copies) count as utterances: what they change is variation within a speaker, which the directions avoid.

Sums over utterances are all that is kept, so memory does not grow with the corpus.
"""

from collections.abc import Iterator

import numpy as np
import torch

from steps.metrics.plda import SpeakerStatistics, diagonalised
from steps.networks.speaker_network import SpeakerNetwork
from steps.sid.packed_frames import PackedFrames
from steps.sid.speech_set import SpeechSet
from utils.command import logger
from utils.errors import InputError

log = logger(__name__)
BATCH_FRAMES = 16_000  # in a batch, unless one utterance has more
LEAST_SCALE = 1e-6  # of the largest deviation within speakers; what varies less is left out


def refit(network: SpeakerNetwork, speech: SpeechSet, frames: PackedFrames, device: str) -> None:
    """Fit the discriminant of a network to a training set, and the speakers' means to its embeddings."""
    labels = np.empty(len(speech.utterances), int)
    for numbers, label in zip(speech.versions, speech.labels, strict=True):
        labels[numbers] = label
    network.eval()
    network.discriminant.fitted.fill_(0.0)
    statistics, centre = gather(network, speech, frames, labels, device)
    ridge = network.options.refit_ridge
    directions = [
        discriminants(statistics, members.numpy(), len(own), ridge)
        for members, own in zip(network.discriminant.members, network.discriminant.directions, strict=True)
    ]
    overall = statistics.means.mean(axis=0) + centre
    network.discriminant.set_directions(torch.from_numpy(overall), [torch.from_numpy(one) for one in directions])
    sums = torch.zeros_like(network.discriminant.means, dtype=torch.float64)
    with torch.inference_mode():
        for rows, features, lengths in batches(frames, device):
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
        for rows, features, lengths in batches(frames, device):
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


def discriminants(statistics: SpeakerStatistics, members: np.ndarray, most: int, ridge: float) -> np.ndarray:
    """The directions (q, channels) of the channels `members`, at most `most`, the best first."""
    counts, means = statistics.counts, statistics.means[:, members]
    within = statistics.scatter[np.ix_(members, members)] / (counts.sum() - len(counts))
    scale = np.sqrt(np.maximum(np.diag(within), 0))
    live = scale > LEAST_SCALE * scale.max()
    scaled = within[np.ix_(live, live)] / np.outer(scale[live], scale[live])
    apart = (means - means.mean(axis=0))[:, live] / scale[live]
    model = diagonalised(np.zeros(len(scaled)), scaled + ridge * np.eye(len(scaled)), apart.T @ apart / len(apart))
    kept = np.argsort(model.psi, kind="stable")[::-1][:most]
    found = np.zeros((len(kept), len(members)))
    found[:, live] = model.transform[kept] / scale[live]
    return found


def batches(frames: PackedFrames, device: str) -> Iterator[tuple[np.ndarray, torch.Tensor, torch.Tensor]]:
    """All utterances in batches of like length: their numbers, features (n, T, bins) and lengths (n,)."""
    rows, begin = np.argsort(frames.lengths, kind="stable")[::-1], 0
    while begin < len(rows):
        end = begin + max(1, BATCH_FRAMES // int(frames.lengths[rows[begin]]))
        own, begin = rows[begin:end].copy(), end
        cut = frames.cut(own, np.zeros(len(own), int), frames.lengths[own])
        yield own, torch.from_numpy(cut).to(device).float(), torch.from_numpy(frames.lengths[own])
