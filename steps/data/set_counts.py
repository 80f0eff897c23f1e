"""What the sets of a split hold and share: speakers, chapters, utterances. Counted, checked, and shown as tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from utils.errors import InputError, cut

OPEN = "open"
COUNTS, SHARED = "sets.tsv", "shared.tsv"


class SetCounts:
    """Counts of a split.

    Attributes:
        speakers: set -> its speakers. chapters: set -> its (speaker, chapter); empty where no chapter is known.
        counts: rows of the table of sets. shared: rows of the table of what two sets share.
    """

    def __init__(
        self,
        sets: Mapping[str, Sequence[str]],
        utt2spk: Mapping[str, str],
        utt2chapter: Mapping[str, str],
        seconds: Mapping[str, float],
        spk2gender: Mapping[str, str],
    ):
        """`sets`: name -> utterances, which all other tables are about."""
        self.speakers = {name: {utt2spk[one] for one in found} for name, found in sets.items()}
        self.chapters = {
            name: {(utt2spk[one], utt2chapter[one]) for one in found if one in utt2chapter}
            for name, found in sets.items()
        }
        self.counts = [["set", "speakers", "female", "male", "chapters", "utterances", "minutes"]]
        for name, found in sets.items():
            genders = Counter(spk2gender.get(speaker, "") for speaker in self.speakers[name])
            sexes = [genders["f"], genders["m"]] if spk2gender else ["-", "-"]
            known = [one in seconds for one in found]
            minutes = f"{sum(seconds[one] for one in found) / 60:.1f}" if all(known) else "-"
            chapters = str(len(self.chapters[name])) if utt2chapter else "-"
            row = [len(self.speakers[name]), *sexes, chapters, len(found), minutes]
            self.counts.append([name, *map(str, row)])
        self.shared = [["sets", "speakers", "chapters"]]
        for one, other in combinations(sets, 2):
            speakers = len(self.speakers[one] & self.speakers[other])
            chapters = str(len(self.chapters[one] & self.chapters[other])) if utt2chapter else "-"
            self.shared.append([f"{one} and {other}", str(speakers), chapters])

    def check(self, by: str, left_out: set[str]) -> None:
        """Raise InputError where the sets are not what the way of splitting promises.

        Args:
            by: chapter, random, segment or speaker. left_out: speakers that must be in no set.
        """
        for name, speakers in self.speakers.items():
            if not speakers:
                raise InputError(f"impossible: no utterance is left for {name}; more utterances are needed")
            if speakers & left_out:
                raise InputError(f"{name} has {len(speakers & left_out)} of the speakers that were to be left out")
        closed = [name for name in self.speakers if name != OPEN]
        for one, other in combinations(self.speakers, 2):
            both = self.speakers[one] & self.speakers[other]
            if both and (OPEN in (one, other) or by == "speaker"):
                raise InputError(f"{one} and {other} share {len(both)} speakers, such as {cut(min(both))}")
        for name in closed[1:] if by != "speaker" else ():
            alone = self.speakers[name] - self.speakers[closed[0]]
            if alone:
                raise InputError(f"{name} has {len(alone)} speakers that {closed[0]} lacks, such as {cut(min(alone))}")
        if by == "chapter":
            leaks = self.chapters["test"] & (self.chapters["train"] | self.chapters["dev"])
            if leaks:
                raise InputError(f"test shares {len(leaks)} chapters with train or dev, such as {cut(min(leaks)[1])}")

    def text(self) -> str:
        """Both tables, aligned for a log."""
        return f"{_aligned(self.counts)}\n{_aligned(self.shared)}"

    def write(self, folder: Path) -> None:
        """Write both tables."""
        for name, rows in ((COUNTS, self.counts), (SHARED, self.shared)):
            (folder / name).write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
