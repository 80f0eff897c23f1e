"""The report: scores.json, summary.md, pictures/, and report.html with tables, pictures and clips in one file.

The page needs nothing else (`steps.score.page`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context

from steps.score import pictures
from steps.score.confusion import confusion_panels, heard_shares
from steps.score.evaluation import Examples, Scorer
from steps.score.histories import coverage_panels, training_curves
from steps.score.map_pictures import MOST_PANELS, label_maps, maps, telling_apart, widest
from steps.score.neighbours import neighbours_of, usual_distance
from steps.score.page import DrawnPanel, Part, Section, page_of, panels, sorting
from steps.score.players import players
from steps.score.results import REFERENCE_NAMES, build_document, to_json
from steps.score.summary import TITLE, about, markdown, tables
from steps.score.surroundings import Surroundings
from steps.score.understanding import TITLE as TITLE_OF_TEXTS
from steps.score.understanding import caption_of, in_words
from steps.score.understanding_picture import understood
from utils.report_page import png_of

PINNED = ("wanted", "ceiling", "floor", "real speakers", *REFERENCE_NAMES.values())  # rows that no sorting moves
CAPTIONS = {
    "attributes": (
        "Do samples follow the text?",
        "How often independent classifiers find in a sample what its text asked for. Bars: texts seen in training; "
        "diamonds: held-out paraphrases. Good is a bar that reaches the ceiling, what real speakers of those groups "
        "reach; one at the floor does not read its text.",
    ),
    "confusion": (
        "What is heard instead?",
        "Per cent of each row: what classifiers hear (columns) where a value was asked for (rows), of real training "
        "speakers and of {first}. Good samples have the table of the real speakers; a bright field beside the "
        "diagonal that real speakers do not have is a mistake of the generator.",
    ),
    "density": (
        "Which generator finds unseen speakers likelier?",
        "Test log density of the first generator minus that of each other one. Dots are means over test speakers, bars "
        "95 % intervals; a bar right of the line says that the first generator is better beyond chance. Arrows: "
        "differences too large for the picture.",
    ),
    "maps": (
        "Where do the samples lie?",
        "Each dot is a voice, placed on the two directions in which real training speakers differ most; grey are the "
        "real test speakers. Good samples fill the same clouds, no wider and no tighter, each colour in its place.",
    ),
    "groups": (
        "Does each group have its place?",
        "Real test vectors of a group and samples of {first} for it, on the two directions in which groups of real "
        "training speakers differ most; grey are all real test vectors. Good crosses lie among the dots, as widely "
        "spread; crosses elsewhere are of another kind of voice. The largest {most} groups at most.",
    ),
    "sources": (
        "Is it the voice, or the recording?",
        "Voices on the two directions in which sources of real training speakers, such as corpora or channels, differ "
        "most; grey are the real test speakers. Colours: the source of real voices, and the one that samples are heard "
        "as. Good samples fill the clouds of all sources, in the shares that real voices have; samples in one cloud "
        "alone have its sound, whatever was asked for.",
    ),
    "distances": (
        "Are they new, and different from each other?",
        "Distances to the nearest neighbour, one vector a speaker; short lines are medians, the dashed one is that of "
        "real speakers. Good lines follow the grey hills. Left (g2s): a line left of its hill means copies of training "
        "speakers, one to its right voices that no real speaker has. Right (g2g): left of the hill means voices too "
        "much alike, right of it voices more different than real ones are.",
    ),
    "coverage": (
        "Is every kind of speaker reached?",
        "Per cent of the test speakers that have a sample in their neighbourhood, by group. Groups with fewer than "
        "three test speakers are not shown. Good columns look like the last two: real training speakers, and what more "
        "speakers of the very distribution of the test speakers would get.",
    ),
    "calibration": (
        "Is the density honest?",
        "A generator says: half of the voices for this text lie in this region. Is half of the unseen voices there? "
        "Good lines lie on the grey one. Below it a generator is too sure of itself, above too cautious.",
    ),
    "calibrated": (
        "Calibration before and after",
        "Per cent of the dev speakers in the regions that should hold 50, 80 and 95 % of them. Where training "
        "calibrated a model, the lines are before and after it; else they are for several factors of the spread, of "
        "which 1 is the model as it stands. The line that stands should lie on the grey one; of few dev speakers no "
        "line will lie on it exactly.",
    ),
    "training": (
        "How did training go?",
        "Negative log likelihood of each epoch; epoch 0 is what the network began with, lower is better. Good: both "
        "fall together, and the dot is where the dev speakers stop improving. A dot at 0 says that training found "
        "nothing beyond its beginning; dev speakers that rise while training speakers fall are overfitting, which the "
        "dot leaves behind. Only networks are trained in epochs.",
    ),
}
KINDS_OF = {"maps": "small", "groups": "small", "sources": "small", "calibrated": "small"} | dict.fromkeys(
    ("density", "coverage", "calibration"), "one"
)


def write_report(
    directory: Path,
    scorer: Scorer,
    evaluated: Mapping[str, tuple[dict, Examples]],
    understanding: dict | None = None,
    around: Surroundings | None = None,
) -> None:
    """Write the files of the report into `directory`.

    Args:
        evaluated: name -> scores and examples, in order.
        understanding: what the first model understood (see `understanding`); None to leave it out.
        around: what else the page shows.
    """
    around = around or Surroundings()
    examples = {name: shown for name, (_, shown) in evaluated.items()}
    document = build_document(scorer, evaluated, understanding, heard_shares(scorer, examples))
    with rc_context({"text.parse_math": False}):  # a $ in a name is a $
        sections = draw(document, scorer, examples, around)
    (directory / "scores.json").write_text(to_json(document), encoding="utf-8")
    (directory / "summary.md").write_text(markdown(document), encoding="utf-8")
    (directory / "report.html").write_text(page(document, sections, heard(scorer, examples, around)), encoding="utf-8")
    write_pictures(directory, sections)


def write_pictures(directory: Path, sections: Sequence[Section]) -> None:
    """Write pictures/."""
    (directory / "pictures").mkdir(exist_ok=True)
    for section in sections:
        for name, png in section.files().items():
            (directory / "pictures" / name).write_bytes(png)


def draw(document: dict, scorer: Scorer, examples: Mapping[str, Examples], around: Surroundings) -> list[Section]:
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
        "calibrated": coverage_panels(around.histories.coverage),
        "training": training_curves(around.histories.curves),
    }
    return [section_of(name, own, document, first) for name, own in drawn.items() if own]


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


def section_of(name: str, drawn: pictures.Drawn, document: dict, first: str) -> Section:
    """The panels of a section, with its title and caption."""
    panels_of = [DrawnPanel(png_of(figure), alt) for alt, figure in drawn]
    if name == "understanding":
        return Section(name, TITLE_OF_TEXTS, caption_of(document[name]), panels_of, "wide")
    title, caption = CAPTIONS[name]
    return Section(name, title, caption.format(first=first, most=MOST_PANELS), panels_of, KINDS_OF.get(name, ""))


def heard(scorer: Scorer, examples: Mapping[str, Examples], around: Surroundings) -> list[Part]:
    """The nearest real speakers of the first samples; nothing where none is asked for."""
    first = next(iter(examples))
    data, shown = scorer.data, examples[first]
    if not around.n_heard:
        return []
    found = neighbours_of(data.train, shown.x, shown.groups, around.n_heard, around.clips)
    return [players(first, found, usual_distance(data.train, data.test), around.clips)]


def page(document: dict, sections: Sequence[Section], neighbours: Sequence[Part]) -> str:
    """report.html: the table of generators, pictures, and then the other tables; players after the maps."""
    first, *others = tables(document)
    parts = [sorting("overview", first, PINNED)]
    for section in sections:
        if section.name == "distances":
            parts += neighbours
        parts.append(panels(section))
    for number, table in enumerate(others, 1):
        parts.append(sorting(f"table_{number}", table, PINNED, not table.title.startswith(TITLE_OF_TEXTS)))
    return page_of(TITLE, [about(document)], parts)
