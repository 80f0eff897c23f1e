"""Spans of speech packed into pieces that are at most so long: whole spans where they fit, longer ones cut.

Times are whole ticks of 0.1 ms, in which `segments` are written, so that the limit is exact.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

TICKS = 10_000  # in a second
HOP = TICKS // 100  # energies are those of 10 ms
SMOOTHED = 10  # hops, over which energies are averaged: a syllable is no pause
REST = 50  # hops that are left behind a cut, so that no scrap is a piece
SHORTEST = 11 * TICKS // 100  # of a piece: commands that take pieces refuse those of less than 0.1 s
Span = tuple[int, int]  # begin and end in ticks


def pack(spans: Iterable[Span], longest: int, most_pause: int, cuts: Callable[[Span], list[int]]) -> Iterator[Span]:
    """The pieces of one recording, in order: as many spans each as fit, with the pauses between them.

    Args:
        spans: of speech, sorted. longest: ticks of a piece. most_pause: ticks of a pause within one.
        cuts: where a span that is longer than a piece is cut (ticks, sorted).
    """
    begin = end = None
    for first, last in spans:
        for piece in _pieces(first, last, longest, cuts):
            if begin is not None and (piece[0] - end > most_pause or piece[1] - begin > longest):
                yield begin, end
                begin = None
            begin, end = piece if begin is None else (begin, max(end, piece[1]))
    if begin is not None:
        yield begin, end


def _pieces(first: int, last: int, longest: int, cuts: Callable[[Span], list[int]]) -> list[Span]:
    if last - first <= longest:
        return [(first, last)]
    edges = [first, *cuts((first, last)), last]
    return list(zip(edges, edges[1:], strict=False))


def widened(span: Span, earliest: int) -> Span:
    """A span of SHORTEST at least: a shorter one begins earlier, though not before `earliest`, or ends later."""
    begin, end = span
    begin = max(min(begin, end - SHORTEST), min(begin, earliest))
    return begin, max(end, begin + SHORTEST)


def energy_cuts(waveform: np.ndarray, sample_rate: int, longest: int) -> list[int]:
    """Where a waveform (samples,) is cut into pieces: at the least energy in the second half of each (ticks).

    Where energies are equal, the later one is taken: pieces are then as long as may be.
    """
    hop = sample_rate * HOP // TICKS
    n = len(waveform) // hop
    power = np.square(waveform[: n * hop].astype(np.float64)).reshape(n, hop).mean(axis=1)
    kernel = np.ones(SMOOTHED)
    smooth = np.convolve(power, kernel, "same") / np.convolve(np.ones(n), kernel, "same")
    total, most, begin, cuts = len(waveform) / sample_rate * TICKS, longest // HOP, 0, []
    while total - begin * HOP > longest:
        low, high = begin + max(1, most // 2), min(begin + most, n - max(1, min(REST, most // 4)))
        window = smooth[low : high + 1]
        begin = high - int(np.argmin(window[::-1]))
        cuts.append(begin * HOP)
    return cuts
