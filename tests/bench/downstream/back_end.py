"""PLDA of another toolkit, in its own environment: `back_end.py speechbrain|hyperion in.npz out.npy`.

in.npz has x (N, q) of training utterances, speakers (N,), numbers, and test (T, q); out.npy gets the scores (T, T) of
all pairs of test utterances.
"""

import sys

import numpy as np


def hyperion(x, speakers, test):
    """Hyperion's simplified PLDA of full rank."""
    from hyperion.pdfs import SPLDA

    model = SPLDA(y_dim=x.shape[1])
    model.fit(x, class_ids=speakers, epochs=20)
    return model.llr_1vs1(test, test)


def speechbrain(x, speakers, test):
    """SpeechBrain's PLDA of full rank."""
    from speechbrain.processing.PLDA_LDA import PLDA, Ndx, StatObject_SB, fast_PLDA_scoring

    def statistics(rows, models):
        keys, none = (
            np.array([f"{number:07d}" for number in range(len(rows))], dtype="|O"),
            np.array([None] * len(rows)),
        )
        models = keys if models is None else np.array([f"s{one:07d}" for one in models], dtype="|O")
        return StatObject_SB(models, keys, none, none, np.ones((len(rows), 1)), rows)

    model = PLDA(rank_f=x.shape[1])
    model.plda(statistics(x, speakers))
    enrol, tests = statistics(test, None), statistics(test, None)
    pairs = Ndx(models=enrol.modelset, testsegs=tests.segset)
    pairs.modelset, pairs.segset = enrol.modelset, tests.segset
    pairs.trialmask = np.ones((len(test), len(test)), dtype="bool")
    scores = fast_PLDA_scoring(enrol, tests, pairs, model.mean, model.F, model.Sigma, check_missing=False)
    if scores.modelset.tolist() != enrol.modelset.tolist() or scores.segset.tolist() != tests.segset.tolist():
        raise ValueError("scores in another order than the utterances")
    return scores.scoremat


if __name__ == "__main__":
    tool, source, target = sys.argv[1:]
    with np.load(source) as arrays:
        found = {"hyperion": hyperion, "speechbrain": speechbrain}[tool](
            *(arrays[n] for n in ("x", "speakers", "test"))
        )
    np.save(target, np.asarray(found))
