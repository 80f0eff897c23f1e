"""The tables of samples by source, where the index tells sources.

Input: the document of scores.json (see `results`), whose figures of samples have `by_source` (see `by_source`).
"""

from collections.abc import Mapping
from typing import Any

from steps.score.by_source import BY_SOURCE
from steps.score.results import primary
from utils.report_tables import Cell, Table, number_cell

MIXES = (
    "Distance: how far the mix of sources in the samples of a group is from that of the group's training speakers "
    "(half the sum of the differences of the shares, 0 to 1), both by a judge of sources fitted to dev and test "
    "speakers; the mean over groups. Training speakers drawn anew: what chance makes of it. The corpus for each group: "
    "samples whose source does not follow the text. Beside it the shares of the sources in all samples together."
)
INSIDE = (
    "Balanced accuracy on samples that are judged to be of a source, by judges fitted to held-out speakers of this "
    "source alone, and in brackets its ratio to the ceiling: real training segments of the same groups, judged "
    "likewise. An attribute that a generator only knows by the source is lost here. What too few held-out speakers "
    "have is not judged."
)


def source_tables(document: Mapping[str, Any], shown: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """The mixes of sources, and the attributes inside each; no tables where sources are not known.

    Args:
        shown: name -> scores of models and references.
    """
    real = document["yardsticks"].get(BY_SOURCE)
    if not real:
        return []
    found = {name: primary(scores)[BY_SOURCE] for name, scores in shown.items()}
    return [mixes(real, found), inside(real, found)]


def mixes(real: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row a model, with the distance to the mixes of the groups and the shares of all samples."""
    sources = list(real["share"])
    rows = [
        [Cell("training speakers drawn anew"), number_cell(real["distance"]["redrawn"]), *_shares(real, sources)],
        [Cell("the corpus for each group"), number_cell(real["distance"]["blind"]), *_shares(real, sources)],
    ]
    rows += [[Cell(name), number_cell(own["distance"]), *_shares(own, sources)] for name, own in found.items()]
    caption = f"{MIXES} The judge is right about {100 * real['accuracy']:.0f} % of unseen speakers, sources balanced."
    if real["left_out"]:
        caption += f" Not judged: {', '.join(real['left_out'])}."
    return Table("Sources of the samples", caption, ["", "distance", *sources], rows)


def inside(real: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row a model, a column an attribute of a source."""
    columns = [(source, name) for source, names in real["attributes"].items() for name in names]
    rows = [[Cell("ceiling"), *(number_cell(real["attributes"][source][name]) for source, name in columns)]]
    for model, own in found.items():
        figures = [own["attributes"].get(source, {}).get(name) for source, name in columns]
        cells = [Cell(f"{one['accuracy']:.3f} ({one['ratio']:.2f})" if one else "-") for one in figures]
        rows.append([Cell(model), *cells])
    header = ["", *(f"{source}: {name.replace('_', ' ')}" for source, name in columns)]
    return Table("Accuracy of the attributes, inside each source", INSIDE, header, rows if columns else [])


def _shares(figures: Mapping[str, Any], sources: list[str]) -> list[Cell]:
    return [Cell(f"{100 * figures['share'][source]:.0f} %") for source in sources]
