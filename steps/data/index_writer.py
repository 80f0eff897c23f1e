"""Write the index of one set: vectors checked, counted and copied chunk by chunk, labels beside them.

Vectors are read and counted in the order of the rows; each is written where the order of the archive has it.
"""

from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from steps.data.duplicates import Fingerprints
from steps.data.index import ARCHIVE, SCRIPT, STATS, row_order
from steps.data.record_writer import RecordWriter
from steps.data.speaker_vectors import write_speaker_vectors
from steps.data.spellings import DISTINCT
from steps.data.statistics import Statistics, find_unusable, squared_norms
from steps.data.vector_table import VectorTable
from utils.archives import read_locations
from utils.command import progress
from utils.data_dir import DataDir
from utils.errors import InputError, brief
from utils.json_files import json_text
from utils.script_files import Location
from utils.tables import write_table

CHUNK = 2048  # rows in memory at a time
LABELS = ("utt2spk", "utt2group")


class SetReader:
    """Reads the vectors of one data directory, in the order of the rows of its index."""

    def __init__(self, path: Path):
        self.data = DataDir(path)
        self.script = self.data.path / SCRIPT
        missing = [name for name in (SCRIPT, *LABELS) if not self.data.has(name)]
        if missing:
            raise InputError(f"{path}: no {', '.join(missing)}; make the sets with steps.data.split_speakers")
        self.labels = {name: self.data.table(name) for name in LABELS}
        self.table = self.data.table(SCRIPT)
        if not self.table:
            raise InputError(f"{self.script}: empty; expected a line for each utterance")
        for name, table in self.labels.items():
            odd = sorted(table.keys() ^ self.table.keys())
            if odd:
                raise InputError(
                    f"{path / name}: {odd[0]}: only here or only in {SCRIPT} ({len(odd)} in all); both must agree"
                )
            bad = next((key for key, value in table.items() if value.split() != [value]), None)
            if bad:
                raise InputError(f"{path / name}: {bad}: expected one word, found {brief(table[bad])}")

    @cached_property
    def keys(self) -> list[str]:
        """(N) utterances, in the order of the rows."""
        return row_order(self.table)

    @cached_property
    def locations(self) -> list[Location]:
        """(N) locations, in the order of the rows. Raises InputError for an archive that is not there."""
        found = VectorTable.locate(self.script, self.table).locations
        return [found[key] for key in self.keys]

    def inputs(self) -> list[Path]:
        """All files that the index depends on. Raises InputError for an archive that does not exist."""
        names = (SCRIPT, *LABELS, "spk2gender", DISTINCT)
        tables = [self.data.path / name for name in names if self.data.has(name)]
        return tables + [Path(path) for path in sorted({location.path for location in self.locations})]

    def write(self, out: Path, final: Path, dim: int | None) -> tuple[dict[str, Any], np.ndarray]:
        """Write the index into `out`, which will be moved to `final`. Returns the statistics, and fingerprints (N,).

        Args:
            dim: dimension of all vectors; None for that of the first.
        Raises:
            InputError: a vector has another dimension or is unusable.
        """
        out.mkdir()
        statistics = fingerprints = None
        with (out / ARCHIVE).open("wb") as archive:
            for start in progress(range(0, len(self.keys), CHUNK), -(-len(self.keys) // CHUNK), self.data.path.name):
                chunk = self._read(start, dim)
                if statistics is None:
                    dim = chunk.shape[1]
                    statistics, fingerprints = Statistics(dim), Fingerprints(dim)
                    records = RecordWriter(archive, self.keys, dim)
                squares = squared_norms(chunk)
                bad = find_unusable(chunk, squares)
                if bad:
                    raise InputError(
                        f"{self._describe(start + bad[0])}: the vector {bad[1]}; repair it or leave it out"
                    )
                statistics.add(chunk, squares)
                fingerprints.add(chunk)
                records.write(start, chunk)
        records.write_layout(out, final)
        write_speaker_vectors(out, final, self.data.spk2utt, records.locations(out / ARCHIVE))
        for name, table in self.labels.items():
            write_table(out / name, table)
        write_table(out / "spk2utt", {speaker: " ".join(keys) for speaker, keys in self.data.spk2utt.items()})
        if self.data.has("spk2gender"):
            write_table(out / "spk2gender", self.data.table("spk2gender"))
        stats = statistics.summary() | self._count()
        (out / STATS).write_text(json_text(stats, out / STATS, indent=1) + "\n", encoding="utf-8")
        return stats, fingerprints.all()

    def _read(self, start: int, dim: int | None) -> np.ndarray:
        return read_locations(self.locations[start : start + CHUNK], lambda row: self._describe(start + row), dim)

    def _describe(self, row: int) -> str:
        return f"{self.script}:{self._lines[row]}: {self.keys[row]}"

    @cached_property
    def _lines(self) -> np.ndarray:
        """(N,) line of each record in the script file; computed only when a message needs it."""
        line = {key: number for number, key in enumerate(self.table, 1)}
        return np.fromiter((line[key] for key in self.keys), np.int32, len(self.keys))

    def _count(self) -> dict[str, Any]:
        utt2spk, utt2group = self.labels["utt2spk"], self.labels["utt2group"]
        speakers = Counter(group for _, group in {(utt2spk[key], group) for key, group in utt2group.items()})
        utterances = Counter(utt2group.values())
        return {
            "speakers": len(set(utt2spk.values())),
            "groups": {g: {"utterances": utterances[g], "speakers": speakers[g]} for g in sorted(utterances)},
        }
