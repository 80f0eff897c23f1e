"""Stage 0 for CapSpeech and corpora like it: labelled rows and their embeddings become data/<corpus>/all.

Inputs: `data_dir` with sets of rows (train, val, test, or any name) as csv, tsv, jsonl, json, parquet, arrow or saved
Hugging Face folders, and `embedding_dir` with csv or tsv tables, or Kaldi scp and ark, anywhere below them.

Output: a data directory with utt2spk, spk2utt, spk2gender (if every speaker's gender is known), utt2<attribute> for
each attribute, utt2caption (if there are captions), utt2split (the corpus's own), utt2corpus_id, xvector.scp (which
names the archives of the corpus), spk_xvector.{ark,scp} and num_utts.ark (the mean of each speaker's embeddings, and
their number), and two tables: row_counts.tsv, the numbers of rows that are used and left out, by reason, and
left_out.tsv, the rows and tables that are left out. Ids are <source>-<speaker>-<name>.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.capspeech.embedding_tables import EmbeddingTables
from local.capspeech.row_counts import RowCounts, require_labels
from local.capspeech.row_files import LeftOut, RowFiles, find_row_files
from local.capspeech.rows import CorpusRow, RowReader, refuse_duplicates, settle_genders, take_once
from local.capspeech.speakers import find_speakers, name_speakers, override_speakers
from local.corpus_rules import FILES, RULES, Rules
from local.key_matching import KeyMatcher, Match
from steps.data.groups import ATTRIBUTES
from steps.data.speaker_vectors import write_of_script
from steps.data.spellings import DISTINCT, DISTINCT_HELP
from steps.data.table_rows import read_rows
from utils.command import logger, run_command
from utils.data_dir import write_data_dir
from utils.errors import InputError, brief, cut
from utils.options import option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.stage_dir import StageDir

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
    rules, counts = reader.rules, RowCounts()
    _leave_out_files(found.left_out, options.data_dir, counts)
    rows = _leave_out_nameless(reader.read(found.files), options.min_match, counts)
    rows = _find_embeddings(rows, tables, {rules.source(name) for name in options.sources}, options.min_match, counts)
    if options.utt2spk:
        override_speakers(rows, options.utt2spk)
    rows, unknown = find_speakers(rows, rules, options.min_match)
    counts.leave_out(unknown, "unknown speaker")
    distinct = name_speakers(rows, rules, options.space, options.distinct_ids)
    genders = settle_genders(rows, options.gender_conflicts == "unlabel")
    counts.count_kept(rows)
    log.info("rows:\n%s", counts.text())
    require_labels(rows, options.attributes, options.max_unknown)
    counts.write(stage.dir)
    keys = {row.utterance_id: row.key for row in rows}
    script = tables.script(keys, stage.dir, stage.final)
    data = _data_tables(rows, genders, options.attributes) | {"xvector.scp": script}
    write_data_dir(stage.dir, data | ({DISTINCT: distinct} if distinct else {}))
    write_of_script(
        stage.dir, stage.final, data["utt2spk"], script, lambda key: f"{tables.entries[keys[key]]}: {keys[key]}"
    )


def _leave_out_nameless(rows: list[CorpusRow], min_match: float, counts: RowCounts) -> list[CorpusRow]:
    """The rows with an audio path and a source. Raises InputError if too many have cells, but not both."""
    reasons: dict[str, list[CorpusRow]] = {"no cell is filled": [], "empty source": [], "empty audio path": []}
    named = []
    for row in rows:
        if row.path and row.source:
            named.append(row)
            continue
        reason = "no cell is filled" if row.is_empty else "empty source" if row.path else "empty audio path"
        row.source = row.source or NO_SOURCE
        reasons[reason].append(row)
    for reason, some in reasons.items():
        counts.leave_out(some, reason)
        if some and not some[0].is_empty and len(some) > (1 - min_match) * len(rows):
            raise InputError(
                f"{some[0].where}: {reason}, as in {len(some)} of {len(rows)} rows, more than --min_match {min_match} "
                "lets; fill the cells, or remove the rows"
            )
    return named


def _find_embeddings(
    rows: list[CorpusRow], tables: EmbeddingTables, wanted: set[str], min_match: float, counts: RowCounts
) -> list[CorpusRow]:
    """Select the sources and give each of their rows the key of its embedding. Returns the rows that have one."""
    by_source = _by_source(rows)
    if not wanted <= set(by_source):
        raise InputError(
            f"--sources: no rows of {', '.join(sorted(wanted - set(by_source)))}; found {', '.join(by_source)}"
        )
    matcher = KeyMatcher(tables.entries)
    kept: list[CorpusRow] = []
    missing: list[CorpusRow] = []
    for source, some in by_source.items():
        if wanted and source not in wanted:
            counts.leave_out(some, "source not chosen")
            continue
        some, repeats = take_once(some)
        counts.leave_out(repeats, "repeats another row")
        refuse_duplicates((row.path, row) for row in some)
        match = matcher.match([row.path for row in some])
        if not wanted and match.n_found == 0:
            counts.leave_out(some, "source without embeddings")
            continue
        _log_match(source, match)
        for row, key in zip(some, match.keys, strict=True):
            row.key = key or ""
            (kept if key else missing).append(row)
    counts.leave_out(missing, "no embedding")
    _require_matches(kept, missing if kept else rows, matcher.keys, min_match)
    return kept


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


def _by_source(rows: list[CorpusRow]) -> dict[str, list[CorpusRow]]:
    by_source: dict[str, list[CorpusRow]] = {}
    for row in sorted(rows, key=lambda row: (row.source, row.path)):
        by_source.setdefault(row.source, []).append(row)
    return by_source


def _log_match(source: str, match: Match) -> None:
    found = (f"{rule}: {'ambiguous' if hits is None else hits}" for rule, hits in match.hits.items())
    log.info("%s: %d of %d keys by rule %r (%s)", source, match.n_found, len(match.keys), match.rule, ", ".join(found))


def _require_matches(kept: list[CorpusRow], missing: list[CorpusRow], keys: list[str], min_match: float) -> None:
    """Raise InputError if too few of the rows have an embedding, or two rows have the same."""
    total = len(kept) + len(missing)
    if not kept or len(kept) < min_match * total:
        examples = ", ".join(f"{row.where}: {cut(row.path)}" for row in missing[:3])
        raise InputError(
            f"only {len(kept)} of {total} rows have an embedding, fewer than --min_match {min_match}; without one are "
            f"{examples}; keys of the embeddings are like {', '.join(map(cut, keys[:3]))}"
        )
    users: dict[str, CorpusRow] = {}
    for row in kept:
        other = users.setdefault(row.key, row)
        if other is not row:
            raise InputError(
                f"{row.where}: {cut(row.path)}: its embedding {brief(row.key)} is also that of {other.where}: "
                f"{cut(other.path)}"
            )


def _data_tables(
    rows: list[CorpusRow], genders: dict[str, str], attributes: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """The tables of labels: file name -> key -> value."""
    result = {
        "utt2spk": {row.utterance_id: row.speaker_id for row in rows},
        "utt2corpus_id": {row.utterance_id: row.path for row in rows},
        "utt2split": {row.utterance_id: row.split for row in rows},
        "utt2caption": {row.utterance_id: row.caption for row in rows if row.caption},
    }
    for attribute in attributes:
        result[f"utt2{attribute}"] = {
            row.utterance_id: row.labels[attribute] for row in rows if attribute in row.labels
        }
    speakers = set(result["utt2spk"].values())
    if genders.keys() == speakers:
        result["spk2gender"] = {speaker: gender[0] for speaker, gender in genders.items()}
    else:
        log.info(
            "no spk2gender: the gender of %d of %d speakers is unknown", len(speakers - genders.keys()), len(speakers)
        )
    return {name: table for name, table in result.items() if table}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
