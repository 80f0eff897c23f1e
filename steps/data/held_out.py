"""Speakers who are held out of train, dev and test: for the open set, or because they are to be in no set at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from steps.data.split_plans import interleaved, listed
from utils.command import logger
from utils.errors import InputError
from utils.tables import iterate_lines

log = logger(__name__)
LEAST = 2  # speakers of an open set: with one there are no trials of different speakers
SALT = "open "  # so that who is held out says nothing about the other draws


@dataclass
class HeldOut:
    """Attributes: open: speakers of the open set. left_out: speaker -> why it is in no set."""

    open: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)


def hold_out(
    tables: Mapping[str, Mapping[str, str]],
    spk2gender: Mapping[str, str],
    leave_out: Path | None,
    subsets: Iterable[str],
    file: Path | None,
    share: float,
    seed: int,
) -> HeldOut:
    """Choose the speakers. Raises InputError for an open set of one speaker, or one that is not in the data.

    Args:
        tables: of the whole, with utt2spk, and utt2subset where `subsets` are given.
        leave_out: file of speakers for no set. subsets, file, share: for the open set, see `Options` of the split.
    """
    speakers = set(tables["utt2spk"].values())
    held = HeldOut()
    if leave_out is not None:
        named = read_speakers(leave_out)
        held.left_out = dict.fromkeys(sorted(named & speakers), f"named in {leave_out.name}")
        log.info("%s: %d speakers, of whom %d are here", leave_out, len(named), len(held.left_out))
    if file is not None:
        named = read_speakers(file)
        if not named <= speakers:
            raise InputError(
                f"{file}: {len(named - speakers)} speakers are not in the data: {listed(sorted(named - speakers))}"
            )
        held.open |= named
    utt2subset = tables.get("utt2subset", {})
    for subset in subsets:
        found = {tables["utt2spk"][utterance] for utterance, own in utt2subset.items() if own == subset}
        if not found:
            known = ", ".join(sorted(set(utt2subset.values()))) or "no utt2subset in the data"
            raise InputError(f"--open_subsets {subset}: no utterance of this subset; there are: {known}")
        held.open |= found
    held.open -= held.left_out.keys()
    rest = speakers - held.open - held.left_out.keys()
    order = interleaved({speaker: spk2gender.get(speaker, "") for speaker in rest}, seed, SALT)
    held.open |= {*order[: max(LEAST, round(share * len(order))) if share else 0]}
    if not speakers - held.open - held.left_out.keys():
        raise InputError(
            f"all {len(speakers)} speakers are held out or left out, and none is for train; hold out fewer"
        )
    if 0 < len(held.open) < LEAST:
        raise InputError(f"the open set has one speaker, {min(held.open)}; expected a share of the speakers, or none")
    return held


def read_speakers(file: Path) -> set[str]:
    """The first word of each line of a file. Raises InputError where there is none."""
    speakers = {line.split()[0] for line in iterate_lines(file) if line.strip()}
    if not speakers:
        raise InputError(f"{file}: no speakers; expected one a line")
    return speakers
