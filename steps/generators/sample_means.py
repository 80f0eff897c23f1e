"""Means of the utterances of sampled speakers: `spk_xvector.ark`, of speakers that have several.

They are plain means, as Kaldi's `ivector-mean` makes them: of embeddings that share a norm, they are shorter.
"""

from pathlib import Path

import numpy as np

from steps.generators.sample_archive import ROWS, Layout

SPEAKER_ARK, SPEAKER_SCP = "spk_xvector.ark", "spk_xvector.scp"


def means_of(x: np.ndarray) -> np.ndarray:
    """The mean (n, D) float32 of the utterances (n, U, D) of each speaker; of one, it is itself."""
    return x[:, 0] if x.shape[1] == 1 else x.mean(axis=1, dtype=np.float64).astype(np.float32)


def write_means(target: Path, archive: Path, layout: Layout) -> None:
    """Write the means of the utterances of an archive, in the order of the archive."""
    each, means = layout.utts_per_speaker, Layout(layout.requests, layout.dim)
    size = max(ROWS // each, 1)
    with archive.open("rb") as source, target.open("wb") as out:
        for row, request in enumerate(layout.requests):
            for first in range(0, request.n, size):
                stop = min(first + size, request.n)
                x = layout.vectors(source, row, first * each, stop * each)
                for records in means.records(row, first, means_of(x.reshape(stop - first, each, -1))):
                    out.write(records.data)
