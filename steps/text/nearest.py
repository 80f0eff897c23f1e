"""The group whose texts are nearest to each variant in the space of a sentence encoder, as a report.

General sentence encoders separate topics better than opposites ("slow" and "fast" lie close together), so no text is
rejected for its nearest group.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from utils.vectors import unit_rows


def nearest_groups(
    text2group: Mapping[str, str], vectors: Mapping[str, np.ndarray]
) -> list[tuple[str, str, str, float]]:
    """Compare each text with the mean of every group's texts, of its own group's without itself.

    Args:
        text2group: text id -> group.
        vectors: text id -> (dim) sentence vector; ids without a group are ignored.
    Returns:
        (text id, its group, the nearest group, the cosine similarity to that), sorted by text id.
    """
    keys = sorted(text2group)
    groups = sorted(set(text2group.values()))
    column = {group: index for index, group in enumerate(groups)}
    own = np.array([column[text2group[key]] for key in keys])
    rows = unit_rows(np.stack([vectors[key] for key in keys]).astype(np.float64))  # (T, dim)
    sums = np.zeros((len(groups), rows.shape[1]))
    np.add.at(sums, own, rows)
    cosine = rows @ unit_rows(sums).T  # (T, groups)
    cosine[np.arange(len(keys)), own] = np.sum(rows * unit_rows(sums[own] - rows), axis=1)
    nearest = cosine.argmax(axis=1)
    return [
        (key, text2group[key], groups[n], float(cosine[t, n]))
        for t, (key, n) in enumerate(zip(keys, nearest, strict=True))
    ]


def write_nearest_groups(path: Path, text2group: Mapping[str, str], vectors: Mapping[str, np.ndarray]) -> float:
    """Write the nearest groups as a table; return the share of texts whose nearest group is their own."""
    table = nearest_groups(text2group, vectors)
    lines = ["text\tgroup\tnearest\tcosine"] + [
        f"{key}\t{own}\t{near}\t{cosine:.4f}" for key, own, near, cosine in table
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sum(own == near for _, own, near, _ in table) / len(table)
