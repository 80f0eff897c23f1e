"""A report as one HTML file of tables and pictures, which needs nothing else: pictures are data URIs, styles are in it,
no request. A page that sorts its tables or plays clips brings a script and more of a style.
"""

import base64
import io
import warnings
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from utils.report_tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture(NamedTuple):
    """A drawn picture: its file name without suffix, title, caption, the PNG itself, and its content in words."""

    name: str
    title: str
    caption: str
    png: bytes
    alt: str


def png_of(figure: "Figure") -> bytes:
    """The picture as PNG, without the version of matplotlib, so that its bytes do not depend on it."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)  # the tables have the letters
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def page_html(title: str, body: Iterable[str], style: str = "", script: str = "") -> str:
    """A page with a title and what follows it; `style` comes after that of all pages, `script` at the end."""
    end = f"<script>\n{script}</script>\n" if script else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>{STYLE}{style}</style>\n'
        "</head>\n<body>\n" + "\n".join([f"<h1>{escape(title)}</h1>", *body]) + f"\n{end}</body>\n</html>\n"
    )


def picture_html(picture: Picture) -> str:
    """A picture with its title and caption."""
    data = base64.b64encode(picture.png).decode()
    return (
        f'<section><h2>{escape(picture.title)}</h2>\n<figure><img alt="{escape(picture.alt)}" '
        f'src="data:image/png;base64,{data}">\n<figcaption>{escape(picture.caption)}</figcaption></figure></section>'
    )


def table_html(table: Table) -> str:
    """A table with its title and caption."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.header)
    rows = "\n".join(f"<tr>{''.join(map(cell_html, row))}</tr>" for row in table.rows)
    return (
        f'<section><h2>{escape(table.title)}</h2>\n<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f'<tbody>\n{rows}\n</tbody>\n</table></div>\n<p class="caption">{escape(table.caption)}</p></section>'
    )


def cell_html(cell: Cell) -> str:
    """A figure; one that misses its target is marked in colour and by a sign."""
    kind = {None: "", True: ' class="good"', False: ' class="bad" title="outside the wanted range"'}[cell.good]
    return f"<td{kind}>{escape(cell.text)}</td>"


STYLE = """
body { max-width: 72rem; margin: 2rem auto; padding: 0 1.5rem; font: 16px/1.5 system-ui, sans-serif; color: #202124; }
h1 { font-size: 1.7rem; margin-bottom: .3rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
figure { margin: 0; }
img { width: 100%; height: auto; }
figcaption, .caption { color: #5f6368; font-size: .9rem; max-width: 56rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #e8eaed; }
th { white-space: normal; vertical-align: bottom; font-weight: 600; border-bottom: 2px solid #9aa0a6; }
th:first-child, td:first-child { text-align: left; padding-left: 0; font-weight: 600; }
td.good { color: #137333; }
td.bad { color: #b3261e; background: #fce8e6; }
td.bad::after { content: " !"; font-weight: 700; }
"""
