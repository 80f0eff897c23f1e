"""Write the data directory of a captioned corpus: one table after another, each from the columns of its rows."""

from collections.abc import Iterable, Mapping

import numpy as np

from local.capspeech.embedding_tables import EmbeddingTables
from local.capspeech.row_table import RowTable
from steps.data.speaker_vectors import write_of_columns
from steps.data.spellings import DISTINCT
from utils.code_column import NONE
from utils.command import logger
from utils.data_dir import require_valid
from utils.stage_dir import StageDir
from utils.table_columns import write_spk2utt
from utils.tables import write_lines, write_table
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

    def write(name: str, values: Iterable[str], places: np.ndarray | None = None) -> None:
        if places is None or len(places):
            write_lines(stage.dir / name, ids if places is None else ids.of(places), values)

    write("utt2spk", table.speaker_ids.of(rows))
    write("utt2corpus_id", table.paths.of(rows))
    write("utt2split", map(table.splits.__getitem__, table.files.codes[rows].tolist()))
    captioned = np.flatnonzero(table.captions.has()[rows])
    write("utt2caption", table.captions.of(rows[captioned]), captioned)
    for attribute, labels in table.labels.items():
        labelled = np.flatnonzero(labels.codes[rows] != NONE)
        write(f"utt2{attribute}", labels.of(rows[labelled]), labelled)
    speakers = {table.speaker_ids.word(code) for code in np.unique(table.speaker_ids.codes[rows]).tolist()}
    if genders.keys() == speakers:
        write_table(stage.dir / "spk2gender", {speaker: gender[0] for speaker, gender in genders.items()})
    else:
        log.info(
            "no spk2gender: the gender of %d of %d speakers is unknown", len(speakers - genders.keys()), len(speakers)
        )
    locations = tables.write_script(table.keys[rows], ids, stage.dir, stage.final)
    if alike:
        write_table(stage.dir / DISTINCT, alike)
    write_spk2utt(
        stage.dir / "spk2utt", ids, np.arange(len(ids)), table.speaker_ids.words.listed, table.speaker_ids.codes[rows]
    )
    require_valid(stage.dir)

    def describe(place: int) -> str:
        line = tables.entries.line(int(table.keys[rows[place]]))
        return f"{line}: {line.key}"

    write_of_columns(
        stage.dir, stage.final, table.speaker_ids.words.listed, table.speaker_ids.codes[rows], locations, describe
    )
