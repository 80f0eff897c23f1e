"""Write the data directories of sets of speakers: the tables of the whole are read side by side, a part at a time.

Memory holds no table that has a line an utterance, unless its lines are not sorted: then they are sorted there. Tables
of speakers, and of recordings where there are segments, are read as a whole.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress
from pathlib import Path

import numpy as np

from steps.data.sets import naming_source
from steps.data.spellings import DISTINCT
from steps.data.vector_table import SCRIPT, LinesOf
from utils.chunks import CHUNK
from utils.code_column import NONE
from utils.data_dir import PER_RECORDING, PER_SPEAKER, DataDir, is_table
from utils.errors import InputError
from utils.forked import call_all
from utils.script_files import PathRenewal
from utils.sorted_tables import open_sorted
from utils.table_columns import CodedTable
from utils.tables import TableWriter, write_table

SEGMENTS, GROUPS = "segments", "utt2group"
NOTHING = "utt2spk has none of it"
OWN = {"utt2spk": "utt2spk", GROUPS: "utt2group"}  # the tables that are attributes of SetTables
Writers = dict[str, dict[int, TableWriter]]  # of each table, by set


@dataclass
class SetTables:
    """The tables of a data directory, dealt into sets.

    Attributes:
        data: the whole. utt2spk, utt2group: its utterances (N), sorted, with their speakers and groups.
        sets: (N,) the set of each utterance, a position in `folders`; NONE for none.
        folders: the directory of each set; None where the set is not written.
        surplus: table -> its keys that are of nothing in utt2spk.
        vectors: (N,) position of each utterance among the sorted lines of xvector.scp; NONE without one.
    """

    data: DataDir
    utt2spk: CodedTable
    utt2group: CodedTable
    sets: np.ndarray
    folders: Sequence[Path | None]
    surplus: dict[str, list[str]] = field(default_factory=dict)
    vectors: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))

    def write(self, alike: Mapping[str, str]) -> None:
        """Write all tables but spk2utt and spk2gender. `alike` is the table `distinct_speakers`."""
        files = (file.name for file in self.data.path.iterdir())
        names = sorted(name for name in files if is_table(name) and name not in ("utt2spk", "spk2utt", GROUPS))
        apart = {*PER_SPEAKER, *(PER_RECORDING if SEGMENTS in names else ())}
        recordings = self._write_of_utterances([*OWN, *(name for name in names if name not in apart)])
        known = [set(found) for found in self._speakers()]
        for name in (*(name for name in names if name in apart), DISTINCT):
            owners = recordings if name in PER_RECORDING else known
            self._write_whole(name, alike if name == DISTINCT else self._lines(name), owners)
        self.surplus = {name: self.surplus[name] for name in sorted(self.surplus)}

    def rows(self, number: int) -> np.ndarray:
        """(n,) the utterances of a set."""
        return np.flatnonzero(self.sets == number)

    def _speakers(self) -> Iterator[list[str]]:
        """The speakers of each set, and at the end all of them."""
        words, codes = self.utt2spk.column.words.listed, self.utt2spk.column.codes
        for number in range(len(self.folders)):
            yield [words[code] for code in np.unique(codes[self.rows(number)]).tolist()]
        yield words

    def _lines(self, name: str) -> dict[str, str]:
        table = self.data.table(name)
        renewal = PathRenewal(self.data.path / name, table) if name.endswith(".scp") else None
        return {key: renewal.line(key, text) for key, text in table.items()} if renewal else table

    def _write_whole(self, name: str, table: Mapping[str, str], owners: Sequence[set[str]]) -> None:
        """Write a table, of each set what is of its owners; the last of these are all that are known."""
        for folder, known in zip(self.folders, owners, strict=False):
            own = {key: value for key, value in table.items() if key in known}
            if folder is not None and own and name != "spk2gender":
                with naming_source(self.data.path):
                    write_table(folder / name, own)
        self._keep_surplus(name, [key for key in table if key not in owners[-1]])

    def _keep_surplus(self, name: str, keys: Sequence[str]) -> None:
        if keys:
            self.surplus[name] = sorted([*self.surplus.get(name, ()), *keys])

    def _write_of_utterances(self, names: Sequence[str]) -> list[set[str]]:
        """Write the tables of utterances. Returns the recordings of each set, and of all, where there are segments."""
        halves = [replace(self, surplus={}) for _ in range(2)]
        jobs = [partial(half._deal_tables, names[number::2]) for number, half in enumerate(halves)]
        recordings: list[set[str]] = [set() for _ in range(len(self.folders) + 1)]
        for surplus, vectors, heard in call_all(jobs, len(self.sets)):
            self.surplus |= surplus
            self.vectors = vectors if len(vectors) else self.vectors
            recordings = [one | other for one, other in zip(recordings, heard, strict=True)]
        return recordings

    def _deal_tables(self, names: Sequence[str]) -> tuple[dict[str, list[str]], np.ndarray, list[set[str]]]:
        """Write some of them. Returns `surplus` and `vectors` of these, and the recordings that they name."""
        scripts = {name: self.data.path / name for name in names if name.endswith(".scp")}
        renewals = {name: PathRenewal(script, LinesOf(script)) for name, script in scripts.items()}
        recordings: list[set[str]] = [set() for _ in range(len(self.folders) + 1)]
        tables = {name: open_sorted(self.data.path / name) for name in names if name not in OWN}
        vectors, n_vectors = [], 0
        with ExitStack() as stack:
            writers: Writers = defaultdict(dict)
            for start in range(0, len(self.sets), CHUNK):
                utterances = self.utt2spk.names.part(start, start + CHUNK)
                rows = np.arange(start, start + len(utterances))
                for name in OWN.keys() & set(names):
                    table = getattr(self, OWN[name])
                    self._deal(stack, writers, name, utterances, list(table.column.of(rows)), rows)
                beginnings = [f"{utterance} " for utterance in utterances]
                for name, table in tables.items():
                    lines = None if name in (SEGMENTS, *renewals) else table.lines_of(beginnings)
                    if lines:
                        self._deal_lines(stack, writers, name, lines, rows)
                        continue
                    keys, values = table.until(utterances[-1])
                    places = self._places(name, keys, utterances)
                    if name == SEGMENTS:
                        self._hear(recordings, utterances, places, values, rows)
                    if name == SCRIPT:
                        found = np.full(len(utterances), NONE, np.int32)
                        found[places[places != NONE]] = np.flatnonzero(places != NONE) + n_vectors
                        n_vectors += len(keys)
                        vectors.append(found)
                    if name in renewals:
                        values = list(map(renewals[name].line, keys, values))
                    self._deal(stack, writers, name, keys, values, np.where(places != NONE, places + start, NONE))
        for name, table in tables.items():
            self._keep_surplus(name, table.until(None)[0])
        return self.surplus, np.concatenate([np.empty(0, np.int32), *vectors]), recordings

    def _places(self, name: str, keys: list[str], utterances: list[str]) -> np.ndarray:
        """The place of each key among some utterances; NONE for a key that is not there, which is kept as surplus."""
        if keys == utterances:
            return np.arange(len(keys))
        at = {utterance: place for place, utterance in enumerate(utterances)}
        places = np.fromiter((at.get(key, NONE) for key in keys), np.int64, len(keys))
        self._keep_surplus(name, list(compress(keys, places == NONE)))
        return places

    def _deal_lines(
        self,
        stack: ExitStack,
        writers: Writers,
        name: str,
        lines: list[str],
        rows: np.ndarray,
    ) -> None:
        """Write some lines of a table as they stand into the sets, one for each of the utterances of these rows."""
        owners = self.sets[rows]
        for number, folder in enumerate(self.folders):
            some = list(compress(lines, (owners == number).tolist()))
            if folder is not None and some:
                self._writer(stack, writers, name, number).write_lines(some)

    def _writer(self, stack: ExitStack, writers: Writers, name: str, number: int) -> TableWriter:
        if number not in writers[name]:
            writers[name][number] = stack.enter_context(TableWriter(self.folders[number] / name))
        return writers[name][number]

    def _deal(
        self,
        stack: ExitStack,
        writers: Writers,
        name: str,
        keys: list[str],
        values: Sequence[str | None],
        rows: np.ndarray,
    ) -> None:
        """Write some lines of a table, whose keys are the utterances of these rows (n,), into the sets."""
        owners = np.where(rows == NONE, NONE, self.sets[rows])
        for number, folder in enumerate(self.folders):
            chosen = (owners == number).tolist()
            some = list(compress(keys, chosen))
            if folder is not None and some:
                with naming_source(self.data.path):
                    self._writer(stack, writers, name, number).write(some, list(compress(values, chosen)))

    def _hear(
        self, recordings: list[set[str]], utterances: list[str], places: np.ndarray, values: list[str], rows: np.ndarray
    ) -> None:
        """Take in the recordings of some utterances. Raises InputError for one without a line of segments."""
        absent = np.setdiff1d(np.arange(len(utterances)), places)
        if len(absent):
            raise InputError(
                f"{SEGMENTS}: no line for {utterances[absent[0]]}, which utt2spk has; run utils/fix_data_dir.sh"
            )
        for place, line in zip(places.tolist(), values, strict=True):
            if place != NONE:
                recording = line.split()[0]
                recordings[-1].add(recording)
                if self.sets[rows[place]] != NONE:
                    recordings[self.sets[rows[place]]].add(recording)
