"""The speakers of rows, and the ids that follow from them.

Speakers are named by --utt2spk, by a column, or by the audio path. What nobody sees in a spelling is normalised and
counted; two spellings that may be one person are an error, unless the user has decided.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from local.capspeech.row_table import RowTable
from local.capspeech.rows import refuse_duplicates
from local.corpus_rules import Rules
from local.key_matching import KeyMatcher
from local.speaker_words import Told, find_words
from steps.data.spellings import Mention, normal_names, require_distinct
from utils.code_column import NONE, distinct
from utils.command import logger
from utils.errors import InputError, brief, cut
from utils.table_columns import read_columns
from utils.text_column import TextColumn

log = logger(__name__)
COLUMN, OPTION, RULE = "column", "--utt2spk", "rule"


def override_speakers(table: RowTable, rows: np.ndarray, utt2spk: Path) -> None:
    """Take the speakers from a file keyed by audio path, in any form that the rules of key matching cover.

    Raises InputError for a file that has none of the rows.
    """
    keys, speakers = read_columns(utt2spk)
    sources, n_found = list(table.groups(rows, table.sources)), 0
    matches = KeyMatcher(keys).match_sources(table.paths, [some for _, some in sources])
    codes = np.array([table.speakers.words[word] for word in speakers.words.listed])
    for (source, some), match in zip(sources, matches, strict=True):
        log.info("%s: %d of %d speakers from %s", source, match.n_found, len(some), utt2spk)
        n_found += match.n_found
        found = match.rows != NONE
        table.speakers.put_codes(some[found], codes[speakers.codes[match.rows[found]]])
        table.speaker_from.put(some[found], OPTION)
    if not n_found:
        raise InputError(
            f"--utt2spk {utt2spk}: names none of the rows, whose paths are like {cut(table.paths[rows[0]])}; its keys "
            f"are like {cut(next(iter(keys), 'nothing'))}"
        )


def name_speakers(
    table: RowTable, rows: np.ndarray, rules: Rules, space: str, are_distinct: bool = False
) -> tuple[TextColumn, dict[str, str]]:
    """Give each of some rows (n,) its speaker and its ids, `<source>-<speaker>` and `<source>-<speaker>-<name>`.

    In a speaker's name all but letters, digits, "_" and "." becomes "_", so that ids sort by speaker; white space in
    the rest becomes `space`. Returns the ids of the utterances (n), and the speakers who look alike and are different
    people, as `require_distinct` does.

    Raises InputError if an id would have white space, if two speakers or two rows get the
    same id, and if two spellings may be one person.
    """
    _check_words(table, rows, rules, are_distinct)
    _normalise(table, rows)
    _name(table, rows)
    utterances = TextColumn(_utterance_ids(table, rows, rules, space))
    found = {}
    for source, some in table.groups(rows, table.sources):
        is_decided = table.speaker_from.codes[some] == table.speaker_from.words[OPTION]
        heads = some[distinct(table.speaker_ids.codes[some], is_decided)[0]].tolist()
        mentions = (
            Mention(table.speaker_ids[row], table.speakers[row], table.where(row), table.speaker_from[row] == OPTION)
            for row in heads
        )
        found |= require_distinct(mentions, are_distinct, f"source {source}: say who is who with --utt2spk")
    _warn_of_shared_readers(table, rows, rules)
    refuse_duplicates(table, rows, utterances, np.arange(len(utterances)))
    return utterances, found


def _name(table: RowTable, rows: np.ndarray) -> None:
    """Give rows the ids of their speakers. Raises InputError where two speakers get one."""
    heads, _, which = distinct(table.sources.codes[rows], table.speakers.codes[rows])
    owners: dict[str, int] = {}
    codes = []
    for row in rows[heads].tolist():
        speaker_id = table.sources[row] + "-" + re.sub(r"[^\w.]+", "_", table.speakers[row])
        owner = owners.setdefault(speaker_id, row)
        if table.speakers[owner] != table.speakers[row]:
            raise InputError(
                f"{table.where(row)}: speakers {brief(table.speakers[owner])} ({table.where(owner)}) and "
                f"{brief(table.speakers[row])} both become {cut(speaker_id)}; rename one with --utt2spk"
            )
        codes.append(table.speaker_ids.words[speaker_id])
    table.speaker_ids.extend([NONE] * len(table))
    table.speaker_ids.put_codes(rows, np.array(codes, np.int32)[which])


def _utterance_ids(table: RowTable, rows: np.ndarray, rules: Rules, space: str) -> Iterator[str]:
    columns = zip(table.speaker_ids.of(rows), table.sources.of(rows), table.paths.of(rows), strict=True)
    for place, (speaker_id, source, path) in enumerate(columns):
        name = rules.utterance(source, path)
        if name.split() != [name]:
            if not space:
                raise InputError(
                    f"{table.where(rows[place])}: white space in the id {brief(name)}; Kaldi's keys cannot hold it: "
                    "rename it, or give --space _"
                )
            name = re.sub(r"\s+", space, name)
        yield f"{speaker_id}-{name}"


def _warn_of_shared_readers(table: RowTable, rows: np.ndarray, rules: Rules) -> None:
    """Tell of people who may be in two sources: their numbers are of one list, but our ids keep sources apart."""
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows[distinct(table.sources.codes[rows], table.speakers.codes[rows])[0]].tolist():
        readers = rules.readers(table.sources[row])
        if readers:
            sources[readers, table.speakers[row]].add(table.sources[row])
    shared = [(*key, sorted(found)) for key, found in sources.items() if len(found) > 1]
    if shared:
        readers, speaker, names = shared[0]
        log.warning(
            "%d readers of %s are in several sources, such as %s in %s: their ids differ, so that they may be on both "
            "sides of the split; take one of these --sources",
            *(len(shared), readers, speaker, " and ".join(names)),
        )


def _check_words(table: RowTable, rows: np.ndarray, rules: Rules, are_distinct: bool) -> None:
    """Speakers called NA and the like: people, or an error."""
    told = rows[table.speaker_from.codes[rows] == table.speaker_from.words[COLUMN]]
    for source, some in table.groups(told, table.sources):
        speakers = np.unique(table.speakers.codes[some]).tolist()
        if not any(rules.is_unknown(table.speakers.word(code)) for code in speakers):
            continue
        columns = zip(some.tolist(), table.speakers.of(some), table.paths.of(some), strict=True)
        words = find_words(
            (Told(table.where(row), speaker, rules.speaker(source, path)) for row, speaker, path in columns),
            rules,
            are_distinct,
        )
        for word in words:
            of_word = some[table.speakers.codes[some] == table.speakers.words[word]]
            table.speaker_from.put(of_word, f"{COLUMN}, which says {word!r}")


def find_speakers(table: RowTable, rows: np.ndarray, rules: Rules, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Take the speakers that are not known yet from the audio paths. Returns the rows with a speaker, and the others.

    Raises InputError if fewer than the share `least` of the rows of a source have a speaker.
    """
    open_ones, words = rows[table.speakers.codes[rows] == NONE], table.speakers.words
    told = map(rules.speaker, table.sources.of(open_ones), table.paths.of(open_ones))
    codes = np.fromiter((NONE if word is None else words[word] for word in told), np.int32, len(open_ones))
    table.speakers.put_codes(open_ones, codes)
    table.speaker_from.put(open_ones, RULE)
    unknown = open_ones[codes == NONE]
    totals = {source: len(some) for source, some in table.groups(rows, table.sources)}
    faults = [
        _no_speaker(table, source, some, rules)
        for source, some in sorted(table.groups(unknown, table.sources), key=lambda pair: pair[0])
        if len(some) > (1 - least) * totals[source]
    ]
    if faults:
        raise InputError("; ".join(faults))
    return rows[table.speakers.codes[rows] != NONE], unknown


