"""The report: scores.json, summary.md, pictures/, and report.html with tables and pictures in one file.

The page needs nothing else: pictures are data URIs, styles are in it, no script, no request.
"""

import base64
import io
import warnings
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

from matplotlib import rc_context
from matplotlib.figure import Figure

from steps.score import pictures
from steps.score.cells import Cell, Table
from steps.score.evaluation import Examples, Scorer
from steps.score.results import build_document, to_json
from steps.score.summary import TITLE, about, markdown, tables
from steps.score.understanding import TITLE as TITLE_OF_TEXTS
from steps.score.understanding import caption_of, in_words
from steps.score.understanding_picture import understood


class Picture(NamedTuple):
    """A drawn picture: its file name without suffix, title, caption, the PNG itself, and its content in words."""

    name: str
    title: str
    caption: str
    png: bytes
    alt: str


CAPTIONS = {
    "density": (
        "Which generator finds unseen speakers likelier?",
        "Test log density of the first generator minus that of each other one. Dots are means over test speakers, bars "
        "95 % intervals; a bar right of the line says that the first generator is better beyond chance. Arrows: "
        "differences too large for the picture.",
    ),
    "attributes": (
        "Do samples follow the text?",
        "How often independent classifiers find in a sample what its text asked for. Bars: texts seen in training; "
        "diamonds: held-out paraphrases. A bar at the green line obeys as well as real speakers of those groups do, "
        "one at the red line does not read its text.",
    ),
    "maps": (
        "Where do the samples lie?",
        "Each dot is a voice, placed on the two directions in which real training speakers differ most; grey are the "
        "real test speakers. Good samples fill the same clouds, no wider and no tighter.",
    ),
    "distances": (
        "Are they new, and different from each other?",
        "Distances to the nearest neighbour, one vector a speaker. Left: a curve left of the grey hill means copies of "
        "training speakers, one to its right voices that no real speaker has. Right: a curve left of the hill means "
        "voices too much alike.",
    ),
    "coverage": (
        "Is every kind of speaker reached?",
        "Per cent of the test speakers that have a sample in their neighbourhood, by group. Groups with fewer than "
        "three test speakers are not shown; 'same distribution' is what more "
        "speakers of the very distribution of the test speakers would get.",
    ),
    "calibration": (
        "Is the density honest?",
        "A generator says: half of the voices for this text lie in this region. Is half of the unseen voices there? "
        "Below the grey line it is too sure of itself, above too cautious.",
    ),
}


def write_report(
    directory: Path,
    scorer: Scorer,
    evaluated: Mapping[str, tuple[dict, Examples]],
    understanding: dict | None = None,
) -> None:
    """Write the files of the report into `directory`.

    Args:
        evaluated: name -> scores and examples, in order.
        understanding: what the first model understood (see `understanding`); None to leave it out.
    """
    document = build_document(scorer, evaluated, understanding)
    drawn = draw(document, scorer, {name: shown for name, (_, shown) in evaluated.items()})
    (directory / "scores.json").write_text(to_json(document), encoding="utf-8")
    (directory / "summary.md").write_text(markdown(document), encoding="utf-8")
    (directory / "report.html").write_text(page(document, drawn), encoding="utf-8")
    (directory / "pictures").mkdir(exist_ok=True)
    for picture in drawn:
        (directory / "pictures" / f"{picture.name}.png").write_bytes(picture.png)


def draw(document: dict, scorer: Scorer, examples: Mapping[str, Examples]) -> list[Picture]:
    """The pictures that this document has figures for."""
    with rc_context({"text.parse_math": False}):  # a $ in a name is a $
        figures = {
            "attributes": pictures.attribute_bars(document),
            "understanding": understood(document["understanding"]) if "understanding" in document else None,
            "density": pictures.density_differences(document),
            "maps": pictures.maps(scorer.data, scorer.density.subspace, examples),
            "distances": pictures.distance_histograms(scorer.real_nearest, examples),
            "coverage": pictures.coverage_map(document),
            "calibration": pictures.calibration_lines(document),
        }
        drawn = {name: png_of(figure) for name, figure in figures.items() if figure is not None}
    return [picture_of(name, png, document) for name, png in drawn.items()]


def picture_of(name: str, png: bytes, document: dict) -> Picture:
    """A drawn picture with its title, caption and content in words."""
    if name == "understanding":
        return Picture(name, TITLE_OF_TEXTS, caption_of(document[name]), png, in_words(document[name]))
    title, caption = CAPTIONS[name]
    return Picture(name, title, caption, png, title)


def png_of(figure: Figure) -> bytes:
    """The picture as PNG, without the version of matplotlib, so that its bytes do not depend on it."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)  # the tables have the letters
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def page(document: dict, drawn: list[Picture]) -> str:
    """report.html."""
    first, *others = tables(document)
    body = [f"<h1>{escape(TITLE)}</h1>", f"<p>{escape(about(document))}</p>", table_html(first)]
    body += [picture_html(picture) for picture in drawn]
    body += [table_html(table) for table in others]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(TITLE)}</title>\n<link rel="icon" href="data:,">\n<style>{STYLE}</style>\n</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
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
