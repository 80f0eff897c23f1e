"""The data directory of speakers whose vectors were moved towards a description (`edit.py` lists its files)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steps.data.speaker_vectors import write_of_script
from steps.generators.gender_classifier import GenderClassifier, letters
from steps.generators.pairs import sum_by
from steps.generators.provenance import PROVENANCE, rounded_shares
from steps.generators.voice_edit import Moved
from utils.archive_writer import write_vectors
from utils.data_dir import write_data_dir
from utils.json_files import json_text
from utils.tables import read_table
from utils.vectors import unit_rows

SUMMARY = "edit.json"
MOST_COMPARED = 2000  # speakers, whose cosines to each other are told
LEAST_DEVIATION = 1e-9  # of cosines; what differs less is rounding


class Cosines(NamedTuple):
    """What moving has changed.

    Attributes:
        to_original: mean over speakers of the cosine of their mean vectors after and before.
        before, after: mean cosine of two speakers. correlation: of these cosines, over all pairs. None of fewer than
            three speakers; there is no correlation either where all pairs have one cosine, as speakers of one vector.
    """

    to_original: float
    before: float | None
    after: float | None
    correlation: float | None

    def __str__(self) -> str:
        """What the log says."""
        told = f"cosine to the original {self.to_original:.3f}"
        if self.before is None:
            return told
        related = "" if self.correlation is None else f", correlated by {self.correlation:.3f}"
        return f"{told}; to each other {self.before:.3f} before and {self.after:.3f} after{related}"


@dataclass(frozen=True)
class EditedSpeakers:
    """Speakers before and after.

    Attributes:
        utterances: (N) ids. names: (S) ids of speakers, sorted. speakers: (N,) numbers of names.
        x: (N, D) vectors before. moved: and after. values: attribute -> its values, in the order of the posteriors.
    """

    utterances: Sequence[str]
    names: Sequence[str]
    speakers: np.ndarray
    x: np.ndarray
    moved: Moved
    values: Mapping[str, Sequence[str]]

    def write(
        self, out: Path, final: Path, told: Mapping[str, Any], warnings: Sequence[str], judge: GenderClassifier | None
    ) -> Cosines:
        """Write the data directory into `out`, which will be moved to `final`.

        Args:
            told: text, amount and seed, which are told of each speaker. warnings: of the reader.
        """
        write_vectors(out / "xvector.ark", out / "xvector.scp", self.utterances, self.moved.x, final / "xvector.ark")
        utt2spk = {key: self.names[one] for key, one in zip(self.utterances, self.speakers.tolist(), strict=True)}
        script = read_table(out / "xvector.scp")
        tables = {
            "utt2spk": dict(sorted(utt2spk.items())),
            "utt2description": dict.fromkeys(sorted(self.utterances), told["text"]),
            "xvector.scp": script,
        }
        before, after = (self._means(x) for x in (self.x, self.moved.x))
        female = None if judge is None else judge.female(after)
        if female is not None:
            tables["spk2gender"] = dict(zip(self.names, map(str, letters(female, 0.5)), strict=True))
        write_data_dir(out, tables)
        write_of_script(out, final, utt2spk, script)
        similarity = np.vecdot(unit_rows(before), unit_rows(after))
        lines = self._lines(told, warnings, similarity, np.bincount(self.speakers), female)
        (out / PROVENANCE).write_text("".join(lines), encoding="utf-8")
        cosines = compare(before, after)
        summary = {**told, "speakers": len(self.names), **cosines._asdict()}
        (out / SUMMARY).write_text(f"{json_text(summary, out / SUMMARY, indent=2)}\n", encoding="utf-8")
        return cosines

    def _means(self, x: np.ndarray) -> np.ndarray:
        """The mean (S, D) of each speaker's vectors (N, D)."""
        sums = sum_by(self.speakers, x.astype(np.float64), len(self.names))
        return sums / np.bincount(self.speakers)[:, None]

    def _lines(
        self,
        told: Mapping[str, Any],
        warnings: Sequence[str],
        similarity: np.ndarray,
        counts: np.ndarray,
        female: np.ndarray | None,
    ) -> Iterator[str]:
        for row, name in enumerate(self.names):
            line = {"id": name, "utterances": int(counts[row]), **told}
            line["cosine_to_original"] = round(float(similarity[row]), 6)
            for key, posterior in (("was_read_as", self.moved.before), ("moved_to", self.moved.after)):
                line[key] = rounded_shares(
                    {
                        attribute: dict(zip(values, posterior[attribute][row].tolist(), strict=True))
                        for attribute, values in self.values.items()
                    }
                )
            if female is not None:
                line["gender"] = letters(female[row : row + 1], 0.5)[0]
                line["gender_posterior"] = round(float(max(female[row], 1 - female[row])), 6)
            yield f"{json.dumps(line | {'warnings': list(warnings)}, ensure_ascii=False)}\n"


def compare(before: np.ndarray, after: np.ndarray) -> Cosines:
    """Cosines of the vectors (S, D) of speakers before and after; between speakers, of the first `MOST_COMPARED`."""
    before, after = unit_rows(before), unit_rows(after)
    own = float(np.vecdot(before, after).mean())
    if len(before) < 3:
        return Cosines(own, None, None, None)
    pairs = np.triu_indices(min(len(before), MOST_COMPARED), 1)
    found = [(x[:MOST_COMPARED] @ x[:MOST_COMPARED].T)[pairs] for x in (before, after)]
    varied = min(one.std() for one in found) > LEAST_DEVIATION
    correlation = float(np.corrcoef(*found)[0, 1]) if varied else None
    return Cosines(own, float(found[0].mean()), float(found[1].mean()), correlation)
