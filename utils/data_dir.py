"""Kaldi data directories: read, write, validate.

Files are lines `key value`, sorted as LC_ALL=C sort does. `utt2spk` is primary, `spk2utt` derived from it. The rules
are those of https://kaldi-asr.org/doc/data_prep.html; `utils/validate_data_dir.sh` runs this module as a command.
"""

import os
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Self

from utils.errors import InputError, brief
from utils.plain_validity import is_plainly_valid
from utils.script_files import renew_paths
from utils.table_values import CONTROL_CHARACTERS, are_good, value_fault
from utils.tables import read_table, sorted_lines, values_of, write_table
from utils.tables_in_memory import will_be_valid

if TYPE_CHECKING:
    from utils.table_columns import CodedTable

PER_UTTERANCE = ("text", "feats.scp", "vad.scp", "xvector.scp", "utt2dur", "utt2num_frames", "utt2lang", "utt2uniq")
PER_SPEAKER = ("spk2gender", "spk2utt", "cmvn.scp")
PER_RECORDING = ("wav.scp", "reco2dur")
GENDER_WORDS = {"f": "female", "m": "male"}  # of the letters of spk2gender


class DataDir:
    """A data directory on disk. Tables are read when first asked for."""

    def __init__(self, path: Path):
        self.path = Path(path)
        if not (self.path / "utt2spk").is_file():
            raise InputError(
                f"{self.path}: no utt2spk here; expected a Kaldi data directory, with lines of utterance and speaker"
                " (where nobody knows the speaker, the utterance again)"
            )

    @cached_property
    def utt2spk(self) -> dict[str, str]:
        """Utterance -> speaker, in the order of the file."""
        return self.table("utt2spk")

    @cached_property
    def coded_utt2spk(self) -> "CodedTable":
        """The same in columns, sorted: for directories of a million utterances."""
        from utils.table_columns import read_coded

        return read_coded(self.path / "utt2spk")

    @cached_property
    def spk2utt(self) -> dict[str, list[str]]:
        """Speaker -> its utterances, derived from utt2spk."""
        return invert(self.utt2spk)

    def require_utterances(self) -> Self:
        """Return the directory. Raises InputError where it has no utterances."""
        if not self.utt2spk:
            raise InputError(f"{self.path / 'utt2spk'}: empty; expected lines of utterance and speaker")
        return self

    def has(self, name: str) -> bool:
        """Is there a file of this name?"""
        return (self.path / name).is_file()

    def tables(self) -> dict[str, dict[str, str]]:
        """All tables of the directory by file name, but spk2utt, which follows from utt2spk.

        They are for another directory: paths in script files that would not be found from there are replaced.
        """
        names = sorted(file.name for file in self.path.iterdir() if is_table(file.name) and file.name != "spk2utt")
        tables = {name: self.table(name) for name in names}
        scripts = {name: renew_paths(self.path / name, tables[name]) for name in names if name.endswith(".scp")}
        return tables | scripts

    def table(self, name: str) -> dict[str, str]:
        """Read one table of the directory."""
        return read_table(self.path / name)


def invert(utt2spk: Mapping[str, str]) -> dict[str, list[str]]:
    """Turn utterance -> speaker into speaker -> utterances, both sorted."""
    spk2utt: dict[str, list[str]] = {}
    for utterance, speaker in sorted_lines(utt2spk):
        spk2utt.setdefault(speaker, []).append(utterance)
    return dict(sorted(spk2utt.items()))


def restrict(
    tables: Mapping[str, Mapping[str, str]], utterances: Collection[str], per_speaker: Iterable[str] = PER_SPEAKER
) -> dict[str, dict[str, str]]:
    """Keep of each table (file name -> key -> value) what belongs to the given utterances, which utt2spk must have."""
    segments, keys = tables.get("segments", {}), list(utterances)
    wanted = utterances if isinstance(utterances, Set | Mapping) else set(keys)
    speakers = set(values_of(tables["utt2spk"], keys))
    if None in speakers:
        raise KeyError("an utterance that utt2spk has not")
    recordings = _recordings(segments, keys) if segments else wanted
    kept = dict.fromkeys(tables, wanted)
    kept |= dict.fromkeys(per_speaker, speakers) | dict.fromkeys(PER_RECORDING, recordings)
    whole = {name for name, table in tables.items() if kept[name] is wanted and list(table) == keys}
    return {
        name: dict(table) if name in whole else {key: table[key] for key in table if key in kept[name]}
        for name, table in tables.items()
    }


