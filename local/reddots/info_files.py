"""Tables of RedDots in `infos/`: what recordings say, and two that are not in RedDots. Read strictly.

    script.txt  20150201101010101_m0001_31;My voice is my password        latin-1
    folds.txt   m0001 0           experiments by folds of speakers
    sexes.txt   f0004 f?          f or m, or f? and m? where nobody has told the sex and it is estimated

Each fault is an InputError with file and line.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from local.reddots.list_files import lines_of
from local.reddots.names import RECORDING, WORD
from utils.errors import InputError, brief
from utils.packed_files import read_pieces
from utils.pointer_files import refuse_pointer
from utils.tables import read_table

MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")  # byte order marks: of UTF-8, UTF-16


def latin1_lines(path: Path) -> Iterator[str]:
    """The lines of a text in latin-1, a line at a time; quotes and dashes of Windows are taken for what they are."""
    content = b"".join(read_pieces(path))
    refuse_pointer(path, content[:4096])
    if b"\0" in content or content.startswith(MARKS[1:]):
        line = 1 + content.count(b"\n", 0, max(content.find(b"\0"), 0))
        raise InputError(f"{path}:{line}: a NUL byte or the mark of UTF-16, so this is no latin-1; convert it")
    for line in content.removeprefix(MARKS[0]).removesuffix(b"\n").split(b"\n") if content else ():
        yield (
            "".join(_sign(byte) for byte in line)
            if any(0x80 <= byte < 0xA0 for byte in line)
            else line.decode("latin-1")
        )


def _sign(byte: int) -> str:
    """A character: latin-1 has controls from 0x80 to 0x9f, where Windows has quotes and dashes."""
    code = bytes([byte])
    return code.decode("cp1252", "replace").replace("\ufffd", " ") if 0x80 <= byte < 0xA0 else code.decode("latin-1")


def read_script(path: Path) -> dict[str, str]:
    """Recording -> what it says."""
    texts: dict[str, str] = {}
    for where, line in lines_of(path, latin1_lines(path)):
        name, semicolon, text = line.partition(";")
        text = " ".join(text.split())
        if not RECORDING.fullmatch(name) or not text or not semicolon:
            raise InputError(f"{where}: expected '<17-digit stamp>_<speaker>_<sentence>;<text>', found {brief(line)}")
        if not text.isprintable():
            raise InputError(f"{where}: the text has a control character; remove it")
        if name in texts:
            raise InputError(f"{where}: {name} stands above too; remove one of the two lines")
        texts[name] = text
    return texts


def read_folds(path: Path) -> dict[str, str]:
    """Speaker -> fold."""
    return _read_speakers(path, "[0-9]{1,4}", "<speaker> <fold>, a fold from 0")


def read_sexes(path: Path) -> dict[str, str]:
    """Speaker -> f, m, f? or m?."""
    return _read_speakers(path, r"[fm]\??", "<speaker> f|m|f?|m?")


def _read_speakers(path: Path, value: str, expected: str) -> dict[str, str]:
    """A table of speakers, whose values fit a pattern."""
    table = read_table(path)
    for number, (speaker, word) in enumerate(table.items(), 1):
        if not re.fullmatch(WORD, speaker) or not re.fullmatch(value, word):
            raise InputError(f"{path}:{number}: expected {expected}, found {brief(f'{speaker} {word}')}")
    return table
