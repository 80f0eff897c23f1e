"""The table of how the texts of a corpus were understood, `read_as.tsv`, beside their vectors.

text              group            gender       pitch     speaking_rate  warnings
female_low_slow-v01  female_low_slow  female 0.99  low 0.99  slow 0.99
"""

from collections.abc import Mapping
from pathlib import Path

from steps.data.groups import Grouping
from steps.text.layout import UNSAID, TextLayout
from steps.text.read import Reading
from utils.command import logger

log = logger(__name__)
NAMED = 5  # texts that the log names


def write_read_as(
    path: Path, reading: Reading, layout: TextLayout, text2group: Mapping[str, str], grouping: Grouping
) -> None:
    """Write the likeliest value of each attribute in each text, with its posterior; log what is not the group's.

    Args:
        reading: of the texts in `text2group` (text id -> group), in their order.
    """
    lines = ["\t".join(("text", "group", *layout.attributes, "warnings"))]
    other, partial = [], 0
    for (text, group), vector, warnings in zip(text2group.items(), reading.vectors, reading.warnings, strict=True):
        values, read = grouping.values(group), layout.read_as(vector)
        best = {name: max(posterior, key=lambda value, of=posterior: of[value]) for name, posterior in read.items()}
        cells = [f"{value} {read[name][value]:.2f}" for name, value in best.items()]
        lines.append("\t".join((text, group, *cells, "; ".join(warnings).replace("\t", " "))))
        if any(value not in (values[name], UNSAID) for name, value in best.items()):
            other.append(text)
        elif any(value == UNSAID and len(layout.attributes[name]) > 1 for name, value in best.items()):
            partial += 1
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = f"{len(text2group) - len(other) - partial} of {len(text2group)} texts are read as their group"
    told += f", {partial} leave an attribute open" if partial else ""
    if other:
        names = ", ".join(other[:NAMED]) + (" ..." if len(other) > NAMED else "")
        log.warning("%s, %d as another one: %s (read_as.tsv)", told, len(other), names)
    else:
        log.info("%s (read_as.tsv)", told)
