"""Repair a Kaldi data directory in place: sort, make unique, keep the utterances that all files list, derive spk2utt.

Usage: utils/fix_data_dir.sh [--utt-extra-files "FILES"] [--spk-extra-files "FILES"] <data-dir>

An utterance stays if every file that must list all utterances has it, and if its speaker and recording stay; lines
without a value and second lines of a key go. The extra files are filtered, but do not decide. The originals are kept in
<data-dir>/.backup. Fails, and changes nothing, where no utterance would be left or where the ids cannot be sorted by
utterance and by speaker at once.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from utils.data_dir import PER_RECORDING, PER_SPEAKER, PER_UTTERANCE, invert, is_table, restrict
from utils.errors import InputError
from utils.tables import read_lines, split_line, write_table

Tables = dict[str, dict[str, str]]
EXTRA_FILES = ("--utt-extra-files", "--spk-extra-files")


def fix(path: Path, utt_extra: tuple[str, ...] = (), spk_extra: tuple[str, ...] = ()) -> tuple[int, int]:
    """Repair the directory `path`. Returns how many of its utterances are left, and how many utt2spk had.

    Args:
        utt_extra, spk_extra: names of further files, keyed by utterance and by speaker, to filter as well.
    """
    path = Path(path)
    names = sorted(file.name for file in path.iterdir() if is_table(file.name) or file.name in (*utt_extra, *spk_extra))
    if "utt2spk" not in names:
        raise InputError(f"{path}: no utt2spk here; is this a Kaldi data directory?")
    tables = {name: _read_first_lines(path / name) for name in names if name != "spk2utt"}
    before = len(tables["utt2spk"])
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
    _replace(path, tables)
    return len(speakers), before


def _read_first_lines(file: Path) -> dict[str, str]:
    """Read a table leniently: the first line of each key, without the lines that have no value."""
    table: dict[str, str] = {}
    for key, value in map(split_line, read_lines(file)):
        if key and value:
            table.setdefault(key, value)
    if file.name == "utt2spk":
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


def _replace(path: Path, tables: Mapping[str, Mapping[str, str]]) -> None:
    backup = path / ".backup"
    backup.mkdir(exist_ok=True)
    for name, table in tables.items():
        if (path / name).exists():
            shutil.copy2(path / name, backup / name)
        fixed = path / f".{name}.tmp"
        write_table(fixed, table)
        fixed.replace(path / name)


def main(argv: list[str] | None = None) -> int:
    """Repair one directory, with Kaldi's own options."""
    words = list(sys.argv[1:] if argv is None else argv)
    extra: dict[str, tuple[str, ...]] = dict.fromkeys(EXTRA_FILES, ())
    while len(words) > 2 and words[0] in EXTRA_FILES:
        extra[words[0]] = tuple(words[1].split())
        words = words[2:]
    if len(words) != 1 or words[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 0 if words in (["--help"], ["-h"]) else 1
    try:
        kept, before = fix(Path(words[0]), extra["--utt-extra-files"], extra["--spk-extra-files"])
    except (InputError, OSError) as error:
        print(f"fix_data_dir: ERROR: {error}", file=sys.stderr)
        return 1
    print(f"fix_data_dir: kept {kept} utterances out of {before}; old files are in {words[0]}/.backup")
    return 0


if __name__ == "__main__":
    sys.exit(main())
