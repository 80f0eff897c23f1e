"""Repair a Kaldi data directory in place: sort, make unique, keep the utterances that all files list, derive spk2utt.

Usage: utils/fix_data_dir.sh [--utt-extra-files "FILES"] [--spk-extra-files "FILES"] <data-dir>

An utterance stays if every file that must list all utterances has it, and if its speaker and recording stay; lines
without a value (but in text) and second lines of a key go, and so do byte order marks. The extra files are filtered,
but do not decide. The originals of the files that change are kept in <data-dir>/.backup, those of a second repair in
.backup.2, and so on: no backup is ever replaced. Fails, and changes nothing, where no utterance would be left or where
the ids cannot be sorted by utterance and by speaker at once.
"""

import filecmp
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from utils.data_dir import PER_RECORDING, PER_SPEAKER, PER_UTTERANCE, invert, is_table, restrict
from utils.errors import InputError, brief
from utils.tables import MAY_BE_EMPTY, read_lines, split_line, write_table

Tables = dict[str, dict[str, str]]
EXTRA_FILES = ("--utt-extra-files", "--spk-extra-files")


@dataclass
class Repair:
    """What a repair has done.

    Attributes:
        kept, before: how many utterances are left, and how many utt2spk had.
        backup: the directory of the originals; None where no file had to change.
        bad_lines: table -> its lines without a value, or with a key that came before.
    """

    kept: int
    before: int
    backup: Path | None = None
    bad_lines: dict[str, int] = field(default_factory=dict)


def fix(path: Path, utt_extra: tuple[str, ...] = (), spk_extra: tuple[str, ...] = ()) -> Repair:
    """Repair the directory `path`.

    Args:
        utt_extra, spk_extra: names of further files, keyed by utterance and by speaker, to filter as well.
    """
    path = Path(path)
    names = sorted(file.name for file in path.iterdir() if is_table(file.name) or file.name in (*utt_extra, *spk_extra))
    if "utt2spk" not in names:
        raise InputError(f"{path}: no utt2spk here; is this a Kaldi data directory?")
    lines = {name: read_lines(path / name) for name in names if name != "spk2utt"}
    tables = {name: _first_lines(name, lines[name]) for name in lines}
    repair = Repair(0, len(tables["utt2spk"]))
    repair.bad_lines = {name: len(lines[name]) - len(tables[name]) for name in lines}
    tables = restrict(tables, _known_throughout(tables), (*PER_SPEAKER, *spk_extra))
    if not tables["utt2spk"]:
        raise InputError(f"{path}: no utterance is known to all of {', '.join(tables)}; nothing was changed")
    speakers = [tables["utt2spk"][utterance] for utterance in sorted(tables["utt2spk"])]
    if speakers != sorted(speakers):
        raise InputError(
            f"{path / 'utt2spk'}: utterances and speakers sort differently; "
            "make each speaker id a prefix of its utterance ids, joined by '-'; nothing was changed"
        )
    tables["spk2utt"] = {speaker: " ".join(utterances) for speaker, utterances in invert(tables["utt2spk"]).items()}
    repair.kept, repair.backup = len(speakers), _replace(path, tables)
    return repair


def _first_lines(name: str, lines: list[str]) -> dict[str, str]:
    """Read a table leniently: the first line of each key, without the lines that have no value but need one."""
    table: dict[str, str] = {}
    for key, value in map(split_line, lines):
        if key and (value or name in MAY_BE_EMPTY):
            table.setdefault(key, value)
    if name == "utt2spk":
        return {key: value for key, value in table.items() if len(value.split()) == 1}
    return table


def _known_throughout(tables: Tables) -> set[str]:
    """The utterances in every file that must list all utterances, or whose speaker or recording is in it."""
    utt2spk, segments = tables["utt2spk"], tables.get("segments")
    utterances = set(utt2spk).intersection(*(tables[name] for name in PER_UTTERANCE if name in tables))
    if segments is not None:
        utterances &= set(segments)
    for name in tables.keys() & set(PER_RECORDING):
        utterances = {utt for utt in utterances if (segments[utt].split()[0] if segments else utt) in tables[name]}
    for name in tables.keys() & set(PER_SPEAKER):
        utterances = {utt for utt in utterances if utt2spk[utt] in tables[name]}
    return utterances


def _replace(path: Path, tables: Mapping[str, Mapping[str, str]]) -> Path | None:
    """Write the files that change. Returns the directory of their originals, or None if nothing changes."""
    with tempfile.TemporaryDirectory(dir=path, prefix=".fixed.") as folder:
        fixed = Path(folder)
        for name, table in tables.items():
            write_table(fixed / name, table)
        changed = [name for name in tables if not _same(path / name, fixed / name)]
        if not changed:
            return None
        backup = _new_backup(path)
        for name in changed:
            if (path / name).exists():
                shutil.copy2(path / name, backup / name)
        for name in changed:
            (fixed / name).replace(path / name)
    return backup


def _same(old: Path, new: Path) -> bool:
    return old.is_file() and filecmp.cmp(old, new, shallow=False)


def _new_backup(path: Path) -> Path:
    """Make the directory .backup, or the first of .backup.2, .backup.3, ... that is not there."""
    for number in itertools.count(1):
        backup = path / (".backup" if number == 1 else f".backup.{number}")
        if not os.path.lexists(backup):
            backup.mkdir()
            return backup


def main(argv: list[str] | None = None) -> int:
    """Repair one directory, with Kaldi's own options."""
    words = list(sys.argv[1:] if argv is None else argv)
    extra: dict[str, tuple[str, ...]] = dict.fromkeys(EXTRA_FILES, ())
    while len(words) > 2 and words[0] in EXTRA_FILES:
        extra[words[0]] = tuple(words[1].split())
        words = words[2:]
    if words in (["--help"], ["-h"]):
        print(__doc__.strip(), file=sys.stderr)
        return 0
    surplus = next((word for word in words if word.startswith("-")), "".join(words[1:2]))
    if surplus or not words:
        found = f"{brief(surplus)}: " if surplus else ""
        known = " and ".join(EXTRA_FILES)
        print(f"fix_data_dir: ERROR: {found}expected {known} with a value each, and one directory", file=sys.stderr)
        return 1
    try:
        repair = fix(Path(words[0]), extra["--utt-extra-files"], extra["--spk-extra-files"])
    except (InputError, OSError) as error:
        print(f"fix_data_dir: ERROR: {error}", file=sys.stderr)
        return 1
    for name, number in repair.bad_lines.items():
        if number:
            print(f"fix_data_dir: {name}: {number} lines go, without a value or with a key that came before")
    old = f"old files are in {repair.backup}" if repair.backup else "no file had to change"
    print(f"fix_data_dir: kept {repair.kept} utterances out of {repair.before}; {old}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
