"""Classifier two-sample test: accuracy of boosted trees in telling samples from real test segments.

Source: Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, 2017 (arXiv:1610.06545). 0.5 is
chance; compare with the accuracy on real training speakers instead of samples.
"""

import math

import numpy as np

FOLDS = 4
MAX_ROWS = 4000


def two_sample_accuracy(
    real: np.ndarray, speakers: np.ndarray, generated: np.ndarray, seed: int, own: np.ndarray | None = None
) -> float:
    """Cross-validated balanced accuracy of telling `generated` (N, d) from `real` (N, d).

    Args:
        speakers: (N,) numbers of the real speakers, whose segments stay in one fold.
        own: (N,) numbers of the generated ones, by default another one in each row: rows of one speaker, or copies of
            one row, in several folds would be known again, and told apart by that. NaN where there are too few.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(seed)
    fold_of_speaker = rng.permutation(speakers.max() + 1) % FOLDS
    codes = np.arange(len(generated)) if own is None else np.unique(own, return_inverse=True)[1]
    if codes.max() + 1 < FOLDS:
        return math.nan
    folds = np.concatenate([fold_of_speaker[speakers], rng.permutation(codes.max() + 1)[codes] % FOLDS])
    x = np.concatenate([real, generated])
    y = np.repeat([0, 1], [len(real), len(generated)])
    found = np.empty_like(y)
    for fold in range(FOLDS):
        # a quarter of the usual bins: as many right on the demo corpus, in less than half the time
        model = HistGradientBoostingClassifier(max_iter=50, max_bins=64, early_stopping=False, random_state=seed)
        found[folds == fold] = model.fit(x[folds != fold], y[folds != fold]).predict(x[folds == fold])
    return float(np.mean([(found[y == kind] == kind).mean() for kind in (0, 1)]))
