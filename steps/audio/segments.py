"""Overlapping windows of recordings, in the format of Kaldi's `segments`."""

from collections.abc import Iterator, Mapping

from utils.errors import InputError

Seconds = float
CENTISECOND = 100  # the times in ids are hundredths of a second, as in Kaldi's recipes


def windows(duration: Seconds, length: Seconds, hop: Seconds) -> Iterator[tuple[Seconds, Seconds]]:
    """Begin and end of the windows of one length, a hop apart, that lie within a recording.

    A recording that is shorter than a window is one window, and so is every recording if `length` is 0. The remainder
    after the last window is not used.
    """
    if not length or duration <= length:
        yield 0.0, duration
        return
    for number in range(int((duration - length) / hop + 1e-9) + 1):
        yield number * hop, number * hop + length


def cut(
    durations: Mapping[str, Seconds], length: Seconds, hop: Seconds
) -> tuple[dict[str, str], dict[str, str], dict[str, Seconds]]:
    """Cut recordings (id -> seconds) into windows.

    Returns:
        `segments` (id -> recording begin end), the recording of each segment, and the seconds of each segment.
    """
    if hop <= 0:
        raise InputError(f"--hop_seconds {hop}: expected more than 0")
    segments, recordings, seconds = {}, {}, {}
    for recording in sorted(durations):
        for begin, end in windows(durations[recording], length, hop):
            name = f"{recording}-{round(begin * CENTISECOND):07d}-{round(end * CENTISECOND):07d}"
            segments[name] = f"{recording} {begin:.2f} {end:.2f}"
            recordings[name] = recording
            seconds[name] = end - begin
    return segments, recordings, seconds
