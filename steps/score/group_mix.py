"""Samples in the mix of groups of the test speakers, so that no metric takes another mix for other voices."""

import numpy as np

from steps.metrics.speaker_vectors import SpeakerVectors

LEAST = 50  # speakers; fewer are not worth a better mix


def in_mix_of(samples: SpeakerVectors, real: SpeakerVectors, rng: np.random.Generator) -> SpeakerVectors | None:
    """As many sampled speakers as have the shares of groups that real speakers have; both with groups.

    A speaker's group is that of the first row; the share of a group is the mean over real speakers of its share of
    their rows. None where that leaves fewer than `LEAST` speakers, or fewer than a tenth.
    """
    names, columns = np.unique(real.groups.astype(str), return_inverse=True)
    shares = np.bincount(columns, 1 / real.counts[real.speakers]) / real.n_speakers
    first = np.unique(samples.speakers, return_index=True)[1]
    own = samples.groups[first].astype(str)
    have = np.array([np.count_nonzero(own == name) for name in names])
    total = np.min(have / shares)
    if total < max(LEAST, samples.n_speakers / 10):
        return None
    kept = [
        rng.permutation(np.flatnonzero(own == name))[: round(total * share)]
        for name, share in zip(names, shares, strict=True)
    ]
    return samples.of_speakers(np.concatenate(kept))
