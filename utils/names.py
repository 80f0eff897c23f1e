"""Names that become those of directories: of generators, sets of samples and sweeps.

The same rule as that of `--name` in the recipes.
"""

import re
from collections.abc import Collection

from utils.errors import InputError

LONGEST = 100  # characters; file systems take 255 bytes, and logs and intermediate files add to a name
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST - 1}}}")


def check_name(name: str, where: str, reserved: Collection[str] = ()) -> str:
    """Return a name that may be that of a directory. Raises InputError for another one.

    Args:
        where: what the message begins with. reserved: names of directories that have another purpose.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            f"{where}: the name {name[:LONGEST]!r}: expected at most {LONGEST} letters, digits, '.', '_' and '-', the"
            " first a letter or digit"
        )
    if name in reserved:
        raise InputError(f"{where}: the name {name!r} is that of a directory of another stage; choose another one")
    return name
