"""Titles and captions of the pictures of the report, which say what good looks like."""

from collections.abc import Mapping
from types import MappingProxyType

from steps.score.map_pictures import MOST_PANELS
from steps.score.page import DrawnPanel, Section, width_of
from steps.score.pictures import Drawn
from utils.forked import map_forked
from utils.report_page import png_of

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
WIDE = 1200  # pixels of a picture that no phone shows as a whole
KINDS_OF = {
    **dict.fromkeys(("maps", "groups", "sources", "calibrated"), "small"),
    **dict.fromkeys(("density", "coverage", "calibration"), "one"),
    "understanding": "wide",
}


def sections_of(
    drawn: Mapping[str, Drawn], first: str, told: Mapping[str, tuple[str, str]] = MappingProxyType({}), nj: int = 1
) -> list[Section]:
    """The sections that have panels, which become PNGs in `nj` processes.

    Args:
        drawn: name of a section -> its panels.
        first: the generator, or directory, that some captions are about. told: title and caption in place of CAPTIONS.
    """
    pngs = map_forked(png_of, [figure for panels in drawn.values() for _, figure in panels], nj)
    sections = []
    for name, panels in drawn.items():
        if panels:
            title, caption = told.get(name) or CAPTIONS[name]
            caption = caption if name in told else caption.format(first=first, most=MOST_PANELS)
            own = [DrawnPanel(next(pngs), alt) for alt, _ in panels]
            kind = KINDS_OF.get(name, "")
            if kind == "one" and width_of(own[0].png) > WIDE:
                kind = "wide"
            sections.append(Section(name, title, caption, own, kind))
    return sections
