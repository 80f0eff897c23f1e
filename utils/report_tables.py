"""Tables of figures: cells as text, each with its judgement, which Markdown and HTML show in their own way."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A figure as text, and whether it is in the wanted range (None where there is none)."""

    text: str
    good: bool | None = None


@dataclass(frozen=True)
class Table:
    """A table with a caption in plain words. The first cell of a row names it; `header` names the columns."""

    title: str
    caption: str
    header: list[str]
    rows: list[list[Cell]]


def number_cell(
    value: float | None, digits: int = 3, target: tuple[float, float] | None = None, sign: bool = False
) -> Cell:
    """A number, judged against the closed range `target` where there is one."""
    if value is None:
        return Cell("-")
    good = None if target is None else target[0] <= round(value, digits) <= target[1]
    return Cell(f"{value:{'+' if sign else ''}.{digits}f}", good)


def interval_cell(bounds: list[float], digits: int) -> Cell:
    """A confidence interval."""
    return Cell(f"{bounds[0]:.{digits}f} to {bounds[1]:.{digits}f}")


def unjudged(row: list[Cell]) -> list[Cell]:
    """The same cells without judgement, for real speakers."""
    return [Cell(cell.text) for cell in row]


def table_lines(table: Table) -> Iterator[str]:
    """The lines of a table in Markdown, with its title and caption, and an empty line at the end."""
    yield from (f"## {table.title}", "", table.caption, "", _row(Cell(name) for name in table.header))
    yield "|---" + "|---:" * (len(table.header) - 1) + "|"
    yield from map(_row, table.rows)
    yield ""


def _row(cells: Iterable[Cell]) -> str:
    marks = {None: "", True: "", False: " (!)"}
    return "| " + " | ".join(escaped(cell.text) + marks[cell.good] for cell in cells) + " |"


def escaped(text: str) -> str:
    """A text whose marks Markdown shows as they are; a name may have any."""
    return re.sub(r"([\\|<&`])", r"\\\1", text)
