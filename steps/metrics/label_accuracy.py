"""Do samples have the attributes that their groups' names say? Two families of classifiers answer.

    pooled    linear, on the embeddings as they are, with a strong penalty: listens to the widest directions
    whitened  linear, on 128 whitened principal directions, with a weak penalty: listens to narrow directions, too

Both are fitted to real speakers whom the generator has never seen, in folds of speakers, and their accuracy is balanced
over the values. It is compared with that on real training speakers of the same values: the same classifiers err there
as well. A generator that has an attribute in the wide directions alone is at the ceiling of the first family and below
that of the second.
"""

import numpy as np

from steps.metrics.classifiers import (
    INVERSE_PENALTY,
    WEAK,
    balanced_accuracy,
    cross_fit,
    learnable,
    speaker_folds,
    unseen_posteriors,
)
from steps.metrics.speaker_transform import SpeakerTransform
from steps.metrics.speaker_vectors import SpeakerVectors, mean_rows

FAMILIES = ("pooled", "whitened")


def label_accuracies(
    samples: SpeakerVectors, held_out: SpeakerVectors, whitening: SpeakerTransform, seed: int
) -> dict[str, float]:
    """Balanced accuracy of each attribute that the held-out speakers teach, by family: `pooled_0` of the first one.

    Args:
        samples, held_out: with groups, whose names have an attribute in each part, `female_low_slow`.
    """
    wanted, known = (_parts(one.groups) for one in (samples, held_out))
    found = {}
    for place in range(min(wanted.shape[1], known.shape[1])):
        kinds = learnable(known[:, place], held_out.speakers)
        rows, taught = (np.isin(values[:, place], kinds) for values in (wanted, known))
        if len(np.unique(wanted[rows, place])) < 2:
            continue
        folds = speaker_folds(held_out.speakers[taught], seed)
        for family in FAMILIES:
            x, of_held_out = samples.x[rows], held_out.x[taught]
            if family == "whitened":
                x, of_held_out = whitening(x), whitening(of_held_out)
            penalty = WEAK if family == "whitened" else INVERSE_PENALTY
            models = cross_fit(of_held_out, known[taught, place], folds, penalty)
            right = np.mean([model.labels(x) == wanted[rows, place] for model in models], axis=0)
            found[f"{family}_{place}"] = balanced_accuracy(right, wanted[rows, place])
    return found


def heard_mix_distance(samples: SpeakerVectors, held_out: SpeakerVectors, seed: int) -> float | None:
    """How far the shares of the values of an attribute that samples are heard as are from those of held-out speakers.

    The sum of the differences of the shares over two (total variation, 0 to 1), the mean over the attributes; None
    where none can be learnt. Held-out speakers, with groups, are heard by the classifier that has not seen them. Shares
    are mean posteriors, of each speaker first.
    """
    known, found = _parts(held_out.groups), []
    for column in known.T:
        rows = np.isin(column, learnable(column, held_out.speakers))
        if not rows.any():
            continue
        real = held_out.rows(rows)
        folds = speaker_folds(real.speakers, seed)
        models = cross_fit(real.x, column[rows], folds)
        own = unseen_posteriors(models, real.x, folds)
        heard = np.mean([model.posteriors(samples.x) for model in models], axis=0)
        shares = [mean_rows(*pair).mean(axis=0) for pair in ((own, real.speakers), (heard, samples.speakers))]
        found.append(np.abs(shares[0] - shares[1]).sum() / 2)
    return float(np.mean(found)) if found else None


def _parts(groups: np.ndarray) -> np.ndarray:
    """(N, A) the parts of names (N,); of names with different numbers of parts, as many as all have."""
    names, codes = np.unique(groups, return_inverse=True)
    parts = [name.split("_") for name in names.tolist()]
    least = min(map(len, parts))
    return np.array([part[:least] for part in parts])[codes]
