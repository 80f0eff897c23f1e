"""The report: scores.json, summary.md, pictures/, and report.html with tables and pictures in one file.

The page needs nothing else (`utils.report_page`).
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from matplotlib import rc_context

from steps.score import pictures
from steps.score.evaluation import Examples, Scorer
from steps.score.results import build_document, to_json
from steps.score.summary import TITLE, about, markdown, tables
from steps.score.understanding import TITLE as TITLE_OF_TEXTS
from steps.score.understanding import caption_of, in_words
from steps.score.understanding_picture import understood
from utils.report_page import Picture, page_html, picture_html, png_of, table_html

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


def page(document: dict, drawn: list[Picture]) -> str:
    """report.html."""
    first, *others = tables(document)
    body = [f"<p>{escape(about(document))}</p>", table_html(first), *map(picture_html, drawn), *map(table_html, others)]
    return page_html(TITLE, body)
