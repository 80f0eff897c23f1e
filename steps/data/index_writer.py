"""Write the index of one set: vectors checked, counted and copied chunk by chunk, labels beside them.

Vectors are read and counted in the order of the rows; each is written where the order of the archive has it.
"""

from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from steps.data.duplicates import Fingerprints
from steps.data.index import ARCHIVE, SCRIPT, SOURCES, STATS
from steps.data.record_writer import RecordWriter
from steps.data.speaker_vectors import write_means
from steps.data.spellings import DISTINCT
from steps.data.statistics import Statistics, find_unusable, squared_norms
from steps.data.vector_table import VectorTable
from utils.archives import read_locations
from utils.code_column import NONE, CodeColumn, distinct
from utils.command import logger, progress
from utils.data_dir import DataDir
from utils.errors import InputError, brief
from utils.json_files import json_text
from utils.location_column import LocationColumn
from utils.sorted_tables import is_sorted, open_sorted
from utils.table_columns import align, has_keys, read_coded, write_spk2utt
from utils.tables import iterate_table, read_table, write_lines, write_table
from utils.text_column import TextColumn
from utils.text_lookup import TextLookup

log = logger(__name__)
CHUNK = 2048  # rows in memory at a time
LABELS = ("utt2spk", "utt2group")


class SetReader:
    """Reads the vectors of one data directory, in the order of the rows of its index.

    Attributes:
        names: (N) utterances, sorted. order: (N,) the utterance of each row: by length in bytes, then as sorted.
        speakers, groups: (N) of the utterances.
    """

    def __init__(self, path: Path):
        self.data = DataDir(path)
        self.script = self.data.path / SCRIPT
        missing = [name for name in (SCRIPT, *LABELS) if not self.data.has(name)]
        if missing:
            raise InputError(f"{path}: no {', '.join(missing)}; make the sets with steps.data.split_speakers")
        self.names, self.speakers = self.data.coded_utt2spk.names, self.data.coded_utt2spk.column
        groups = read_coded(path / "utt2group")
        self.groups = groups.column
        if self.script.stat().st_size == 0:
            raise InputError(f"{self.script}: empty; expected a line for each utterance")
        if not (groups.names.is_same(self.names) and has_keys(open_sorted(self.script), self.names)):
            self._tell_difference()
        for name, column in zip(LABELS, (self.speakers, self.groups), strict=True):
            bad = [column.words[word] for word in column.words.listed if word.split() != [word]]
            if bad:
                row = int(np.flatnonzero(np.isin(column.codes, bad))[0])
                raise InputError(f"{path / name}: {self.names[row]}: expected one word, found {brief(column[row])}")
        self.order = np.argsort(self.names.lengths(), kind="stable")

    def _tell_difference(self) -> None:
        """Raise InputError for the first utterance that a table has and the script file has not, or the other way."""
        known = read_table(self.script).keys()
        for name in LABELS:
            odd = sorted(read_table(self.data.path / name).keys() ^ known)
            if odd:
                raise InputError(
                    f"{self.data.path / name}: {odd[0]}: only here or only in {SCRIPT} ({len(odd)} in all); both must"
                    " agree"
                )

    @cached_property
    def locations(self) -> LocationColumn:
        """(N) locations of the utterances. Raises InputError for an archive that is not there."""
        return VectorTable.locate(self.script).locations

    def inputs(self) -> list[Path]:
        """All files that the index depends on. Raises InputError for an archive that does not exist."""
        names = (SCRIPT, *LABELS, SOURCES, "spk2gender", DISTINCT)
        tables = [self.data.path / name for name in names if self.data.has(name)]
        return tables + [Path(path) for path in sorted(self.locations.paths)]

    def dim(self) -> int:
        """D of the vector of the first row."""
        return read_locations(self.locations.at(self.order[:1]), self._describe).shape[1]

    def write(self, out: Path, final: Path, dim: int) -> tuple[dict[str, Any], np.ndarray]:
        """Write the index into `out`, which will be moved to `final`. Returns the statistics, and fingerprints (N,).

        Args:
            dim: dimension of all vectors.
        Raises:
            InputError: a vector has another dimension or is unusable.
        """
        out.mkdir()
        statistics = fingerprints = None
        with (out / ARCHIVE).open("wb") as archive:
            starts = range(0, len(self.names), CHUNK)
            for start in progress(starts, len(starts), self.data.path.name):
                chunk = self._read(start, dim)
                if statistics is None:
                    statistics, fingerprints = Statistics(dim), Fingerprints(dim)
                    records = RecordWriter(archive, self.names, self.order, dim)
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
        speakers, codes = self.speakers.words.listed, self.speakers.codes
        write_means(out, final, speakers, codes, records.locations(out / ARCHIVE), self.names.__getitem__)
        everything = np.arange(len(self.names))
        for name, column in zip(LABELS, (self.speakers, self.groups), strict=True):
            write_lines(out / name, self.names, column.of(everything))
        if sources := self._sources():
            write_lines(out / SOURCES, self.names, sources.of(everything))
        write_spk2utt(out / "spk2utt", self.names, everything, speakers, codes)
        if self.data.has("spk2gender"):
            write_table(out / "spk2gender", self.data.table("spk2gender"))
        stats = statistics.summary() | self._count()
        (out / STATS).write_text(json_text(stats, out / STATS, indent=1) + "\n", encoding="utf-8")
        return stats, fingerprints.all()

    def _sources(self) -> CodeColumn | None:
        """(N) sources of the utterances; None where these are not all known."""
        if not self.data.has(SOURCES):
            return None
        column = align(open_sorted(self.data.path / SOURCES), self.names)
        lacking = np.flatnonzero(column.codes == NONE)
        if len(lacking):
            log.warning(
                "%s: no line for %d of %d utterances, such as %s; the index does not tell sources",
                self.data.path / SOURCES, len(lacking), len(self.names), self.names[lacking[0]],
            )  # fmt: skip
            return None
        return column

    def _read(self, start: int, dim: int) -> np.ndarray:
        locations = self.locations.at(self.order[start : start + CHUNK])
        return read_locations(locations, lambda row: self._describe(start + row), dim)

    def _describe(self, row: int) -> str:
        place = self.order[row]
        line = place if self._lines is None else self._lines[place]
        return f"{self.script}:{line + 1}: {self.names[place]}"

    @cached_property
    def _lines(self) -> np.ndarray | None:
        """(N,) line, from 0, of each utterance in a script file that is not sorted."""
        if is_sorted(self.script):
            return None
        keys = TextColumn(key for key, _ in iterate_table(self.script))
        return TextLookup(keys).find(self.names, np.arange(len(self.names)))

    def _count(self) -> dict[str, Any]:
        heads, counts, _ = distinct(self.groups.codes, self.speakers.codes)
        utterances, speakers = Counter(), Counter()
        for row, count in zip(heads.tolist(), counts.tolist(), strict=True):
            utterances[self.groups[row]] += count
            speakers[self.groups[row]] += 1
        return {
            "speakers": len(self.speakers.words),
            "groups": {g: {"utterances": utterances[g], "speakers": speakers[g]} for g in sorted(utterances)},
        }
