"""Where a command may write, and what it may replace: a mistaken `--out` destroys nobody's work.

A stage directory is replaced as a whole, so `--out` is refused where files lie that no stage has written, where another
command has finished a directory, where an input or another finished stage would go with it, and where other users may
have put a link or a directory, as they may in a temporary folder.
"""

import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from utils.errors import InputError
from utils.own_paths import refuse_of_others
from utils.run_info import RUN_INFO
from utils.stage_record import DONE, maker_of

CHECKOUT = Path(__file__).resolve().parents[1]


def behind_links(path: Path) -> Path:
    """The directory that a path leads to through links; it need not exist, but the parent of a link's target must."""
    path = path.absolute()
    for link in (path, *path.parents):
        if not link.is_symlink():
            continue
        refuse_of_others(link)
        if not link.exists():
            goal = Path(os.path.realpath(link))
            if goal.is_symlink():
                raise InputError(f"{link}: a link that leads to itself; remove it")
            if not goal.parent.is_dir():
                raise InputError(
                    f"{link}: a link to {goal}, and there is no directory {goal.parent}; is its disk mounted? Make the "
                    "directory, or remove the link"
                )
    return Path(os.path.realpath(path))


def check_out(
    out: Path, command: str, inputs: Iterable[Path] = (), remade: Collection[str] = (), within: Path | None = None
) -> None:
    """Raise InputError where a command must not write its stage directory.

    Args:
        command: its fixed name. inputs: files and directories that it reads.
        remade: names of stages in the directory that are made of it, and may go with it.
        within: a stage directory that it may lie in.
    """
    target = behind_links(out)
    if os.path.lexists(target) and not target.is_dir():
        raise InputError(f"{out}: not a directory; name another one or remove this file")
    refuse_of_others(target)
    refuse_special(out)
    if target.exists() and any(target.iterdir()):
        _check_maker(out, command)
    _check_inputs(out, target, inputs)
    _check_stages_around(out, target, within)
    if target.exists():
        _check_stages_within(out, target, remade)


def refuse_finished(out: Path, command: str) -> None:
    """Raise InputError where a command must not add files: in or below a finished stage, or in a special directory."""
    refuse_special(out)
    refuse_of_others(behind_links(out))
    _check_stages_around(out, behind_links(out), None)
    if os.path.lexists(out / DONE):
        raise InputError(
            f"{out}: made by {maker_of(out) or 'another command'}, and not for {command}; name another --out"
        )


def refuse_special(out: Path) -> None:
    """Raise InputError for a directory that is never an output, or holds such a one."""
    target = behind_links(out)
    special = {"home directory": Path.home(), "checkout": CHECKOUT, "working directory": Path.cwd()}
    for name, path in special.items():
        if path.resolve().is_relative_to(target):
            raise InputError(f"{out}: is or holds the {name}, {path}; name a directory for this output alone")


def _check_maker(out: Path, command: str) -> None:
    """Refuse to replace files that no stage has written, or another command."""
    maker = maker_of(out)
    if maker not in (None, command, _program()):
        raise InputError(
            f"{out}: made by {maker}, and not to be replaced by {command}; name another directory or remove this one"
        )


def _program() -> str | None:
    """The module that this process was started with, if any."""
    spec = sys.modules["__main__"].__spec__
    return spec.name.removesuffix(".__main__") if spec else None


def _check_inputs(out: Path, target: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that would replace an input, or change it."""
    for path in inputs:
        goal = Path(os.path.realpath(path))
        if goal.is_relative_to(target):
            raise InputError(f"{out}: is or holds the input {path}, which would be lost; name another directory")
        if target.is_relative_to(goal):
            raise InputError(f"{out}: lies in the input {path}, which it would change; name a directory outside of it")


def _check_stages_around(out: Path, target: Path, within: Path | None) -> None:
    """Refuse to add to a directory that a stage has finished."""
    for folder in target.parents:
        if (folder / DONE).is_file() and (folder / RUN_INFO).is_file() and folder != (within and within.resolve()):
            raise InputError(
                f"{out}: lies in the finished stage {folder}, which it would change; name one outside of it"
            )


def _check_stages_within(out: Path, target: Path, remade: Collection[str]) -> None:
    """Refuse to replace a directory in which other stages have been finished."""
    for folder, names, files in os.walk(target):
        if Path(folder) == target:
            names[:] = [name for name in names if name not in remade]
        elif DONE in files:
            inner = out / Path(folder).relative_to(target)
            raise InputError(
                f"{out}: the finished stage {inner} lies in it, and would be lost; move or remove that one first"
            )
