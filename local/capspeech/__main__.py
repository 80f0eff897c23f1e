"""Stage 0 for CapSpeech and corpora like it: labelled rows and their embeddings become data/<corpus>/all.

Inputs: `data_dir` with sets of rows (train, val, test, or any name) as csv, tsv, jsonl, json, parquet, arrow or saved
Hugging Face folders, and `embedding_dir` with csv or tsv tables, or Kaldi scp and ark, anywhere below them.

Output: a data directory with utt2spk, spk2utt, spk2gender (if every speaker's gender is known), utt2<attribute> for
each attribute, utt2caption (if there are captions), utt2split (the corpus's own), utt2source, utt2corpus_id,
xvector.scp (which names the archives of the corpus), spk_xvector.{ark,scp} and num_utts.ark (the mean of each
speaker's embeddings, and their number), and two tables: row_counts.tsv, the numbers of rows that are used and left out,
by reason, and left_out.tsv, the rows and tables that are left out. Ids are <source>-<speaker>-<name>.
"""

import sys
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path
from typing import ClassVar

import numpy as np

from local.capspeech.embedding_tables import EmbeddingTables
from local.capspeech.row_counts import RowCounts, require_labels
from local.capspeech.row_files import LeftOut, RowFiles, find_row_files
from local.capspeech.row_table import RowTable
from local.capspeech.rows import RowReader, settle_genders, take_once
from local.capspeech.speakers import find_speakers, name_speakers, override_speakers
from local.capspeech.table_entries import TableEntries
from local.capspeech.write_tables import write_tables
from local.corpus_rules import FILES, RULES, Rules
from local.key_matching import KeyMatcher, Match
from steps.data.groups import ATTRIBUTES
from steps.data.spellings import DISTINCT_HELP
from steps.data.table_rows import read_rows
from utils.code_column import NONE, distinct
from utils.command import logger, run_command
from utils.errors import InputError, brief, cut
from utils.options import option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.stage_dir import StageDir
from utils.text_column import TextColumn

