"""Counts of speakers and utterances of each group in each set of a split, and a check of gaps."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from steps.data.groups import Grouping
from utils.command import logger
from utils.errors import InputError

log = logger(__name__)


class GroupCounts:
    """Counts of a split, by group and set.

    Attributes:
        sets: the names of the sets; the first is the training set.
        speakers: group -> set -> number of speakers.
        utterances: group -> set -> number of utterances.
        genders: gender -> set -> number of speakers; empty where no gender is known.
        absent: combinations of attribute values that no utterance has.
        totals: set -> number of speakers.
    """

    def __init__(
        self,
        grouping: Grouping,
        utt2spk: Mapping[str, str],
        spk2set: Mapping[str, str],
        sets: Sequence[str],
        spk2gender: Mapping[str, str],
    ):
        self.sets = sets
        pairs = Counter((spk2gender[speaker], name) for speaker, name in spk2set.items() if speaker in spk2gender)
        self.genders = {
            gender: {name: pairs[gender, name] for name in sets} for gender in sorted({g for g, _ in pairs})
        }
        members: dict[str, dict[str, list[str]]] = {group: {name: [] for name in sets} for group in grouping.groups}
        for utterance, group in grouping.utt2group.items():
            members[group][spk2set[utt2spk[utterance]]].append(utt2spk[utterance])
        self.speakers = {g: {name: len(set(spks)) for name, spks in by.items()} for g, by in members.items()}
        self.utterances = {g: {name: len(spks) for name, spks in by.items()} for g, by in members.items()}
        values = [sorted(set(column)) for column in zip(*(group.split("_") for group in grouping.groups), strict=True)]
        self.absent = sorted({"_".join(combination) for combination in itertools.product(*values)} - set(members))
        self.totals = {name: sum(owner == name for owner in spk2set.values()) for name in sets}

    def check(self, allow_missing_groups: bool) -> None:
        """Warn of groups without speakers in a set. Raises InputError for the training set, unless that is allowed."""
        if self.absent:
            log.warning("%d combinations of values have no utterance: %s", len(self.absent), ", ".join(self.absent))
        for name in self.sets[1:]:
            gaps = [group for group, speakers in self.speakers.items() if not speakers[name]]
            if gaps:
                log.warning("%s has no speaker of %s: these groups cannot be measured there", name, ", ".join(gaps))
        untrained = [group for group, speakers in self.speakers.items() if not speakers[self.sets[0]]]
        if not untrained:
            return
        message = f"{len(untrained)} groups have no training speaker: {', '.join(untrained)}"
        if not allow_missing_groups:
            raise InputError(
                f"{message}, so that nothing is learnt of their voices: add data, use fewer --attributes or another "
                "--split_seed, or give --allow_missing_groups true to generalise from the other groups"
            )
        log.warning("%s", message)

    def rows(self) -> list[list[str]]:
        """The table: header, a line per group, and the totals, in which a speaker of several groups counts once."""
        header = ["group"] + [f"{name}_{what}" for name in self.sets for what in ("speakers", "utterances")]
        lines = [
            [group] + [str(count[group][name]) for name in self.sets for count in (self.speakers, self.utterances)]
            for group in self.speakers
        ]
        sums = ["all"]
        for name in self.sets:
            sums += [str(self.totals[name]), str(sum(by[name] for by in self.utterances.values()))]
        return [header, *lines, sums]

    def text(self) -> str:
        """The table in aligned columns, and the speakers of each gender in each set."""
        rows = self.rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  " + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
        for gender, by in self.genders.items():
            lines.append(f"  speakers of gender {gender}: " + ", ".join(f"{by[name]} {name}" for name in self.sets))
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Write the table, tabs between columns."""
        path.write_text("".join("\t".join(row) + "\n" for row in self.rows()), encoding="utf-8")
