"""What the values of Kaldi's tables may be, and the segments that they give.

The rules are those of https://kaldi-asr.org/doc/data_prep.html.
"""

import math
import re
from collections.abc import Iterable, Sequence
from operator import lt
from typing import NamedTuple

from utils.chunks import chunked
from utils.errors import brief

FRAMES = re.compile("0*[1-9][0-9]*")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")  # all but the tab
TO_THE_END = -1.0  # end of a segment, as Kaldi's extract-segments takes it
CHANNEL = re.compile(r"[0-9]{1,4}")
SEGMENT = "'recording begin end' with end > begin >= 0 (end -1: that of the recording), and perhaps a channel from 0"


class Segment(NamedTuple):
    """A line of `segments`: times in seconds, end None for that of the recording, channel None for all of them."""

    recording: str
    begin: float
    end: float | None
    channel: int | None


def value_fault(name: str, value: str) -> str | None:
    """What is wrong with a value of a table."""
    if name == "utt2spk" and value.split() != [value]:
        return f"expected one speaker, found {brief(value)}"
    if name == "spk2gender" and value not in ("m", "f"):
        return f"expected m or f, found {brief(value)}"
    if name in ("utt2dur", "reco2dur") and not (_is_number(value) and float(value) > 0):
        return f"expected seconds > 0, found {brief(value)}"
    if name == "wav.scp" and value.startswith("~"):
        return f"Kaldi does not expand '~', found {brief(value)}; write the whole path"
    if name == "utt2num_frames" and not (FRAMES.fullmatch(value)):
        return f"expected frames > 0, found {brief(value)}"
    if name == "segments" and parse_segment(value) is None:
        return f"expected {SEGMENT}, found {brief(value)}"
    return None


def are_good(printable: bool, name: str, values: Iterable[str]) -> bool:
    """Is nothing wrong with values of a table, the transcripts of `text` included?"""
    if name == "text":
        together = "".join(values)
        return not printable or together.isprintable() or not CONTROL_CHARACTERS.search(together)
    if name == "segments":
        return all(plain_segments(some) or all(map(parse_segment, some)) for some in chunked(values))
    if name in ("utt2dur", "reco2dur"):
        return _all_seconds(values)
    return all(value_fault(name, value) is None for value in values)


def _all_seconds(values: Iterable[str]) -> bool:
    try:
        return all(0 < value < math.inf for value in map(float, values))
    except ValueError:
        return False


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def parse_segment(value: str) -> Segment | None:
    """The segment that a line of `segments` gives, without its key; None where it is not as SEGMENT says."""
    fields = value.split()
    try:
        begin, end = float(fields[1]), float(fields[2])
    except (IndexError, ValueError):
        return None
    if len(fields) == 3 and 0 <= begin < end < math.inf:  # as nearly all are
        return Segment(fields[0], begin, end, None)
    if len(fields) not in (3, 4):
        return None
    channel = fields[3] if len(fields) == 4 else None
    is_to_the_end = end == TO_THE_END and 0 <= begin < math.inf
    if not (0 <= begin < end < math.inf or is_to_the_end) or not (channel is None or CHANNEL.fullmatch(channel)):
        return None
    return Segment(fields[0], begin, None if is_to_the_end else end, None if channel is None else int(channel))


def plain_segments(values: Sequence[str]) -> tuple[list[str], list[float], list[float]] | None:
    """The recordings, beginnings and ends of many segments at once; None where `parse_segment` has to look at each.

    That is where one has a channel, goes to the end of its recording, or is none.
    """
    fields = " | ".join(values).split()  # a bar behind each three fields but the last, or it is where no number is
    if len(fields) != 4 * len(values) - 1 or fields[3::4].count("|") < len(values) - 1:
        return None
    try:
        begins, ends = list(map(float, fields[1::4])), list(map(float, fields[2::4]))
    except ValueError:
        return None
    if not (all(map(lt, begins, ends)) and min(begins) >= 0 and max(ends) < math.inf):
        return None
    return fields[::4], begins, ends
