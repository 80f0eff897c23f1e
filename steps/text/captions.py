"""Captions: texts of single utterances or speakers, from `utt2caption` and from a table (`caption_file`), checked.

A caption of a speaker is one of all the speaker's utterances. It is contradictory where it contradicts the labels of
more than half of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from steps.data.groups import Grouping
from steps.text.caption_file import FileCaption, KnownKeys
from steps.text.check import Checker, normalise, text_problem
from utils.command import logger
from utils.data_dir import DataDir
from utils.errors import InputError, brief
from utils.tables import read_table

log = logger(__name__)


class Caption(NamedTuple):
    """A text and what it describes.

    Attributes:
        text: one line.
        utterances: with a group; one, or all of a speaker.
        group: the commonest of theirs.
    """

    text: str
    utterances: tuple[str, ...]
    group: str


class Captions:
    """Captions that agree with the labels of what they describe, and the others with the reasons.

    Attributes:
        accepted: text id -> caption.
        rejected: the others, as lines of rejected.jsonl.
    """

    def __init__(self, grouping: Grouping):
        self.grouping, self.checker = grouping, Checker()
        self.values = {group: grouping.values(group) for group in grouping.groups}
        self.accepted: dict[str, Caption] = {}
        self.rejected: list[dict[str, str]] = []

    def add_of_corpus(self, table: Path) -> None:
        """Add `utt2caption`; the id of a caption is its utterance's. Raises InputError where none can be used."""
        captions = read_table(table)
        before = len(self.rejected)
        for utterance in sorted(set(captions) & set(self.grouping.utt2group)):
            self._offer(utterance, captions[utterance], (utterance,), {"utterance": utterance})
        contradict = len(self.rejected) - before
        if not self.accepted:
            raise InputError(f"{table}: no utterance with a group has a usable caption ({contradict} contradict)")
        log.info("%d captions used, %d contradict their labels", len(self.accepted), contradict)

    def add_of_file(self, path: Path, rows: Iterable[FileCaption], data: DataDir) -> None:
        """Add rows about utterances and speakers; the ids of their captions are `<utterance or speaker>-c01` ..."""
        known, seen, numbers = KnownKeys(data, self.grouping), set(), Counter()
        before, refused = len(self.accepted), len(self.rejected)
        for row in rows:
            words = (row.kind, row.key, normalise(row.text))
            if words in seen:
                continue
            seen.add(words)
            numbers[row.key] += 1
            text_id = f"{row.key}-c{numbers[row.key]:02d}"
            if text_id in self.accepted:
                raise InputError(f"{row.where}: {brief(text_id)} is an utterance with a caption of its own; rename it")
            about = {"where": row.where, row.kind: row.key}
            self._offer(text_id, row.text, tuple(known.utterances_of(row.kind, row.key)), about)
        log.info(
            "%s: %d captions of utterances and speakers used, %d contradict their labels",
            path, len(self.accepted) - before, len(self.rejected) - refused,
        )  # fmt: skip

    def _offer(self, text_id: str, text: str, utterances: Sequence[str], about: Mapping[str, str]) -> None:
        """Accept a caption, or record why not."""
        counts = Counter(self.grouping.utt2group[utterance] for utterance in utterances)
        group = min(counts, key=lambda name: (-counts[name], name))
        reason = text_problem(text) or self._contradiction(text, counts)
        if reason:
            self.rejected.append({**about, "group": group, "reason": reason, "text": text})
        else:
            self.accepted[text_id] = Caption(text, tuple(utterances), group)

    def _contradiction(self, text: str, counts: Mapping[str, int]) -> str:
        """Why a text contradicts most of the groups (group -> utterances) that it describes; empty if it does not."""
        reasons = {group: self.checker.contradictions(text, self.values[group], caption=True) for group in counts}
        contradicted = sum(counts[group] for group, found in reasons.items() if found)
        if 2 * contradicted <= sum(counts.values()):
            return ""
        return "; ".join(dict.fromkeys(reason for found in reasons.values() for reason in found))
