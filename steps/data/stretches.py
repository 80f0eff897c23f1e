"""Utterances that share audio: segments of a recording that overlap in time, and copies of one utterance (utt2uniq).

They must not be on two sides of a split.
"""

from collections import defaultdict
from collections.abc import Mapping

from utils.table_values import parse_segment


def stretches(tables: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Utterance -> the first of those that share audio with it, directly or through others; most are alone."""
    first = {utterance: utterance for utterance in sorted(tables["utt2spk"])}
    spans: dict[tuple[str, int | None], list[tuple[float, float, str]]] = defaultdict(list)
    for utterance, line in tables.get("segments", {}).items():
        segment = parse_segment(line)
        if segment is not None:
            end = float("inf") if segment.end is None else segment.end
            spans[segment.recording, segment.channel].append((segment.begin, end, utterance))
    for found in spans.values():
        reach, head = 0.0, ""
        for begin, end, utterance in sorted(found):
            head = head if head and begin < reach else utterance
            reach = max(reach, end) if head != utterance else end
            first[utterance] = head
    originals: dict[str, str] = {}
    for utterance, original in tables.get("utt2uniq", {}).items():
        head = originals.setdefault(original, first[utterance])
        if head != first[utterance]:
            first |= dict.fromkeys([one for one, own in first.items() if own == first[utterance]], head)
    return first