log = logger(__name__)
NO_SOURCE = "unknown source"  # in row_counts.tsv
MOST_NAMED = 10  # tables of one directory that row_counts.tsv names one by one


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.prepare_capspeech"
    data_dir: Path = option(help="directory with the sets of rows, at any depth")
    embedding_dir: Path = option(help="directory with the embeddings, at any depth")
    out: Path = option(Path("data/capspeech/all"), "data directory to write")
    sources: tuple[str, ...] = option((), "sources to use; default: all with embeddings")
    attributes: tuple[str, ...] = option(ATTRIBUTES, "categorical columns that make the groups")
    min_match: float = option(
        0.99, "least share of the rows that must have an embedding, and of these a speaker", least=0, most=1
    )
    max_unknown: float = option(0.5, "largest share of rows without a known label, for each attribute", least=0, most=1)
    path_prefix: str | None = option(None, "prefix of the archive paths of the tables, instead of searching")
    path_map: tuple[str, ...] = option(
        (), "old=new: archive paths that begin with old begin with new; a = in old is \\="
    )
    utt2spk: Path | None = option(None, "table of audio path and speaker, which overrides columns and rules")
    gender_conflicts: str = option(
        "error", "speakers with two genders: fail, or treat their gender as unknown", choices=("error", "unlabel")
    )
    distinct_ids: bool = option(False, DISTINCT_HELP)
    space: str = option("", "replacement of white space in ids; empty: such ids are an error")
    rules: Path = option(RULES, "directory of columns.yaml, labels.yaml, speakers.yaml")
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Prepare the data directory, unless it is up to date."""
    for name, folder in (("data_dir", options.data_dir), ("embedding_dir", options.embedding_dir)):
        if not folder.is_dir():
            raise InputError(f"--{name} {folder}: no such directory")
    rules = Rules.load(options.rules)
    tables = EmbeddingTables(options.embedding_dir, rules, options.path_prefix, options.path_map)
    reader = RowReader(rules, options.attributes, options.sources[0] if len(options.sources) == 1 else None)
    found = find_row_files(
        options.data_dir,
        options.embedding_dir,
        lambda columns: (reason := reader.judge(columns)) and ("" if tables.columns(columns) else reason),
    )
    inputs = [*found.files, *tables.files, *tables.archives, *(options.rules / name for name in FILES)]
    inputs += [options.utt2spk] if options.utt2spk else []
    inputs += [file for file, _, is_read in found.left_out if is_read]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if not stage.done:
            prepare(options, reader, found, tables, stage)
            log.info("wrote %s", stage.final)


def prepare(options: Options, reader: RowReader, found: RowFiles, tables: EmbeddingTables, stage: StageDir) -> None:
    """Read rows and embeddings, join them, write the data directory."""
    rules, table = reader.rules, reader.read(found.files, stage.dir)
    counts = RowCounts(table)
    _leave_out_files(found.left_out, options.data_dir, counts)
    rows = _leave_out_nameless(table, options.min_match, counts)
    wanted = {rules.source(name) for name in options.sources}
    rows = _find_embeddings(table, rows, tables, wanted, options.min_match, counts)
    if options.utt2spk:
        override_speakers(table, rows, options.utt2spk)
    rows, unknown = find_speakers(table, rows, rules, options.min_match)
    counts.leave_out(unknown, "unknown speaker")
    ids, alike = name_speakers(table, rows, rules, options.space, options.distinct_ids)
    genders = settle_genders(table, rows, options.gender_conflicts == "unlabel")
    counts.count_kept(rows)
    log.info("rows:\n%s", counts.text())
    require_labels(table, rows, options.max_unknown)
    counts.write(stage.dir)
    order = ids.sorted()
    rows, ids = rows[order], TextColumn(ids.of(order))
    write_tables(stage, table, rows, ids, genders, alike, tables)


def _leave_out_nameless(table: RowTable, min_match: float, counts: RowCounts) -> np.ndarray:
    """The rows with an audio path and a source. Raises InputError if too many have cells, but not both."""
    no_source, n_rows = table.sources.codes == table.sources.words[""], len(table)
    no_path, is_empty = table.paths.lengths() == 0, np.frombuffer(table.is_empty, np.int8) > 0
    table.sources.put(np.flatnonzero(no_source), NO_SOURCE)
    for reason, lacking in (
        ("no cell is filled", is_empty),
        ("empty source", no_source & ~no_path & ~is_empty),
        ("empty audio path", no_path & ~is_empty),
    ):
        some = np.flatnonzero(lacking)
        counts.leave_out(some, reason)
        if len(some) > (1 - min_match) * n_rows and not is_empty[some[0]]:
            raise InputError(
                f"{table.where(some[0])}: {reason}, as in {len(some)} of {n_rows} rows, more than --min_match "
                f"{min_match} lets; fill the cells, or remove the rows"
            )
    return np.flatnonzero(~(no_source | no_path))


def _find_embeddings(
    table: RowTable, rows: np.ndarray, tables: EmbeddingTables, wanted: set[str], min_match: float, counts: RowCounts
) -> np.ndarray:
    """Select the sources and give each of their rows its embedding. Returns the rows that have one."""
    by_source = dict(sorted(table.groups(rows, table.sources)))
    if not wanted <= set(by_source):
        raise InputError(
            f"--sources: no rows of {', '.join(sorted(wanted - set(by_source)))}; found {', '.join(by_source)}"
        )
    chosen: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for source, some in by_source.items():
        by_source[source] = table.paths.sorted(some)
        if not wanted or source in wanted:
            chosen[source] = take_once(table, by_source[source])
    entries, kept, missing = tables.entries, [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    matcher = KeyMatcher(entries.names, entries.rows)
    matches = dict(zip(chosen, matcher.match_sources(table.paths, [once for once, _ in chosen.values()]), strict=True))
    table.keys = np.full(len(table), NONE, np.int32)
    for source, some in by_source.items():
        if source not in chosen:
            counts.leave_out(some, "source not chosen")
            continue
        (once, repeats), match = chosen[source], matches[source]
        counts.leave_out(repeats, "repeats another row")
        if not wanted and match.n_found == 0:
            counts.leave_out(once, "source without embeddings")
            continue
        _log_match(source, match)
        table.keys[once] = match.rows
        kept.append(once[match.rows != NONE])
        missing.append(once[match.rows == NONE])
    found, lost = np.concatenate(kept), np.concatenate(missing)
    counts.leave_out(lost, "no embedding")
    _require_matches(table, found, lost if len(found) else rows, entries, min_match)
    tables.forget_names(table.keys[found])
    return found


def _leave_out_files(left_out: list[LeftOut], data_dir: Path, counts: RowCounts) -> None:
    """Count the rows of tables that are not used, and say so; many of one kind in one directory are told together."""
    alike: dict[tuple[Path, str, str], dict[Path, int | None]] = {}
    for file, reason, is_read in left_out:
        n_rows, reason = _count_rows(file, reason) if is_read else (None, reason)
        alike.setdefault((file.parent, file.suffix, reason), {})[file] = n_rows
    for (folder, suffix, reason), files in alike.items():
        for file, n_rows in files.items():
            name = file.relative_to(data_dir)
            source = str(name) if len(files) <= MOST_NAMED else str(name.parent / f"*{suffix}")
            counts.leave_out_file(source, str(name), reason, n_rows)
        names = str(next(iter(files))) if len(files) == 1 else f"{folder}/*{suffix}, {len(files)} files,"
        rows = "unknown" if None in files.values() else sum(files.values())
        log.warning("%s not used: %s (%s rows)", names, reason, rows)


def _count_rows(file: Path, reason: str) -> tuple[int | None, str]:
    """The number of rows, or None where they cannot be read, and the reason, with that of the fault."""
    try:
        return sum(1 for _ in read_rows(file)[1]), reason
    except InputError as error:
        fault = str(error).removeprefix(str(file)).lstrip(":0123456789 ")
        return None, reason if fault in reason else f"{reason}; {fault}"


def _log_match(source: str, match: Match) -> None:
    found = (f"{rule}: {'ambiguous' if hits is None else hits}" for rule, hits in match.hits.items())
    log.info("%s: %d of %d keys by rule %r (%s)", source, match.n_found, len(match.rows), match.rule, ", ".join(found))


def _require_matches(
    table: RowTable, kept: np.ndarray, missing: np.ndarray, entries: TableEntries, min_match: float
) -> None:
    """Raise InputError if too few of the rows have an embedding, or two rows have the same."""
    total = len(kept) + len(missing)
    if not len(kept) or len(kept) < min_match * total:
        examples = ", ".join(f"{table.where(row)}: {cut(table.paths[row])}" for row in missing[:3])
        keys = nsmallest(3, entries)
        raise InputError(
            f"only {len(kept)} of {total} rows have an embedding, fewer than --min_match {min_match}; without one are "
            f"{examples}; keys of the embeddings are like {', '.join(map(cut, keys))}"
        )
    heads, _, which = distinct(table.keys[kept])
    if len(heads) < len(kept):
        at = int(np.flatnonzero(heads[which] != np.arange(len(kept)))[0])
        row, other = kept[at], kept[heads[which[at]]]
        raise InputError(
            f"{table.where(row)}: {cut(table.paths[row])}: its embedding {brief(entries.names[table.keys[row]])} is "
            f"also that of {table.where(other)}: {cut(table.paths[other])}"
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
