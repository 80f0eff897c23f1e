"""The page of the score: sections of tables that sort, panels of pictures that wrap, and players of short clips.

    section = Section("maps", "Where do the samples lie?", "Good samples fill the same clouds.", pictures, "small")
    page_of(TITLE, about, [sorting(table, pinned={"wanted"}), panels(section)])

Everything is in the one file: style and script (page.css, page.js), pictures and clips as data URIs. Without scripts
the tables stand in the order in which they were written. Columns of panels are as many as the screen has room for.
"""

import base64
from collections.abc import Collection, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from utils.report_page import cell_html, page_html
from utils.report_tables import Cell, Table

HERE = Path(__file__).parent
SHOWN, READABLE = 0.66, 0.42  # of the width of a picture in pixels, where it stands alone; and at least, where wide
LONG, LEFT = 26, ' class="words"'  # characters of a cell that is words; which stand at its left
KINDS = ("", "small", "one", "wide")  # of panels: several side by side, many small ones, one, one that needs width


class DrawnPanel(NamedTuple):
    """A picture of a section: the PNG, and its content in words."""

    png: bytes
    alt: str


class Section(NamedTuple):
    """Panels under one title.

    Attributes:
        name: of the files of the pictures, before their numbers.
        kind: one of KINDS.
    """

    name: str
    title: str
    caption: str
    panels: Sequence[DrawnPanel]
    kind: str = ""

    def files(self) -> dict[str, bytes]:
        """File name -> PNG of each panel."""
        if len(self.panels) == 1:
            return {f"{self.name}.png": self.panels[0].png}
        return {f"{self.name}_{number:02d}.png": one.png for number, one in enumerate(self.panels, 1)}


class Part(NamedTuple):
    """A part of the page: the id of its place, its title, and the HTML of its content."""

    place: str
    title: str
    html: str


def panels(section: Section) -> Part:
    """The pictures of a section, with its caption."""
    images = "\n".join(image(one, section.kind) for one in section.panels)
    kind = f"panels {section.kind}".strip()
    reach = ' tabindex="0"' if section.kind == "wide" else ""
    caption = f"<figcaption>{escape(section.caption)}</figcaption>"
    html = f'<figure>\n<div class="{kind}"{reach}>\n{images}\n</div>\n{caption}</figure>'
    return Part(section.name, section.title, html)


def image(one: DrawnPanel, kind: str) -> str:
    """A picture; one that stands alone is not as wide as the page, and a wide one not as narrow as a phone."""
    bound = {"one": ("max", SHOWN), "wide": ("min", READABLE)}.get(kind)
    width = f' style="{bound[0]}-width:{round(width_of(one.png) * bound[1])}px"' if bound else ""
    data = base64.b64encode(one.png).decode()
    return f'<img alt="{escape(one.alt)}"{width} src="data:image/png;base64,{data}">'


def width_of(png: bytes) -> int:
    """The width of a picture in pixels."""
    return int.from_bytes(png[16:20])


def sorting(place: str, table: Table, pinned: Collection[str] = (), sorts: bool = True) -> Part:
    """A table that sorts; rows named in `pinned` stay in their place."""
    words = [any(is_words(row[column]) for row in table.rows) for column in range(len(table.header))]
    head = "".join(
        f'<th scope="col"{LEFT if place and left else ""}>{escape(name or "name")}</th>'
        for place, (name, left) in enumerate(zip(table.header, words, strict=True))
    )
    rows = "\n".join(row_html(row, words, row[0].text in pinned) for row in table.rows)
    kind = ' class="sorts"' if sorts else ""
    html = (
        f'<div class="wide" tabindex="0"><table{kind}>\n<thead><tr>{head}</tr></thead>\n'
        f'<tbody>\n{rows}\n</tbody>\n</table></div>\n<p class="caption">{escape(table.caption)}</p>'
    )
    return Part(place, table.title, html)


def is_words(cell: Cell) -> bool:
    """Is this a sentence rather than a figure?"""
    return cell.good is None and len(cell.text) > LONG


def is_name(cell: Cell) -> bool:
    """Is this neither a figure nor a place where there is none?"""
    return cell.good is None and cell.text[:1].isalpha()


def row_html(row: Sequence[Cell], words: Sequence[bool], pinned: bool) -> str:
    """A row of a table; no sorting moves it where it is `pinned`. Cells of columns of many `words` have lines."""
    kind = ' class="pinned"' if pinned else ""
    cells = (
        f"<td{LEFT}>{escape(cell.text)}</td>" if is_words(cell) or left and is_name(cell) else cell_html(cell)
        for cell, left in zip(row[1:], words[1:], strict=True)
    )
    return f"<tr{kind}>{cell_html(row[0])}{''.join(cells)}</tr>"


def page_of(title: str, about: Iterable[str], parts: Sequence[Part]) -> str:
    """The page: its title, what it is about, links to its parts, and the parts."""
    links = " ".join(f'<a href="#{part.place}">{escape(part.title)}</a>' for part in parts)
    body = [f"<p>{escape(text)}</p>" for text in about]
    body.append(f"<nav><details><summary>{len(parts)} parts</summary>{links}</details></nav>")
    body += [f'<section id="{part.place}"><h2>{escape(part.title)}</h2>\n{part.html}</section>' for part in parts]
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return page_html(title, body, style, script)


def write_pictures(directory: Path, sections: Sequence[Section]) -> None:
    """Write pictures/."""
    (directory / "pictures").mkdir(exist_ok=True)
    for section in sections:
        for name, png in section.files().items():
            (directory / "pictures" / name).write_bytes(png)
