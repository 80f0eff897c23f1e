"""Small models and languages for tests."""

import numpy as np

from steps.hmm.hmm_model import HmmModel
from steps.hmm.lang import Lang

DIM = 3


def small_lang() -> Lang:
    """Silence, three phones, three words; one word has two pronunciations."""
    lexicon = {"ab": [("A", "B")], "c": [("C",), ("A", "C")], "abc": [("A", "B", "C")]}
    return Lang({"SIL": 2, "A": 2, "B": 1, "C": 2}, lexicon, silence_share=0.3)


def small_model(seed: int = 0, n_pdfs: int = 7) -> HmmModel:
    """Two or three Gaussians for each density."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 4, n_pdfs)
    pdfs = np.repeat(np.arange(n_pdfs), sizes)
    weights = rng.uniform(0.5, 1, len(pdfs))
    weights /= np.bincount(pdfs, weights)[pdfs]
    means = rng.normal(size=(n_pdfs, DIM))[pdfs] * 3 + rng.normal(size=(len(pdfs), DIM))
    return HmmModel(weights, means, rng.uniform(0.5, 2, means.shape), pdfs, rng.uniform(0.3, 0.8, n_pdfs))


def sample(model: HmmModel, lang: Lang, words: list[str], seed: int) -> np.ndarray:
    """Frames (T, D) of one utterance that the model might give."""
    rng = np.random.default_rng(seed)
    states = lang.states_of(words)
    graph = states.graph(model.loops)
    size = len(states.pdfs)
    state = rng.choice(size, p=np.exp(graph.log_start))
    frames = []
    while True:
        own = np.flatnonzero(model.pdfs == states.pdfs[state])
        gaussian = rng.choice(own, p=model.weights[own])
        frames.append(rng.normal(model.means[gaussian], np.sqrt(model.variances[gaussian])))
        rows, columns = np.nonzero(graph.sources == state)
        ways = np.append(np.exp(graph.log_arcs[rows, columns]), np.exp(graph.log_end[state]))
        taken = rng.choice(len(ways), p=ways / ways.sum())
        if taken == len(rows):
            return np.array(frames)
        state = rows[taken]