def _normalise(table: RowTable, rows: np.ndarray) -> None:
    """Normalise the speakers of each source by their origin: numbers in a column, ids in paths."""
    for _, some in table.groups(rows, table.sources):
        for _, alike in table.groups(some, table.speaker_from):
            codes, firsts, which = np.unique(table.speakers.codes[alike], return_index=True, return_inverse=True)
            names = normal_names(map(table.speakers.word, codes.tolist()))
            changed = [names[table.speakers.word(code)] for code in codes.tolist()]
            empty = [first for first, (name, _) in zip(firsts.tolist(), changed, strict=True) if not name]
            if empty:
                raise InputError(
                    f"{table.where(alike[min(empty)])}: the name of the speaker has no visible character; name the "
                    "speaker"
                )
            table.speakers.put_codes(alike, np.array([table.speakers.words[name] for name, _ in changed])[which])
            respelled = [table.respelled.words[how] if how else NONE for _, how in changed]
            table.respelled.put_codes(alike, np.array(respelled)[which])


def _no_speaker(table: RowTable, source: str, rows: np.ndarray, rules: Rules) -> str:
    return (
        f"{table.where(rows[0])}: {cut(table.paths[rows[0]])}: the speaker of this and of {len(rows) - 1} more rows of "
        f"source {source} is unknown: {rules.why_no_speaker(source)}; give --utt2spk, or name other --sources"
    )