def _recordings(segments: Mapping[str, str], utterances: Sequence[str]) -> set[str]:
    """Those that the segments of utterances are of. Raises InputError where an utterance has none."""
    lines = values_of(segments, utterances)
    if None in lines:
        absent = utterances[lines.index(None)]
        raise InputError(f"segments: no line for {absent}, which utt2spk has; run utils/fix_data_dir.sh")
    return {line.split(None, 1)[0] for line in lines if line is not None}


def write_data_dir(path: Path, tables: Mapping[str, Mapping[str, str]]) -> None:
    """Write tables (file name -> key -> value) and the spk2utt that follows from utt2spk, then validate them."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_table(path / name, table)
    spk2utt = {speaker: " ".join(utterances) for speaker, utterances in invert(tables["utt2spk"]).items()}
    write_table(path / "spk2utt", spk2utt)
    written = {name: table for name, table in tables.items() if is_table(name)} | {"spk2utt": spk2utt}
    if not _are_surely_valid(path, written):
        require_valid(path)


def _are_surely_valid(path: Path, tables: Mapping[str, Mapping[str, str]]) -> bool:
    """Are these, which were just written, all tables of the directory, and valid beyond doubt?"""
    if {file.name for file in path.iterdir() if is_table(file.name)} != tables.keys() or "cmvn.scp" in tables:
        return False
    utterances, segments = tables["utt2spk"].keys(), tables.get("segments")
    recordings = utterances if segments is None else {value.split(None, 1)[0] for value in segments.values()}
    whole = dict.fromkeys((*PER_UTTERANCE, "segments"), utterances) | dict.fromkeys(PER_RECORDING, recordings)
    whole |= dict.fromkeys(("spk2gender", "spk2utt"), tables["spk2utt"].keys())
    return will_be_valid(tables, whole, partial(are_good, True))


def check_genders(spk2gender: Mapping[str, str], where: object, remedy: str = "") -> None:
    """Raise InputError for a speaker of the table `where` whose gender is neither m nor f."""
    for speaker, gender in spk2gender.items():
        if gender not in GENDER_WORDS:
            raise InputError(f"{where}: {brief(speaker)}: expected m or f, found {brief(gender)}{remedy}")


def require_valid(path: Path) -> None:
    """Raise InputError with the first problems of a data directory (text, features and audio may be absent)."""
    problems = validate(path, text=False, feats=False, wav=False)
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise InputError(f"{path}: not a valid data directory: {'; '.join(problems[:3])}{more}")


def validate(
    path: Path, text: bool = True, feats: bool = True, wav: bool = True, spk_sort: bool = True, printable: bool = True
) -> list[str]:
    """List the problems of a data directory, each with its file.

    Args:
        text, feats, wav: require `text`, `feats.scp`, `wav.scp`; a waived file is still checked if it is there.
        spk_sort: require utt2spk to be sorted by speaker too, so that a speaker id is a prefix of its utterance ids.
        printable: require the transcripts of `text` to have no control characters.
    """
    path = Path(path)
    required = ["utt2spk", "spk2utt"] + [
        name for name, wanted in (("text", text), ("feats.scp", feats), ("wav.scp", wav)) if wanted
    ]
    problems = [f"{path / name}: missing" for name in required if not (path / name).is_file()]
    if not (path / "utt2spk").is_file():
        return problems
    names = [file.name for file in path.iterdir() if is_table(file.name)]
    good = partial(are_good, printable)
    if not problems and spk_sort and is_plainly_valid(path, names, PER_UTTERANCE, PER_RECORDING, good):
        return []
    known: dict[str, dict[str, str]] = {}  # the tables that decide the keys of the others
    for name in sorted(names, key=lambda name: (name != "utt2spk", name != "segments", name)):
        try:
            table = read_table(path / name)
        except InputError as error:
            problems.append(str(error))
            continue
        if name in ("utt2spk", "segments"):
            known[name] = table
        problems += _check_table(path / name, table)
        if "utt2spk" in known:
            problems += _check_keys(path / name, table, known)
        if name == "utt2spk" and spk_sort:
            problems += _check_order(path / name, table)
        if name == "spk2utt" and "utt2spk" in known:
            problems += _check_utterances(path / name, table, known["utt2spk"])
        if name == "text" and printable:
            problems += _check_printable(path / name, table)
    return problems


def is_table(name: str) -> bool:
    """Is this the name of a table that has one line an utterance, speaker or recording?"""
    return name in (*PER_UTTERANCE, *PER_SPEAKER, *PER_RECORDING, "utt2spk", "segments") or name.startswith("utt2")


def _check_table(file: Path, table: Mapping[str, str]) -> Iterable[str]:
    if not table:
        yield f"{file}: empty"
    unsorted = next((number for number, (a, b) in enumerate(pairwise(table), 2) if b <= a), None)
    if unsorted:
        yield f"{file}:{unsorted}: not sorted (LC_ALL=C); run utils/fix_data_dir.sh"
    if table and not _ends_line(file):
        yield f"{file}: no newline at the end"
    if _has_mark(file):
        yield (
            f"{file}:1: begins with a byte order mark, which Kaldi's programs take for a part of the first word; "
            "run utils/fix_data_dir.sh"
        )
    for key, value in table.items():
        problem = value_fault(file.name, value)
        if problem:
            yield f"{file}: {key}: {problem}"


def _ends_line(file: Path) -> bool:
    with file.open("rb") as content:
        content.seek(-1, os.SEEK_END)
        return content.read(1) == b"\n"


def _has_mark(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(len(BOM_UTF8)) == BOM_UTF8


def _check_order(file: Path, utt2spk: Mapping[str, str]) -> Iterable[str]:
    for (_, a), (utterance, b) in pairwise(utt2spk.items()):
        if b < a:
            yield (
                f"{file}: {utterance}: not sorted by speaker; "
                "make the speaker id a prefix of the utterance id, joined by '-'"
            )
            break


def _check_utterances(file: Path, spk2utt: Mapping[str, str], utt2spk: Mapping[str, str]) -> Iterable[str]:
    counts = Counter(utt2spk.values())
    for speaker in sorted(counts.keys() | spk2utt.keys()):
        utterances = spk2utt.get(speaker, "").split()
        known = len(utterances) == counts[speaker] and all(utt2spk.get(name) == speaker for name in utterances)
        if not known or utterances != sorted(set(utterances)):
            yield f"{file}: {speaker}: disagrees with utt2spk; run utils/fix_data_dir.sh"
            break


def _check_keys(file: Path, table: Mapping[str, str], known: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    utterances, wanted = known["utt2spk"].keys(), None
    if file.name in (*PER_UTTERANCE, "segments"):
        wanted = utterances
    elif file.name in PER_RECORDING:
        recordings = {value.split()[0] for value in known.get("segments", {}).values()}
        wanted = recordings if "segments" in known else utterances
    elif file.name == "spk2gender":
        wanted = set(known["utt2spk"].values())
    if wanted is not None and table.keys() != wanted:
        differing = sorted(table.keys() ^ wanted)
        sizes = f"{len(table)} keys, expected {len(wanted)}"
        yield f"{file}: {sizes}; differences from {' '.join(differing[:3])} to {differing[-1]}"
    elif wanted is None and file.name.startswith("utt2") and not table.keys() <= utterances:
        differing = sorted(table.keys() - utterances)
        yield f"{file}: {len(differing)} utterances that utt2spk lacks: {' '.join(differing[:3])}"


def _check_printable(file: Path, text: Mapping[str, str]) -> Iterable[str]:
    for key, words in text.items():
        if CONTROL_CHARACTERS.search(words):
            yield f"{file}: {key}: has a control character"


FLAGS = {
    "--no-text": "text",
    "--no-feats": "feats",
    "--no-wav": "wav",
    "--no-spk-sort": "spk_sort",
    "--non-print": "printable",
}
USAGE = f"Usage: utils/validate_data_dir.sh [{'] ['.join(FLAGS)}] <data-dir>"


def main(argv: list[str] | None = None) -> int:
    """Validate one directory with Kaldi's own flags. Returns 0 if it is valid, else 1 after listing the problems."""
    arguments = sys.argv[1:] if argv is None else argv
    waived = {FLAGS[word]: False for word in arguments if word in FLAGS}
    paths = [word for word in arguments if word not in FLAGS]
    if paths in (["--help"], ["-h"]):
        print(USAGE, file=sys.stderr)
        return 0
    surplus = next((word for word in paths if word.startswith("-")), "".join(paths[1:2]))
    if surplus or not paths:
        found = f"{brief(surplus)}: " if surplus else ""
        print(f"validate_data_dir: ERROR: {found}expected flags and one directory; {USAGE}", file=sys.stderr)
        return 1
    problems = validate(Path(paths[0]), **waived)
    if not problems and len(DataDir(paths[0]).spk2utt) == 1:
        print(f"validate_data_dir: warning: {paths[0]} has one speaker only", file=sys.stderr)
    for problem in problems[:20]:
        print(f"validate_data_dir: {problem}", file=sys.stderr)
    if len(problems) > 20:
        print(f"validate_data_dir: ... and {len(problems) - 20} more", file=sys.stderr)
    if not problems:
        print(f"validate_data_dir: successfully validated {paths[0]}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
