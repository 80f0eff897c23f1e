"""The speakers of rows, and the ids that follow from them.

Speakers are named by --utt2spk, by a column, or by the audio path. What nobody sees in a spelling is normalised and
counted; two spellings that may be one person are an error, unless the user has decided.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from local.capspeech.rows import CorpusRow, refuse_duplicates
from local.corpus_rules import Rules
from local.key_matching import KeyMatcher
from local.speaker_words import Told, find_words
from steps.data.spellings import Mention, normal_names, require_distinct
from utils.command import logger
from utils.errors import InputError, brief, cut
from utils.tables import read_table

log = logger(__name__)


def override_speakers(rows: Sequence[CorpusRow], utt2spk: Path) -> None:
    """Take the speakers from a table keyed by audio path, in any form that the rules of key matching cover.

    Raises InputError for a table that has none of the rows.
    """
    speakers, n_found = read_table(utt2spk), 0
    matcher = KeyMatcher(speakers)
    for source, some in _by_source(rows).items():
        match = matcher.match([row.path for row in some])
        log.info("%s: %d of %d speakers from %s", source, match.n_found, len(some), utt2spk)
        n_found += match.n_found
        for row, key in zip(some, match.keys, strict=True):
            if key is not None:
                row.speaker, row.speaker_from = speakers[key], "--utt2spk"
    if not n_found:
        raise InputError(
            f"--utt2spk {utt2spk}: names none of the rows, whose paths are like {cut(rows[0].path)}; its keys "
            f"are like {cut(next(iter(speakers), 'nothing'))}"
        )


def name_speakers(rows: Sequence[CorpusRow], rules: Rules, space: str, distinct: bool = False) -> dict[str, str]:
    """Give each row its speaker and its ids, `<source>-<speaker>` and `<source>-<speaker>-<name>`.

    In a speaker's name all but letters, digits, "_" and "." becomes "_", so that ids sort by speaker; white space in
    the rest becomes `space`. Returns the speakers who look alike and are `distinct`, as `require_distinct` does.

    Raises InputError if an id would have white space, if two speakers or two rows get the
    same id, and if two spellings may be one person.
    """
    _check_words(rows, rules, distinct)
    _normalise(rows)
    owners: dict[str, CorpusRow] = {}
    for row in rows:
        row.speaker_id = row.source + "-" + re.sub(r"[^\w.]+", "_", row.speaker)
        row.utterance_id = row.speaker_id + "-" + _utterance_name(row, rules, space)
        owner = owners.setdefault(row.speaker_id, row)
        if owner.speaker != row.speaker:
            raise InputError(
                f"{row.where}: speakers {brief(owner.speaker)} ({owner.where}) and {brief(row.speaker)} both become "
                f"{cut(row.speaker_id)}; rename one with --utt2spk"
            )
    found = {}
    for source, some in _by_source(rows).items():
        mentions = (Mention(row.speaker_id, row.speaker, row.where, row.speaker_from == "--utt2spk") for row in some)
        found |= require_distinct(mentions, distinct, f"source {source}: say who is who with --utt2spk")
    _warn_of_shared_readers(rows, rules)
    refuse_duplicates((row.utterance_id, row) for row in rows)
    return found


def _warn_of_shared_readers(rows: Iterable[CorpusRow], rules: Rules) -> None:
    """Tell of people who may be in two sources: their numbers are of one list, but our ids keep sources apart."""
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        readers = rules.readers(row.source)
        if readers:
            sources[readers, row.speaker].add(row.source)
    shared = [(*key, sorted(found)) for key, found in sources.items() if len(found) > 1]
    if shared:
        readers, speaker, names = shared[0]
        log.warning(
            "%d readers of %s are in several sources, such as %s in %s: their ids differ, so that they may be on both "
            "sides of the split; take one of these --sources",
            *(len(shared), readers, speaker, " and ".join(names)),
        )


def _check_words(rows: Iterable[CorpusRow], rules: Rules, distinct: bool) -> None:
    """Speakers called NA and the like: people, or an error."""
    for source, some in _by_source(row for row in rows if row.speaker_from == "column" and row.speaker).items():
        if any(rules.is_unknown(row.speaker) for row in some):
            words = find_words(
                (Told(row.where, row.speaker, rules.speaker(source, row.path)) for row in some), rules, distinct
            )
            for row in some:
                if row.speaker in words:
                    row.speaker_from = f"column, which says {row.speaker!r}"


def find_speakers(rows: Sequence[CorpusRow], rules: Rules, least: float) -> tuple[list[CorpusRow], list[CorpusRow]]:
    """Take the speakers that are not known yet from the audio paths. Returns the rows with a speaker, and the others.

    Raises InputError if fewer than the share `least` of the rows of a source have a speaker.
    """
    known, unknown = [], []
    for row in rows:
        if row.speaker is None:
            row.speaker, row.speaker_from = rules.speaker(row.source, row.path), "rule"
        (unknown if row.speaker is None else known).append(row)
    totals = Counter(row.source for row in rows)
    faults = [
        _no_speaker(source, some, rules)
        for source, some in sorted(_by_source(unknown).items())
        if len(some) > (1 - least) * totals[source]
    ]
    if faults:
        raise InputError("; ".join(faults))
    return known, unknown


def _normalise(rows: Iterable[CorpusRow]) -> None:
    """Normalise the speakers of each source by their origin: numbers in a column, ids in paths."""
    for some in _group(rows, lambda row: (row.source, row.speaker_from)).values():
        names = normal_names({row.speaker for row in some})
        for row in some:
            row.speaker, row.respelled = names[row.speaker]
            if not row.speaker:
                raise InputError(f"{row.where}: the name of the speaker has no visible character; name the speaker")


def _by_source(rows: Iterable[CorpusRow]) -> dict[str, list[CorpusRow]]:
    return _group(rows, lambda row: row.source)


def _group(rows: Iterable[CorpusRow], key: Callable[[CorpusRow], Any]) -> dict[Any, list[CorpusRow]]:
    groups: dict[Any, list[CorpusRow]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _utterance_name(row: CorpusRow, rules: Rules, space: str) -> str:
    name = rules.utterance(row.source, row.path)
    if not space and name.split() != [name]:
        raise InputError(
            f"{row.where}: white space in the id {brief(name)}; Kaldi's keys cannot hold it: rename it, or give "
            "--space _"
        )
    return re.sub(r"\s+", space, name)


def _no_speaker(source: str, rows: list[CorpusRow], rules: Rules) -> str:
    return (
        f"{rows[0].where}: {cut(rows[0].path)}: the speaker of this and of {len(rows) - 1} more rows of source "
        f"{source} is unknown: {rules.why_no_speaker(source)}; give --utt2spk, or name other --sources"
    )
