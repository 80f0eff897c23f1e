"""The report: scores.json, summary.md, pictures/, and report.html with tables, pictures and clips in one file.

The page needs nothing else (`steps.score.page`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context

from steps.score import pictures
from steps.score.captions import sections_of
from steps.score.confusion import confusion_panels, heard_shares
from steps.score.evaluation import Examples, Scorer
from steps.score.histories import calibration_table, coverage_panels, training_curves
from steps.score.map_pictures import label_maps, maps, telling_apart, widest
from steps.score.neighbours import neighbours_of, usual_distance
from steps.score.page import Part, Section, page_of, panels, sorting, write_pictures
from steps.score.players import players
from steps.score.results import REFERENCE_NAMES, build_document, to_json
from steps.score.summary import TITLE, about, markdown, tables
from steps.score.surroundings import Surroundings
from steps.score.understanding import TITLE as TITLE_OF_TEXTS
from steps.score.understanding import caption_of, in_words
from steps.score.understanding_picture import understood

PINNED = ("wanted", "ceiling", "floor", "real speakers", *REFERENCE_NAMES.values())  # rows that no sorting moves


def write_report(
    directory: Path,
    scorer: Scorer,
    evaluated: Mapping[str, tuple[dict, Examples]],
    understanding: dict | None = None,
    around: Surroundings | None = None,
    nj: int = 1,
) -> None:
    """Write the files of the report into `directory`.

    Args:
        evaluated: name -> scores and examples, in order.
        understanding: what the first model understood (see `understanding`); None to leave it out.
        around: what else the page shows. nj: processes that draw.
    """
    around = around or Surroundings()
    examples = {name: shown for name, (_, shown) in evaluated.items()}
    heard = heard_shares(scorer.data, scorer.judges, scorer.seed, examples)
    document = build_document(scorer, evaluated, understanding, heard)
    with rc_context({"text.parse_math": False}):  # a $ in a name is a $
        sections = draw(document, scorer, examples, around, nj)
    (directory / "scores.json").write_text(to_json(document), encoding="utf-8")
    (directory / "summary.md").write_text(markdown(document), encoding="utf-8")
    beside = {"distances": neighbours(scorer, examples, around), "training": calibration(around)}
    (directory / "report.html").write_text(page(document, sections, beside), encoding="utf-8")
    write_pictures(directory, sections)


def draw(
    document: dict, scorer: Scorer, examples: Mapping[str, Examples], around: Surroundings, nj: int
) -> list[Section]:
    """The sections of pictures that there are figures for, in the order of the page."""
    first = next(iter(examples))
    data, shown = scorer.data, examples[first]
    train, test = (data.train.x, data.train.groups), (data.test.x, data.test.groups)
    texts = document.get("understanding")
    coloured = {name: (one.x, data.values(one.groups)[:, 0]) for name, one in examples.items()}
    drawn = {
        "attributes": pictures.attribute_bars(document),
        "understanding": [(in_words(texts), understood(texts))] if texts else [],
        "confusion": confusion_panels(document["heard"], first),
        "density": pictures.density_differences(document),
        "maps": maps(widest(scorer.density.subspace), (data.test.x, data.values(data.test.groups)[:, 0]), coloured),
        "groups": label_maps(train, test, (shown.x, shown.groups), first),
        "sources": of_sources(scorer, examples),
        "distances": pictures.distance_ridges(scorer.real_nearest, examples),
        "coverage": pictures.coverage_map(document),
        "calibration": pictures.calibration_lines(document),
        "calibrated": coverage_panels(around.histories.calibrated),
        "training": training_curves(around.histories.curves),
    }
    about_texts = {"understanding": (TITLE_OF_TEXTS, caption_of(texts))} if texts else {}
    return sections_of(drawn, first, about_texts, nj)


def of_sources(scorer: Scorer, examples: Mapping[str, Examples]) -> pictures.Drawn:
    """Maps of the sources; none where these are not known, or are one."""
    train, test = scorer.data.train, scorer.data.test
    if scorer.sources is None or test.sources is None or train.sources is None:
        return []
    names = np.array(scorer.sources.sources)
    heard_as = {
        name: (one.x, names[scorer.sources.judge.posteriors(one.x)["source"].argmax(axis=1)])
        for name, one in examples.items()
    }
    return maps(telling_apart(train.x, train.sources), (test.x, test.sources), heard_as)


def neighbours(scorer: Scorer, examples: Mapping[str, Examples], around: Surroundings) -> list[Part]:
    """The nearest real speakers of the first samples; nothing where none is asked for."""
    first = next(iter(examples))
    data, shown = scorer.data, examples[first]
    if not around.n_heard:
        return []
    found = neighbours_of(data.train, shown.x, shown.groups, around.n_heard, around.clips)
    return [players(first, found, usual_distance(data.train, data.test), around.clips)]


def calibration(around: Surroundings) -> list[Part]:
    """The table of calibration; nothing where no model has one."""
    table = calibration_table(around.histories.calibrated)
    return [sorting("calibration_table", table)] if table.rows else []


def page(document: dict, sections: Sequence[Section], beside: Mapping[str, Sequence[Part]]) -> str:
    """report.html: the table of generators, pictures, and then the other tables.

    Args:
        beside: further parts, by the name of the section that they come before; or last.
    """
    first, *others = tables(document)
    parts, left = [sorting("overview", first, PINNED)], dict(beside)
    for section in sections:
        parts += [*left.pop(section.name, ()), panels(section)]
    parts += [part for own in left.values() for part in own]
    for number, table in enumerate(others, 1):
        parts.append(sorting(f"table_{number}", table, PINNED, not table.title.startswith(TITLE_OF_TEXTS)))
    return page_of(TITLE, [about(document)], parts)
