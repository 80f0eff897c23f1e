"""Padded batches: few lengths, and nothing but zeros behind an utterance."""

import numpy as np

from steps.embed.padding import PaddedWaveforms, padded_length


def test_few_lengths_and_little_padding():
    lengths = {samples: padded_length(samples, 4000) for samples in range(1, 320_001, 100)}
    seconds = sorted({length / 16000 for length in lengths.values()})
    assert seconds == [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20]
    assert all(length >= samples for samples, length in lengths.items())
    assert all(padded_length(n, 4000) < 1.25 * n for n in range(16000, 320_001, 4000))  # a fifth, at most
    assert all(padded_length(length, 4000) == length for length in lengths.values())


def test_waveforms_of_one_batch():
    rng = np.random.default_rng(0)
    waveforms = [rng.normal(size=n).astype(np.float32) for n in (20000, 16000, 3)]
    padded = PaddedWaveforms(16000, 0.3, 4000).features(waveforms)
    assert padded.waveforms.shape == (3, 20000) and padded.waveforms.dtype == np.float32
    assert padded.samples.tolist() == [20000, 16000, 3]
    for row, waveform in zip(padded.waveforms, waveforms, strict=True):
        assert np.array_equal(row[: len(waveform)], waveform) and not row[len(waveform) :].any()
