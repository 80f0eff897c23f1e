"""The frames of an MPEG audio file (mp3), by their headers: how many there are, and whether the last one is whole.

An mp3 file tells its length only in the tag of some encoders; without it, libsndfile estimates the length from the
first frame, and reads no further. Frames are those of ISO/IEC 11172-3, section 2.4.1, and 13818-3.
"""

import mmap
from dataclasses import dataclass
from pathlib import Path

BITRATES = {  # kbit/s, by version 1 or not, and layer
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = (44100, 48000, 32000)  # of version 1; halved for version 2, again for 2.5
TAGS = (b"Xing", b"Info", b"VBRI")  # of a first frame that holds no audio
TAG_WITHIN = 64  # bytes of it
SEARCHED = 65536  # bytes in which the first or the next frame must begin


@dataclass(frozen=True)
class MpegFrames:
    """The frames of a file: samples of a channel in them, samples of one frame, and whether the last one is cut off."""

    samples: int
    per_frame: int
    is_cut: bool


@dataclass(frozen=True)
class FrameHeader:
    """A frame: its kind (version and layer), which a stream keeps, its bytes, and its samples."""

    kind: int
    size: int
    samples: int


def read_mpeg_frames(path: Path) -> MpegFrames | None:
    """Walk through the frames of a file; None where there are none, or their sizes are not told."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = _find(content, _after_id3(content), None)
        if place is None:
            return None
        first = _header(content, place)
        if first is None:
            return None
        if any(tag in content[place : place + TAG_WITHIN] for tag in TAGS):
            place += first.size
        count, end = 0, len(content)
        while place is not None and place + 4 <= end:
            header = _header(content, place)
            if header is None or header.kind != first.kind:
                place = _find(content, place + 1, first)
            elif place + header.size > end:
                return MpegFrames(count * first.samples, first.samples, True)
            else:
                count, place = count + 1, place + header.size
        return MpegFrames(count * first.samples, first.samples, False)


def _after_id3(content: mmap.mmap) -> int:
    """Where an ID3v2 tag at the beginning ends: its size is in four times seven bits."""
    if content[:3] != b"ID3" or len(content) < 10:
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _find(content: mmap.mmap, start: int, like: FrameHeader | None) -> int | None:
    """The next place where a frame begins that another one, or the end, follows."""
    stop = min(start + SEARCHED, len(content) - 4)
    place = content.find(b"\xff", start, stop)
    while place >= 0:
        header = _header(content, place)
        if header and (like is None or header.kind == like.kind):
            following = _header(content, place + header.size)
            if place + header.size == len(content) or (following and following.kind == header.kind):
                return place
        place = content.find(b"\xff", place + 1, stop)
    return None


def _header(content: mmap.mmap, place: int) -> FrameHeader | None:
    """The frame that begins at a place; None where none does, or its bitrate is free."""
    head = content[place : place + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or rate == 3 or bitrate in (0, 15):
        return None
    bits = 1000 * BITRATES[version == 3, layer][bitrate]
    hertz = RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    size = (12 * bits // hertz + padding) * 4 if layer == 1 else samples // 8 * bits // hertz + padding
    return FrameHeader(head[1] & 0x1E, size, samples)
