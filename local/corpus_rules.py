"""The rules for reading the rows of a corpus, from the files `local/rules/{columns,labels,speakers}.yaml`.

rules = Rules.load(Path("local/rules"))
rules.label("pitch", "very low-pitch")                         # "low"
rules.speaker("voxceleb", "id10270/5r0dWxy17C8/00001.wav")     # "id10270"
"""

import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

from steps.data.spellings import normal_names
from utils.errors import InputError, brief
from utils.yaml_files import read_yaml

RULES = Path(__file__).with_name("rules")
FILES = ("columns.yaml", "labels.yaml", "speakers.yaml")
LONGEST_PATH = 4096  # characters of an audio path in which a speaker is looked for
NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?")
CHILD, ADULT = "child", "adult"  # where there are no more than two ages
ADULTS = ("young-adult", "middle-aged-adult", "elderly")  # who are ADULT then
AUDIO = {"wav", "flac", "m4a", "mp3", "ogg", "opus", "sph"}


def strip_extension(path: str) -> str:
    """The path without the extension of an audio file; other dots belong to the name."""
    stem, _, extension = path.rpartition(".")
    return stem if extension.lower() in AUDIO else path


@lru_cache(10_000)
def plain_name(column: str) -> str:
    """The name of a column in lower case, without characters of no width and blanks at its ends."""
    return "".join(c for c in column if c.isascii() or unicodedata.category(c) != "Cf").strip().lower()


def slug(words: str) -> str:
    """Lower case, words joined by "-", letters composed (NFC)."""
    return "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", words).lower()))


