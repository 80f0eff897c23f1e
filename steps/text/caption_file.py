"""Captions of a user's own table, csv, tsv or jsonl: of utterances, of speakers, or of groups.

    found = CaptionFile.read(Path("captions.csv"), (), data, grouping)
    found.of_groups          # rows that are more variants of a group
    found.of_utterances      # rows that describe these utterances: one, or all of a speaker

A row has a text and a key. The key is the first of its columns `utterance`, `speaker` and `group` with a value; several
rows may have one key. `--caption_columns text=words,speaker=reader` names columns that are called otherwise.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.data.groups import Grouping
from steps.data.table_rows import as_texts, read_rows
from utils.command import logger
from utils.data_dir import DataDir
from utils.errors import InputError, brief

log = logger(__name__)
NAMES = {  # our name of a column -> what it may be called, best first; case does not count
    "utterance": ("utterance", "utterance_id", "utt", "utt_id"),
    "speaker": ("speaker", "speaker_id", "spk", "spk_id", "reader"),
    "group": ("group", "group_id"),
    "annotator": ("annotator", "describer", "rater", "worker"),
    "text": ("text", "caption", "description", "text_description", "style_prompt", "prompt", "tags"),
}
KEYS = ("utterance", "speaker", "group")
SHOWN = 3  # unknown keys in a message


@dataclass(frozen=True)
class FileCaption:
    """One row.

    Attributes:
        where: file and line.
        kind, key: one of KEYS, and the id in the data.
        text: as the file has it, with single blanks.
    """

    where: str
    kind: str
    key: str
    text: str


def read_text_rows(
    path: Path, columns: Sequence[str], keys: Sequence[str], option: str = "--caption_columns"
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table that has a text and one of `keys`: `file:line`, and our names of columns with their values.

    Args:
        columns: `our name=its name`, for columns that are called otherwise.
        keys: our names of the columns of which one must be there.
        option: that gave `columns`.
    """
    present, rows = read_rows(path)
    chosen = _choose(path, present, columns, option)
    if "text" not in chosen or not chosen.keys() & set(keys):
        missing = "text" if "text" not in chosen else " or ".join(keys)
        raise InputError(
            f"{path}: no column of the {missing} among {brief(', '.join(present))}; name it, as in"
            f" {'text' if missing == 'text' else keys[0]}=COLUMN of {option}"
        )
    for where, row in rows:
        named = {name: " ".join(as_texts(row.get(column))) for name, column in chosen.items() if name != "text"}
        for text in as_texts(row.get(chosen["text"])):
            yield where, named | {"text": text}


def _choose(path: Path, present: Sequence[str], columns: Sequence[str], option: str) -> dict[str, str]:
    """Our name of a column -> its name in the file."""
    folded: Mapping[str, str] = {column.strip().lower(): column for column in reversed(present)}
    chosen = {
        name: folded[found] for name, aliases in NAMES.items() if (found := next(filter(folded.get, aliases), None))
    }
    for word in columns:
        name, sign, column = word.partition("=")
        if name not in NAMES or not sign:
            raise InputError(f"{option} {brief(word)}: expected one of {', '.join(NAMES)}, = and a column")
        if column not in present:
            raise InputError(f"{path}: no column {brief(column)}; it has {brief(', '.join(present))}")
        chosen[name] = column
    return chosen


class KnownKeys:
    """Finds utterances, speakers and groups of the data by the names that a table has for them.

    A speaker may be named by the last part of the id alone, 103 for `librispeech-103`, if nobody else ends so.
    """

    def __init__(self, data: DataDir, grouping: Grouping):
        self.utterances, self.groups = grouping.utt2group, set(grouping.groups)
        self.speakers = {spk: [u for u in utts if u in grouping.utt2group] for spk, utts in data.spk2utt.items()}
        ends = Counter(_end(speaker) for speaker in self.speakers)
        self.by_end = {_end(speaker): speaker for speaker in self.speakers if ends[_end(speaker)] == 1}

    def find(self, row: Mapping[str, Any]) -> tuple[str, str, str | None]:
        """The kind of a row's key, the key, and the id in the data; None where the data have no such id."""
        kind = next((kind for kind in KEYS if row.get(kind)), None)
        if kind is None:
            return "key", "", None
        key = row[kind]
        if kind == "speaker":
            return kind, key, key if key in self.speakers else self.by_end.get(key)
        return kind, key, key if key in (self.utterances if kind == "utterance" else self.groups) else None

    def utterances_of(self, kind: str, key: str) -> list[str]:
        """The utterances with a group that a caption of an utterance or speaker describes."""
        return [key] if kind == "utterance" else self.speakers[key]


def _end(speaker: str) -> str:
    return speaker.replace("_", "-").rpartition("-")[2]


def read_caption_file(
    path: Path, columns: Sequence[str], data: DataDir, grouping: Grouping
) -> tuple[list[FileCaption], list[dict[str, str]]]:
    """The captions of known utterances, speakers and groups, and the other rows with the reason.

    Raises InputError for a file that has none at all.
    """
    known, found, unknown = KnownKeys(data, grouping), [], []
    for where, row in read_text_rows(path, columns, KEYS):
        kind, key, own = known.find(row)
        if own is None or (kind == "speaker" and not known.speakers[own]):
            reason = f"{where}: no {kind} {brief(key)} in the data" if own is None else f"{where}: no group"
            unknown.append({kind: key, "reason": reason, "text": row["text"]})
        else:
            found.append(FileCaption(where, kind, own, row["text"]))
    if not found:
        example = f"; {unknown[0]['reason']}" if unknown else ""
        raise InputError(
            f"{path}: none of its {len(unknown)} captions is of an utterance, speaker or group of {data.path}{example};"
            f" the groups are {brief(' '.join(grouping.groups))}"
        )
    if unknown:
        names = list(dict.fromkeys(row["reason"].partition(": ")[2] for row in unknown))[:SHOWN]
        log.warning(
            "%s: %d of %d captions have unknown keys and are not used: %s ...",
            path, len(unknown), len(unknown) + len(found), "; ".join(names),
        )  # fmt: skip
    return found, unknown
