"""Counts of speakers and utterances of each group in each set of a split, and a check of gaps."""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from steps.data.groups import Grouping
from utils.code_column import CodeColumn, distinct
from utils.command import logger
from utils.errors import InputError, cut

log = logger(__name__)
LISTED = 20  # groups that a message names
SHOWN = 200  # lines of the table that the log shows


class GroupCounts:
    """Counts of a split, by group and set.

    Attributes:
        sets: the names of the sets; the first is the training set.
        groups: all groups, sorted.
        speakers: (group, set) -> number of speakers.
        utterances: (group, set) -> number of utterances.
        genders: gender -> set -> number of speakers; empty where no gender is known.
        n_absent: number of combinations of attribute values that no utterance has.
        totals: set -> number of speakers.
    """

    def __init__(
        self,
        grouping: Grouping,
        speakers: CodeColumn,
        spk2set: Mapping[str, str],
        sets: Sequence[str],
        spk2gender: Mapping[str, str],
    ):
        """`speakers`: of the utterances (N) that `grouping` has in columns, those without a group included."""
        self.sets = sets
        pairs = Counter((spk2gender[speaker], name) for speaker, name in spk2set.items() if speaker in spk2gender)
        self.genders = {
            gender: {name: pairs[gender, name] for name in sets} for gender in sorted({g for g, _ in pairs})
        }
        self.groups = grouping.groups
        rows, column = grouping.utt2group.rows, grouping.utt2group.column
        heads, counts, _ = distinct(column.codes[rows], speakers.codes[rows])
        self.utterances: Counter[tuple[str, str]] = Counter()
        self.speakers: Counter[tuple[str, str]] = Counter()
        for row, count in zip(rows[heads].tolist(), counts.tolist(), strict=True):
            place = column[row], spk2set[speakers[row]]
            self.utterances[place] += count
            self.speakers[place] += 1
        self._set_sizes = {name: sum(self.utterances[group, name] for group in self.groups) for name in sets}
        columns = zip(*(group.split("_") for group in self.groups), strict=True)
        self._values = [sorted(set(column)) for column in columns]
        self.n_absent = math.prod(map(len, self._values)) - len(self.groups)
        self.totals = {name: sum(owner == name for owner in spk2set.values()) for name in sets}

    def check(self, allow_missing_groups: bool) -> None:
        """Warn of groups without speakers in a set. Raises InputError for the training set, unless that is allowed."""
        if self.n_absent:
            log.warning("%d combinations of values have no utterance: %s", self.n_absent, self._absent())
        for name in self.sets[1:]:
            gaps = [group for group in self.groups if not self.speakers[group, name]]
            if gaps:
                log.warning("%s has no speaker of %s: these groups cannot be measured there", name, _listed(gaps))
        untrained = [group for group in self.groups if not self.speakers[group, self.sets[0]]]
        if not untrained:
            return
        message = f"{len(untrained)} groups have no training speaker: {_listed(untrained)}"
        if not allow_missing_groups:
            raise InputError(
                f"{message}, so that nothing is learnt of their voices: add data, use fewer --attributes or another "
                "--split_seed, or give --allow_missing_groups true to generalise from the other groups"
            )
        log.warning("%s", message)

    def _absent(self) -> str:
        """The first combinations that no utterance has, in the order of the values."""
        present = set(self.groups)
        absent = ("_".join(values) for values in itertools.product(*self._values) if "_".join(values) not in present)
        return _listed(sorted(itertools.islice(absent, LISTED)), self.n_absent)

    def rows(self, groups: Sequence[str]) -> list[list[str]]:
        """The table: header, a line for each group, and the totals, in which each speaker counts once."""
        header, sums = ["group"], ["all"]
        for name in self.sets:
            header += [f"{name}_speakers", f"{name}_utterances"]
            sums += [str(self.totals[name]), str(self._set_sizes[name])]
        lines = [
            [group] + [str(count[group, name]) for name in self.sets for count in (self.speakers, self.utterances)]
            for group in groups
        ]
        return [header, *lines, sums]

    def text(self) -> str:
        """The table in aligned columns, its beginning where it is long, and the speakers of each gender in each set."""
        rows = [[cut(cell) for cell in row] for row in self.rows(self.groups[:SHOWN])]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  " + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
        if len(self.groups) > SHOWN:
            lines.insert(-1, f"  ... and {len(self.groups) - SHOWN} more groups, see coverage.tsv")
        for gender, by in self.genders.items():
            lines.append(f"  speakers of gender {gender}: " + ", ".join(f"{by[name]} {name}" for name in self.sets))
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Write the table, tabs between columns."""
        path.write_text("".join("\t".join(row) + "\n" for row in self.rows(self.groups)), encoding="utf-8")


def _listed(groups: Sequence[str], total: int | None = None) -> str:
    """The groups, or the first of many."""
    total = total or len(groups)
    more = f" and {total - LISTED} more" if total > LISTED else ""
    return ", ".join(map(cut, groups[:LISTED])) + more
