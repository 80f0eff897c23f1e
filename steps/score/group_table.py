"""The table of groups: for each group of speakers, how well the samples of the first generator do.

Input: the document of scores.json with `heard` (see `confusion`).
"""

from collections.abc import Mapping
from typing import Any

from steps.score.results import primary
from utils.report_tables import Cell, Table, number_cell

CAPTION = (
    "Samples of {model}, and in brackets training speakers in their place. Coverage: per cent of the group's test "
    "speakers that have a sample of the group near them; groups of fewer than three test speakers have none. Heard as: "
    "per cent that judges hear as the value that was asked for. Fréchet: as a ratio to that of real training segments, "
    "where there are 50 test segments; 1 is as near to the test speakers as real ones. A good generator has the "
    "figures in brackets in every row; a row that falls behind is a kind of speaker that it has not learnt."
)


def per_group(document: Mapping[str, Any]) -> Table:
    """A row a group; no rows where there are no models or groups."""
    heard = document.get("heard", {"groups": {}})
    model = next(iter(document["models"]), None)
    if model is None or not heard["groups"]:
        return Table("Group by group", "", [], [])
    own = primary(document["models"][model])
    real = primary(document["references"]["real_same_group"])
    attributes = list(heard["attributes"])
    header = ["", "training speakers", "test speakers", "coverage"]
    header += [f"heard as: {name.replace('_', ' ')}" for name in attributes] + ["Fréchet"]
    rows = []
    for group, found in heard["groups"].items():
        shares = [(found["models"][model].get(name), found["real"].get(name)) for name in attributes]
        covered = [one["coverage"]["groups"].get(group) for one in (own, real)]
        rows.append(
            [
                Cell(group.replace("_", " ")),
                *(Cell(f"{found[name]:,}") for name in ("train", "test")),
                beside(*covered),
                *(beside(*pair) for pair in shares),
                number_cell(own["frechet"]["conditions"].get(group), 2),
            ]
        )
    return Table("Group by group", CAPTION.format(model=model), header, rows)


def beside(share: float | None, real: float | None) -> Cell:
    """A share in per cent, and that of real speakers in brackets."""
    if share is None and real is None:
        return Cell("-")
    told = ["-" if one is None else f"{100 * one:.0f}" for one in (share, real)]
    return Cell(f"{told[0]} ({told[1]})")
