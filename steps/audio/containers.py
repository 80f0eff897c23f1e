"""Files of audio: opened, and refused by the right name where they cannot be used.

Input: a path. Output: an open file of soundfile, whose `frames` are all there. A file that is shorter than its header
tells, as a download leaves it that broke off, is no shorter recording: it raises AudioProblem. The header of a stream,
written before its length was known, tells none; then the recording is what is there. A file named .pcm has no header:
it is taken as 16 bits, little endian, one channel, 16 kHz (unless its first bytes are those of another format).
"""

import io
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from steps.audio.mpeg_frames import read_mpeg_frames
from steps.audio.packed_rows import RowProblem, file_of, is_row, read_row
from utils.errors import InputError
from utils.mounts import raise_if_lost
from utils.pointer_files import pointer_problem

if TYPE_CHECKING:
    from soundfile import SoundFile

FORMATS = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST", "VOC", "SVX", "HTK", "RAW")
PCM, PCM_RATE, PCM_BYTES = ".pcm", 16000, 2  # suffix of a file without a header, its Hz and bytes of a sample
HEADERS = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"FORM", b"NIST_1A", b"caff")  # of files that are misnamed .pcm
RATES = (2_000, 1_000_000)  # Hz: a header that tells less or more is wrong
MOST_CHANNELS = 256
MOST_SECONDS = 7 * 24 * 3600  # of a recording
HEAD_BYTES = 4096
SLACK = 8  # bytes by which a header may be wrong
# Sizes that programs write into the header of a wav file whose length they do not know: 0xffffffff, 0x7ffff000 and the
# like, and 0, for which see `_Stream`.
STREAM_SIZES = (range(0x7FFF0000, 0x80010000), range(0xFFFF0000, 0x100000000))
# libsndfile's own account of a header, where it disagrees with the file: what the header tells, what is there
DISAGREES = re.compile(
    r"^ ?(?:data|SSND|BODY|riff|  Data Size  ) : (?P<told>\d+) \(should be (?P<there>\d+)\)"
    r"|^\*\*\* Calculated frame count (?P<frames>\d+) does not match value from 'ds64' chunk of (?P<all>\d+)",
    re.MULTILINE,
)
TRUNCATED = "Seems to be a truncated file"  # libsndfile's words for VOC
SAMPLE_COUNT = re.compile(rb"^sample_count -i (\d{1,18})\s", re.MULTILINE)  # NIST
MOST_PADDING = 4  # frames of mp3 that an encoder adds at the two ends, and a decoder drops
PAGE, END_OF_STREAM, LARGEST_PAGE = b"OggS", 4, 65307  # RFC 3533, section 6
CHUNKS = (b"LIST", b"fact", b"cue ", b"bext", b"PEAK", b"JUNK", b"junk", b"smpl", b"id3 ", b"ID3 ", b"iXML", b"_PMX")
# What else a file of audio may turn out to be: its first bytes, and the remedy
OTHERS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), text)
    for pattern, text in (
        (rb"\x1f\x8b", "is compressed with gzip; decompress it"),
        (rb"BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "is compressed; decompress it"),
        (rb"PK\x03\x04|7z\xbc\xaf|Rar!", "is an archive of files; unpack it"),
        (rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|head|!--)", "is a web page; download the audio again"),
        (rb".{4}ftyp", "is MPEG-4 (m4a, mp4), which is not read; convert it to flac or wav"),
        (rb"\x1a\x45\xdf\xa3", "is WebM or Matroska, which is not read; convert it to flac or wav"),
        (rb"\x30\x26\xb2\x75", "is Windows Media, which is not read; convert it to flac or wav"),
        (rb"#!AMR", "is AMR, which is not read; convert it to flac or wav"),
        (rb"wvpk|MAC |ajkg|TTA1|OFR ", "is of a format that is not read; convert it to flac or wav"),
    )
)


class AudioProblem(InputError):
    """The audio of an utterance cannot be used.

    Attributes:
        reason: missing, corrupt, empty, too_short, too_long or silent; back-ends have further ones.
        detail: a sentence with the file and the numbers.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def open_audio(path: Path) -> "SoundFile":
    """Open a file whose length, rate and channels can be believed. Raises AudioProblem: missing, corrupt or empty."""
    packed = _read_row(path) if is_row(path) else None
    head = read_head(path) if packed is None else packed[:HEAD_BYTES]
    file = _open(path if packed is None else io.BytesIO(packed), path, head)
    try:
        if not file.frames and packed is None:
            at = _data_without_size(head)
            if at is not None:
                file.close()
                file = _open(_Stream(path, at), path, head)
        _check(file, path, head)
    except OSError as error:  # of the disk
        file.close()
        raise_if_lost(path, error)
        raise AudioProblem("missing", f"{path}: {error.strerror}") from error
    except BaseException:
        file.close()
        raise
    return file


def _read_row(path: Path) -> bytes:
    try:
        content = read_row(path)
    except RowProblem as error:
        raise AudioProblem("missing", str(error)) from error
    if not content:
        raise AudioProblem("empty", f"{path}: has no bytes")
    return content


def _open(source: Path | io.IOBase, path: Path, head: bytes) -> "SoundFile":
    import soundfile

    try:
        if Path(path).suffix.lower() == PCM and not head.startswith(HEADERS):
            return _open_pcm(Path(path), head)
        return soundfile.SoundFile(source)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a suffix of files without a header, as .raw
        raise_if_lost(file_of(path), error)
        what = next((text for pattern, text in OTHERS if pattern.match(head)), None)
        detail = what or getattr(error, "error_string", str(error))
        raise AudioProblem("corrupt", f"{path}: {detail}") from error


def _open_pcm(path: Path, head: bytes) -> "SoundFile":
    """Open a file of samples without a header, whose fault can be seen by its size and first bytes alone."""
    import soundfile

    what = next((text for pattern, text in OTHERS if pattern.match(head)), None)
    size = path.stat().st_size
    if what or size % PCM_BYTES:
        half = f"{size} bytes, half a sample at its end; it was written or copied in part: copy it again"
        raise AudioProblem("corrupt", f"{path}: {what or half}")
    return soundfile.SoundFile(path, samplerate=PCM_RATE, channels=1, format="RAW", subtype="PCM_16", endian="LITTLE")


def read_head(path: Path) -> bytes:
    """The first bytes of a file. Raises AudioProblem where they cannot be read, or are no audio."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise AudioProblem("missing", f"{path}: is no file")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise_if_lost(path, error)
        raise AudioProblem("missing", f"{path}: {error.strerror}") from error
    if not head:
        raise AudioProblem("empty", f"{path}: has no bytes")
    pointer = pointer_problem(path, head)
    if pointer:
        raise AudioProblem("corrupt", f"{path}: {pointer}")
    return head


