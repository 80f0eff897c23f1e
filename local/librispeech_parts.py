"""The parts of LibriSpeech as OpenSLR 12 ships them: sizes, md5 and numbers; and the mirrors.

Origin: https://www.openslr.org/12 and its md5sum.txt; speakers and utterances are those of the parts themselves.
"""

from typing import NamedTuple


class CorpusPart(NamedTuple):
    """One archive: its md5, its size in bytes, and the utterances and speakers in it."""

    md5: str
    size: int
    utterances: int
    speakers: int


PARTS = {
    "train-clean-100": CorpusPart("2a93770f6d5c6c964bc36631d331a522", 6387309499, 28539, 251),
    "train-clean-360": CorpusPart("c0e676e450a7ff2f54aeade5171606fa", 23049477885, 104014, 921),
    "train-other-500": CorpusPart("d1a0fd59409feb2c614ce4d30c387708", 30593501606, 148688, 1166),
    "dev-clean": CorpusPart("42e2234ba48799c1f50f24a7926300a1", 337926286, 2703, 40),
    "dev-other": CorpusPart("c8d0bcc9cca99d4f8b62fcc847357931", 314305928, 2864, 33),
    "test-clean": CorpusPart("32fa31d27d2e1cad72775fee3f4849a9", 346663984, 2620, 40),
    "test-other": CorpusPart("fb5a50374b501bb3bac4815ee91d3135", 328757843, 2939, 33),
}
MIRRORS = (
    "https://www.openslr.org/resources/12",
    "https://openslr.trmal.net/resources/12",
    "https://openslr.elda.org/resources/12",
    "https://openslr.magicdatatech.com/resources/12",
)
