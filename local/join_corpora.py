"""Several corpora of audio become one, in which every utterance has a source.

Input: a table (csv, tsv, jsonl or parquet), a row for each corpus: `source`, its name; `data_dir`, a Kaldi data
directory, such as `local.librispeech` or `local.folder` writes; and if need be `readers`, the people that its speakers
are of. Corpora of the same readers share speakers: an id is one person there, and an utterance that two of them have is
taken once. Any further column, such as `age`, is what all utterances of the corpus have that say nothing else.
Output: a data directory with `utt2source` and the tables of all, for `./run.sh --corpus folder --data_dir`. Ids are
`<readers>-<id>`. row_counts.tsv counts what was joined, filled in and left out.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from local.audio_corpus import whole_text, write_counts
from local.corpus_rules import FILES, RULES, Rules, slug
from steps.data.sets import speaker_genders, write_set
from steps.data.table_rows import read_rows
from utils.command import logger, run_command
from utils.data_dir import GENDER_WORDS, DataDir
from utils.errors import InputError, brief, cut
from utils.options import option
from utils.stage_dir import StageDir
from utils.table_values import TO_THE_END

log = logger(__name__)
SOURCE, DIRECTORY, READERS = "source", "data_dir", "readers"
NOT_JOINED = (
    "spk2gender",
    "utt2gender",
    "utt2source",
    "feats.scp",
    "cmvn.scp",
    "vad.scp",
    "utt2num_frames",
    "xvector.scp",
)
Tables = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.join_corpora"
    corpora: Path = option(help="table of corpora: source, data_dir, perhaps readers, and labels that all of it have")
    out: Path = option(help="data directory to write")
    rules: Path = option(RULES, "directory of columns.yaml, labels.yaml, speakers.yaml")
    force: bool = option(False, "redo the stage even if it is up to date")


@dataclass(frozen=True)
class CorpusRow:
    """One row of the table.

    Attributes:
        where: file:line. readers: the people that its speakers are of. labels: attribute -> value, of all utterances.
    """

    where: str
    source: str
    data: DataDir
    readers: str
    labels: dict[str, str]


@dataclass
class JoinedCorpora:
    """What has been joined so far.

    Attributes:
        tables: file name -> key -> value. genders: speaker -> f or m, and the row of the table that says so.
        sources: utterance -> source. counts: for row_counts.tsv.
    """

    tables: Tables = field(default_factory=lambda: {"utt2spk": {}})
    genders: dict[str, tuple[str, str]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def work(options: Options) -> None:
    """Join the corpora, unless that is up to date."""
    corpora = read_corpora(options.corpora, Rules.load(options.rules))
    inputs = [options.corpora, *(options.rules / name for name in FILES), *(corpus.data.path for corpus in corpora)]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        are_cut = any(corpus.data.has("segments") for corpus in corpora)
        joined = JoinedCorpora()
        for corpus in corpora:
            add(joined, corpus, are_cut)
        utterances = sorted(joined.sources)
        tables = joined.tables | {"utt2source": joined.sources, "utt2gender": utterance_genders(joined)}
        same = dict.fromkeys(utterances, "")
        tables["text"] = whole_text(tables.get("text", {}), same, False, joined.counts)
        write_set(stage, {name: table for name, table in tables.items() if table}, utterances, options.corpora)
        write_counts(stage.dir, joined.counts)
        speakers = len(set(tables["utt2spk"].values()))
        log.info("%s: %d utterances of %d speakers, %d sources", stage.final, len(utterances), speakers, len(corpora))


def read_corpora(path: Path, rules: Rules) -> list[CorpusRow]:
    """The rows of the table. Raises InputError for one without a source or a data directory, and for a source twice."""
    columns, rows = read_rows(path)
    missing = [name for name in (SOURCE, DIRECTORY) if name not in columns]
    if missing:
        raise InputError(f"{path}: no column {missing[0]}; it has {', '.join(map(cut, columns))}")
    corpora: list[CorpusRow] = []
    for where, row in rows:
        cells = {name: " ".join(str(row.get(name) or "").split()) for name in columns}
        source, readers, directory = slug(cells.pop(SOURCE)), slug(cells.pop(READERS, "")), cells.pop(DIRECTORY)
        if not source or not directory:
            raise InputError(f"{where}: expected a name of the source, and its data directory")
        if any(source == other.source for other in corpora):
            raise InputError(f"{where}: a second source {cut(source)}; give each corpus a name of its own")
        if not (Path(directory) / "wav.scp").is_file():
            raise InputError(
                f"{where}: {cut(directory)}: no wav.scp here; expected a Kaldi data directory, such as "
                "local.librispeech and local.folder write"
            )
        labels = {name: _label(rules, name, cell, where) for name, cell in cells.items() if not rules.is_unknown(cell)}
        corpora.append(
            CorpusRow(where, source, DataDir(Path(directory)).require_utterances(), readers or source, labels)
        )
    return corpora


def _label(rules: Rules, attribute: str, cell: str, where: str) -> str:
    value = rules.label(attribute, cell)
    if value is None:
        raise InputError(f"{where}: {cut(attribute)} {brief(cell)}: no label that labels.yaml of the rules knows")
    return value


def add(joined: JoinedCorpora, corpus: CorpusRow, are_cut: bool) -> None:
    """Add the utterances of a corpus that are new, under ids that begin with the readers.

    Args:
        are_cut: some corpora have segments; an utterance of the others is then a segment of its whole recording.
    """
    tables = corpus.data.tables()
    if are_cut and "segments" not in tables:
        tables["segments"] = {name: f"{name} 0 {TO_THE_END:g}" for name in tables["utt2spk"]}
    tables = _renamed(tables, corpus.readers)
    speakers, known = tables["utt2spk"], joined.tables["utt2spk"]
    for name in speakers.keys() & known.keys():
        if speakers[name] != known[name]:
            raise InputError(
                f"{corpus.where}: {name} is of {speakers[name]} here, of {known[name]} in {joined.sources[name]}; are "
                "the readers the same people?"
            )
    _add_genders(joined, corpus, tables)
    new = [name for name in speakers if name not in known]
    again = set(speakers.values()) & set(known.values())
    joined.counts |= _told(corpus.source, len(new), len(speakers) - len(new), len(again))
    for attribute, label in corpus.labels.items():
        table = tables.setdefault(f"utt2{attribute}", {})
        lacking = [name for name in new if name not in table]
        table |= dict.fromkeys(lacking, label)
        joined.counts[f"{corpus.source}: utterances of {attribute} {label} by the table"] = len(lacking)
    for name, table in tables.items():
        if name not in NOT_JOINED:
            mine = joined.tables.setdefault(name, {})
            mine |= {key: value for key, value in table.items() if key not in mine}
    joined.sources |= dict.fromkeys(new, corpus.source)


def _renamed(tables: Tables, readers: str) -> Tables:
    """The tables with `<readers>-` before the ids of utterances, recordings and speakers."""
    renamed = {name: {f"{readers}-{key}": value for key, value in table.items()} for name, table in tables.items()}
    for name in {"utt2spk", "segments"} & tables.keys():
        renamed[name] = {key: f"{readers}-{value}" for key, value in renamed[name].items()}
    return renamed


def _told(source: str, new: int, repeated: int, speakers: int) -> Counter[str]:
    """What of a corpus is told in row_counts.tsv."""
    counts = {
        "utterances kept": new,
        "utterances left out: an earlier source has them": repeated,
        "speakers that an earlier source has too": speakers,
    }
    return Counter({f"{source}: {what}": number for what, number in counts.items() if number})


def _add_genders(joined: JoinedCorpora, corpus: CorpusRow, tables: Tables) -> None:
    """Add the genders of a corpus. Raises InputError for a speaker who has another one in an earlier corpus."""
    for speaker, gender in speaker_genders(tables).items():
        other, where = joined.genders.setdefault(speaker, (gender, corpus.where))
        if other != gender:
            raise InputError(
                f"{corpus.where}: speaker {speaker} is {GENDER_WORDS[gender]} here, {GENDER_WORDS[other]} at {where};"
                " correct one, or give the corpora different readers"
            )


def utterance_genders(joined: JoinedCorpora) -> dict[str, str]:
    """Utterance -> female or male, where the speaker's gender is known."""
    speakers = joined.tables["utt2spk"]
    return {name: GENDER_WORDS[joined.genders[one][0]] for name, one in speakers.items() if one in joined.genders}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
