"""Labels that the embeddings contradict, found by classifiers that are cross-validated over speakers.

A low log odds of the given label means that another label fits the embedding better: the corpus gives a wrong gender,
the F0 is an octave off, or two speakers share one id. Embeddings carry some attributes poorly, such as the rate; the
list is then mostly chance, and the balanced accuracy in the summary is near chance too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.metrics.classifiers import balanced_accuracy, held_out_posteriors, learnable, log_odds


@dataclass(frozen=True)
class ContradictedLabel:
    """One label that an embedding contradicts, the likelier label, and the log odds of the given one."""

    utterance: str
    speaker: str
    attribute: str
    label: str
    likelier: str
    log_odds: float


def audit(
    attribute: str, labels: Mapping[str, str], utt2spk: Mapping[str, str], keys: list[str], x: np.ndarray, seed: int
) -> tuple[list[ContradictedLabel], dict[str, Any]]:
    """Find the contradicted labels of one attribute.

    Args:
        labels: utterance -> label. keys: (N) utterances of the embeddings x (N, D).
    Returns:
        The utterances whose embedding is more like another label, lowest log odds first, and a summary. Labels of too
        few speakers are not judged.
    """
    labelled = [key for key in keys if key in labels]
    kinds = learnable(np.array([labels[key] for key in labelled]), np.array([utt2spk[key] for key in labelled]))
    rows = [row for row, key in enumerate(keys) if labels.get(key) in kinds]
    if not rows:
        return [], {"judged": 0, "not_judged": len(labelled)}
    given = np.array([labels[keys[row]] for row in rows])
    speakers = np.array([utt2spk[keys[row]] for row in rows])
    classes, posteriors = held_out_posteriors(x[rows].astype(np.float64), given, speakers, seed)
    odds = log_odds(posteriors[np.arange(len(rows)), np.searchsorted(classes, given)])
    likelier = np.array(classes)[posteriors.argmax(axis=1)]
    doubts = [
        ContradictedLabel(keys[row], str(speakers[at]), attribute, str(given[at]), str(likelier[at]), float(odds[at]))
        for at, row in enumerate(rows)
        if likelier[at] != given[at]
    ]
    summary = {
        "judged": len(rows),
        "not_judged": len(labelled) - len(rows),
        "balanced_accuracy": round(balanced_accuracy(likelier == given, given), 4),
        "chance": round(1 / len(classes), 4),
        "contradicted": len(doubts),
    }
    return sorted(doubts, key=lambda doubt: (doubt.log_odds, doubt.utterance)), summary


def write_audit(path: Path, doubts: list[ContradictedLabel]) -> None:
    """Write one table, lowest log odds first."""
    lines = ["utterance\tspeaker\tattribute\tlabel\tlikelier\tlog_odds"]
    for doubt in sorted(doubts, key=lambda doubt: (round(doubt.log_odds, 3), doubt.utterance, doubt.attribute)):
        lines.append(
            f"{doubt.utterance}\t{doubt.speaker}\t{doubt.attribute}\t{doubt.label}\t{doubt.likelier}\t"
            f"{doubt.log_odds:.3f}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