@dataclass(frozen=True)
class Rules:
    """Column aliases, label vocabularies and speaker rules.

    Attributes:
        columns: our name of a column -> its aliases, best first.
        unknown: the labels that mean "unknown", as `_fold` writes them.
        names: those of them that may be the id of a speaker.
        labels: attribute -> folded label -> our value.
        limits: attribute -> upper ends and values of numbers in place of labels, such as years of age, rising.
        speakers: source -> its entry in `speakers.yaml`.
        sources: name or alias of a source, without hyphens -> source.
    """

    columns: Mapping[str, tuple[str, ...]]
    unknown: frozenset[str]
    names: frozenset[str]
    labels: Mapping[str, Mapping[str, str]]
    limits: Mapping[str, tuple[tuple[float, str], ...]]
    speakers: Mapping[str, Mapping[str, Any]]
    sources: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path) -> "Rules":
        """Read the three files. Raises InputError for a file that is missing or malformed."""
        columns, labels, speakers = (_read_mapping(Path(folder) / name) for name in FILES)
        try:
            return cls(
                columns={name: tuple(aliases) for name, aliases in columns.items()},
                unknown=frozenset(_fold(label) for label in labels["unknown"]),
                names=frozenset(_fold(label) for label in labels.get("names", ())),
                labels={name: _invert(values) for name, values in labels["attributes"].items()},
                limits={name: _rising(values) for name, values in labels.get("limits", {}).items()},
                speakers={source: _compiled(entry) for source, entry in speakers.items()},
                sources={
                    slug(alias).replace("-", ""): source
                    for source, entry in speakers.items()
                    for alias in (source, *entry.get("aliases", ()))
                },
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError, re.error) as error:
            raise InputError(f"{folder}: these files do not have the format of local/rules: {error!r}") from error

    def column(self, name: str, present: Collection[str]) -> str | None:
        """The column among `present` that is an alias of `name`, or None."""
        return next(iter(self.candidates(name, present)), None)

    def candidates(self, name: str, present: Collection[str]) -> list[str]:
        """The columns among `present` that are aliases of `name`, best first."""
        ranks = {alias: rank for rank, alias in enumerate(self.aliases(name))}
        found = [column for column in present if plain_name(column) in ranks]
        return sorted(found, key=lambda column: ranks[plain_name(column)])

    def aliases(self, name: str) -> tuple[str, ...]:
        """The names that the column `name` may have."""
        return self.columns.get(name, (name,))

    def is_unknown(self, label: str | None) -> bool:
        """Does this label mean "unknown"?"""
        return label is None or (len(label) <= self._longest_unknown and _fold(label) in self.unknown)

    def person(self, name: str | None) -> str | None:
        """The speaker that a cell names, or None if it names nobody."""
        if name is None or not normal_names([name])[name][0]:
            return None
        return name if _fold(name) in self.names or not self.is_unknown(name) else None

    @cached_property
    def _longest_unknown(self) -> int:
        """Labels longer than this need not be looked up."""
        return max(map(len, self.unknown), default=0) + 2

    def label(self, attribute: str, label: str) -> str | None:
        """Our value of a label, or None if it is not in the vocabulary of the attribute."""
        if attribute not in self.labels:
            return slug(label) or None
        known = self.labels[attribute].get(_fold(label))
        return known or self._of_number(attribute, label)

    def _of_number(self, attribute: str, label: str) -> str | None:
        """Our value of a number in place of a label: the first whose limit it does not exceed."""
        if not NUMBER.fullmatch(label.strip()):
            return None
        return next((value for limit, value in self.limits.get(attribute, ()) if float(label) <= limit), None)

    def with_two_ages(self, oldest_child: float) -> Self:
        """The same, but ages are CHILD up to these years, and ADULT above; nobody knows what a teenager is then."""
        folded = {label: value for label, value in self.labels["age"].items() if value in (CHILD, ADULT, *ADULTS)}
        ages = {label: CHILD if value == CHILD else ADULT for label, value in folded.items()}
        limits = ((oldest_child, CHILD), (math.inf, ADULT))
        return replace(self, labels={**self.labels, "age": ages}, limits={**self.limits, "age": limits})

    def source(self, name: str) -> str:
        """The canonical name of a source."""
        return self.sources.get(slug(name).replace("-", ""), slug(name))

    def speaker(self, source: str, path: str) -> str | None:
        """The speaker in the audio path, or None."""
        found = self._find(source, path)
        return found[1] if found else None

    def utterance(self, source: str, path: str) -> str:
        """The utterance's name within its speaker: the file's name, or the path from the speaker's folder on."""
        stem = strip_extension(path.replace("\\", "/"))
        begin = stem.rfind("/") + 1
        if self.speakers.get(source, {}).get("utterance") == "path":
            found = self._find(source, path)
            begin = stem.rfind("/", 0, found.start(1)) + 1 if found else begin
        return stem[begin:].replace("/", "-")

    def why_no_speaker(self, source: str) -> str:
        """Why the audio paths of a source do not name the speaker."""
        entry = self.speakers.get(source)
        if entry is None:
            return "no rule for this source in speakers.yaml"
        if "untold" in entry:
            return entry["untold"]
        return f"{' or '.join(pattern.pattern for pattern in entry['pattern'])} is not in the path"

    def readers(self, source: str) -> str | None:
        """The list of people that the numbers of a source's speakers are from, which other sources may share."""
        return self.speakers.get(source, {}).get("readers")

    def _find(self, source: str, path: str) -> re.Match[str] | None:
        if len(path) > LONGEST_PATH:
            return None
        stem = strip_extension(path.replace("\\", "/"))
        for pattern in self.speakers.get(source, {}).get("pattern", ()):
            if found := pattern.search(stem):
                return found
        return None


def _fold(label: Any) -> str:
    return " ".join(str(label).lower().replace("-", " ").replace("_", " ").split())


def _invert(values: Mapping[str, list[str]]) -> dict[str, str]:
    return {_fold(label): value for value, labels in values.items() for label in labels}


def _rising(values: Mapping[str, float]) -> tuple[tuple[float, str], ...]:
    return tuple(sorted((float(limit), str(value)) for value, limit in values.items()))


def _compiled(entry: Mapping[str, Any]) -> dict[str, Any]:
    if ("pattern" in entry) == ("untold" in entry):
        raise KeyError("a source needs either 'pattern' or 'untold'")
    if "pattern" not in entry:
        return dict(entry)
    if not isinstance(entry.get("readers", ""), str):
        raise TypeError(f"readers: expected a name, found {brief(entry['readers'])}")
    patterns = [re.compile(text) for text in _as_list(entry["pattern"])]
    if not all(pattern.groups for pattern in patterns):
        raise KeyError(f"a pattern needs a group, the speaker, in {entry['pattern']}")
    return dict(entry) | {"pattern": patterns}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _read_mapping(path: Path) -> dict[str, Any]:
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected lines 'key: value', as in local/rules")
    return content
