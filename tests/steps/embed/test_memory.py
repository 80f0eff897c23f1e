"""A GPU without memory for a batch: halves of it, down to one waveform, then a line that says what to do."""

from typing import NamedTuple

import numpy as np
import pytest
import torch

pytest.importorskip("soundfile")

from steps.embed import extract, plan  # noqa: E402
from steps.embed.backend import halves_of_windows, load_backend  # noqa: E402
from steps.embed.memory import within_memory  # noqa: E402
from steps.features.waveform_embedder import Windows  # noqa: E402
from steps.training.memory import tell  # noqa: E402
from tests.steps.embed.extractions import content, options, run_all, write_tree  # noqa: E402

NETWORKS = "tests.steps.embed.networks_for_tests"
NARROW = f"{NETWORKS}:Narrow"


class Pair(NamedTuple):
    """Features as a back-end may have them: arrays with a row for each waveform."""

    rows: np.ndarray
    lengths: np.ndarray


def test_halves_give_the_same_bytes(tmp_path, caplog):
    tree = write_tree(tmp_path / "tree", range(12))
    run_all(tree, tmp_path / "whole", backend=NARROW)
    tell.cache_clear()
    run_all(tree, tmp_path / "halves", "--set", "most=1", backend=NARROW)
    assert caplog.text.count("out of memory on cpu: the batch is done in halves") == 1
    expected, found = (content(tmp_path / name) for name in ("whole", "halves"))
    assert found["xvector.ark"] == expected["xvector.ark"] and len(found["xvector.scp"].split(b"\n")) == 13


@pytest.mark.parametrize(
    ("network", "words", "message"),
    [
        (
            "Narrow",
            ["--set", "most=0"],
            "cpu: out of memory with a single utterance: lower max_seconds (--set",
        ),
        ("Heavy", [], "cpu: no memory for the weights of narrow; is another program on this GPU?"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(tmp_path, capsys, network, words, message):
    tree = write_tree(tmp_path / "tree", range(2))
    given = options(tree, tmp_path / "out", *words, backend=f"{NETWORKS}:{network}")
    assert plan.main(given) == 0
    capsys.readouterr()
    assert extract.main(given) == 1
    told = capsys.readouterr().err.strip().split("\n")[-1]
    assert message in told and "CUDA out of memory." in told


def test_the_order_of_rows_is_kept():
    backend = load_backend(NARROW, changes={"most": "2"})
    rows = np.arange(7 * 3, dtype=np.float32).reshape(7, 3)
    found = np.concatenate(within_memory(backend, backend.forward, rows))
    np.testing.assert_array_equal(found[:, 0], rows.mean(1))
    pairs = within_memory(backend, lambda pair: backend.forward(pair.rows)[:, 0] + pair.lengths, Pair(rows, rows[:, 1]))
    np.testing.assert_array_equal(np.concatenate(pairs), 2 * rows.mean(1))


def test_an_utterance_keeps_its_windows():
    windows = Windows(list("aabcccd"), [2, 1, 3, 1])
    first, second = halves_of_windows(windows)
    assert (first, second) == (Windows(list("aab"), [2, 1]), Windows(list("cccd"), [3, 1]))
    assert halves_of_windows(Windows(list("aaa"), [3])) == [Windows(list("aaa"), [3])]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_of_little_memory_embeds_halves():
    pytest.importorskip("kaldi_native_fbank")
    backend = load_backend("xvector", device="cuda:0", changes={"random_seed": "1"})
    rng = np.random.default_rng(0)
    features = backend.front_end.features([rng.normal(scale=0.1, size=160_000).astype(np.float32) for _ in range(128)])
    expected = backend.forward(features)
    torch.cuda.empty_cache()
    share = torch.cuda.max_memory_allocated() / torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(0.6 * share)
    try:
        parts = within_memory(backend, backend.forward, features)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert len(parts) > 1
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-4 * np.abs(expected).max())
