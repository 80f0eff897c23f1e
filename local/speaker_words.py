"""Speakers whose names are also words for "unknown": NA, nan, None, null.

A table that says NA means a person of this name, or nobody. The paths of its rows tell: a person's name one speaker,
those of all whom nobody knows name several.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from local.corpus_rules import Rules
from utils.command import logger
from utils.errors import InputError, brief

log = logger(__name__)


class Told(NamedTuple):
    """Who speaks in a row: as the table tells at `where`, and as the path does, if it does."""

    where: str
    speaker: str
    by_path: str | None


def find_words(rows: Iterable[Told], rules: Rules, distinct: bool) -> set[str]:
    """Find the speakers of one source whose names are words for "unknown". Returns these words.

    Raises InputError where the paths name several speakers for such a word and one for every other speaker, unless
    `distinct` says that all names are of people.
    """
    paths: dict[str, set[str | None]] = defaultdict(set)
    words: dict[str, list[Told]] = defaultdict(list)
    for row in rows:
        paths[row.speaker].add(row.by_path)
        if rules.is_unknown(row.speaker):
            words[row.speaker].append(row)
    spread = any(len(found) > 1 for speaker, found in paths.items() if speaker not in words)
    for word, some in words.items():
        if len(paths[word]) > 1 and not spread and not distinct:
            raise InputError(
                f"{some[0].where}: is speaker {brief(word)} a person, or does it mean that nobody knows? Its "
                f"{len(some)} rows are of {len(paths[word])} speakers by their paths, those of all others of one; "
                "leave these cells empty, or give --distinct_ids true if it is a person"
            )
        log.warning("%s: speaker %r (%d rows) counts as a person's name", some[0].where, word, len(some))
    return set(words)