def _data_without_size(head: bytes) -> int | None:
    """Where the size of a wav file's data is, if it is 0 though data follow; else None."""
    at = head.find(b"data\0\0\0\0") + 4
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE" or at < 16 or head[at + 4 : at + 8] in (b"", *CHUNKS):
        return None
    return at


class _Stream(io.RawIOBase):
    """A wav file with another size in its header: the largest, for which libsndfile takes all that is there."""

    def __init__(self, path: Path, at: int):
        self.file, self.at, self.name = path.open("rb"), at, str(path)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def readinto(self, buffer) -> int:
        start = self.file.tell()
        size = self.file.readinto(buffer)
        for place in range(max(start, self.at), min(start + size, self.at + 4)):
            buffer[place - start : place - start + 1] = b"\xff"
        return size

    def close(self) -> None:
        self.file.close()
        super().close()


def _check(file: "SoundFile", path: Path, head: bytes) -> None:
    """Raise AudioProblem for a file that has no samples, not all of its samples, or an unbelievable header."""
    if file.format not in FORMATS:
        raise AudioProblem("corrupt", f"{path}: is of the format {file.format}; convert it to flac or wav")
    rate, channels, frames = file.samplerate, file.channels, file.frames
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioProblem("corrupt", f"{path}: tells {rate} Hz, expected {RATES[0]} to {RATES[1]}; correct its header")
    if not 1 <= channels <= MOST_CHANNELS:
        raise AudioProblem("corrupt", f"{path}: tells {channels} channels, expected 1 to {MOST_CHANNELS}")
    if not frames:
        raise AudioProblem("empty", f"{path}: has no samples")
    if frames > MOST_SECONDS * rate:  # the header of a stream whose length was not known
        raise AudioProblem("corrupt", f"{path}: says it has {frames} frames; encode it anew, from a file")
    lost = _lost(file, path, head)
    if lost:
        raise AudioProblem("corrupt", f"{path}: breaks off, {lost}; copy or download it again")


def _lost(file: "SoundFile", path: Path, head: bytes) -> str:
    """What a file lacks of what its header tells, in words; "" if nothing."""
    account = file.extra_info
    for found in DISAGREES.finditer(account):
        if found["frames"] and int(found["frames"]) < int(found["all"]):
            return f"its header tells {found['all']} frames, it has {found['frames']}"
        if not found["told"] or found[0].startswith("riff") != (file.format == "W64"):
            continue
        told, there = int(found["told"]), int(found["there"])
        if told - there > SLACK and not any(told in sizes for sizes in STREAM_SIZES):
            return f"its header tells {told} bytes, it has {there}"
    if TRUNCATED in account:
        return "its header tells more than it has"
    count = SAMPLE_COUNT.search(head) if file.format == "NIST" else None
    if count and int(count[1]) > file.frames:
        return f"its header tells {int(count[1])} samples, it has {file.frames}"
    if file.format in ("OGG", "MP3") and is_row(path):
        return "" if _has_last(file) else "its last sample is not there"
    if file.format == "OGG":
        return _lost_pages(path)
    if file.format == "MP3":
        return _lost_frames(file, path)
    return "" if file.format != "FLAC" or _has_last(file) else "its last sample is not there"


def _has_last(file: "SoundFile") -> bool:
    """Can the last sample that the header tells be decoded? The file is at its beginning afterwards."""
    import soundfile

    try:
        file.seek(file.frames - 1)
        found = len(file.read(1, dtype="float32"))
        file.seek(0)
    except soundfile.LibsndfileError:
        return False
    return bool(found)


def _lost_frames(file: "SoundFile", path: Path) -> str:
    found = read_mpeg_frames(path)
    if found is None:
        return "" if _has_last(file) else "its last sample is not there"
    if found.is_cut:
        return "its last frame is cut"
    if abs(file.frames - found.samples) > MOST_PADDING * found.per_frame:
        raise AudioProblem(
            "corrupt",
            f"{path}: mp3 of {found.samples} samples that is taken for {file.frames}, since no tag tells them; convert "
            "it to flac or wav",
        )
    return ""


def _lost_pages(path: Path) -> str:
    """An Ogg file tells no length, but its last page is marked as the end."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2 * LARGEST_PAGE))
        tail = file.read()
    page = tail[tail.rfind(PAGE) :]
    if len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]):
        return "its last page is cut"
    return "" if page[5] & END_OF_STREAM else "its last page is not marked as the end"
