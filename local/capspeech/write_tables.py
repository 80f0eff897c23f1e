"""Write the data directory of a captioned corpus: one table after another, each from the columns of its rows."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import compress
from pathlib import Path

import numpy as np

from local.capspeech.embedding_tables import EmbeddingTables
from local.capspeech.row_table import RowTable
from steps.data.speaker_vectors import write_of_columns
from steps.data.spellings import DISTINCT
from utils.chunks import CHUNK
from utils.code_column import NONE
from utils.command import logger
from utils.data_dir import require_valid
from utils.forked import call_all
from utils.stage_dir import StageDir
from utils.table_columns import write_spk2utt
from utils.tables import TableWriter, write_table
from utils.text_column import TextColumn

log = logger(__name__)


def write_tables(
    stage: StageDir,
    table: RowTable,
    rows: np.ndarray,
    ids: TextColumn,
    genders: Mapping[str, str],
    alike: Mapping[str, str],
    tables: EmbeddingTables,
) -> None:
    """Write everything.

    Args:
        rows: (n,) the rows of the utterances, in the order of their `ids` (n), which are sorted.
        genders: of the speakers whose gender is known. alike: the table `distinct_speakers`.
    """

    known = {table.speaker_ids.word(code) for code in np.unique(table.speaker_ids.codes[rows]).tolist()}
    if genders.keys() == known:
        write_table(stage.dir / "spk2gender", {speaker: gender[0] for speaker, gender in genders.items()})
    else:
        log.info("no spk2gender: the gender of %d of %d speakers is unknown", len(known - genders.keys()), len(known))
    if alike:
        write_table(stage.dir / DISTINCT, alike)
    speakers, codes = table.speaker_ids.words.listed, table.speaker_ids.codes[rows]
    jobs = [
        partial(tables.write_script, table.keys[rows], ids, stage.dir, stage.final),
        *(partial(_write_side_by_side, stage.dir, table, rows, ids, half) for half in range(2)),
        partial(write_spk2utt, stage.dir / "spk2utt", ids, np.arange(len(ids)), speakers, codes),
    ]
    locations = call_all(jobs, len(ids))[0]

    def describe(place: int) -> str:
        line = tables.entries.line(int(table.keys[rows[place]]))
        return f"{line}: {line.key}"

    means = partial(write_of_columns, stage.dir, stage.final, speakers, codes, locations, describe)
    call_all([partial(require_valid, stage.dir), means], len(ids))


def _write_side_by_side(folder: Path, table: RowTable, rows: np.ndarray, ids: TextColumn, half: int) -> None:
    """Write a half of the tables of utterances, each without the lines that it has no value for, if it has any."""
    everywhere, captioned = np.ones(len(rows), bool), table.captions.has()[rows]
    columns: dict[str, tuple[np.ndarray, Callable[[np.ndarray], Iterable[str]]]] = {
        "utt2spk": (everywhere, table.speaker_ids.of),
        "utt2source": (everywhere, table.sources.of),
        "utt2corpus_id": (everywhere, table.paths.of),
        "utt2split": (everywhere, lambda some: [table.splits[code] for code in table.files.codes[some].tolist()]),
        "utt2caption": (captioned, table.captions.of),
    }
    columns |= {
        f"utt2{attribute}": (labels.codes[rows] != NONE, labels.of) for attribute, labels in table.labels.items()
    }
    with ExitStack() as stack:
        names = [name for number, (name, (has, _)) in enumerate(columns.items()) if has.any() and number % 2 == half]
        writers = {name: stack.enter_context(TableWriter(folder / name)) for name in names}
        for start in range(0, len(rows), CHUNK):
            keys, some = ids.part(start, start + CHUNK), rows[start : start + CHUNK]
            for name, writer in writers.items():
                has, read = columns[name]
                chosen = has[start : start + CHUNK]
                writer.write(keys if chosen.all() else list(compress(keys, chosen)), list(read(some[chosen])))
