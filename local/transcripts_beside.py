"""Transcripts that lie beside the recordings of a folder: `x.txt` beside `x.wav`, and LibriSpeech's `*.trans.txt`.

found = TranscriptsBeside(files.found, [path for path, _ in files.left_out])
texts = found.read()                        # recording -> what is said in it; "" for an empty file
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from local.librispeech import read_transcript
from utils.errors import InputError
from utils.tables import read_text

LINES, OWN = ".trans.txt", ".txt"  # a line for each recording of the folder; a file of its own


class TranscriptsBeside:
    """The transcripts among other files.

    Args:
        recordings: files of audio. others: files that are none.

    Attributes:
        files: those with transcripts of these recordings.
    """

    def __init__(self, recordings: Iterable[Path], others: Iterable[Path]):
        self.recordings: dict[Path, list[Path]] = {}  # by the path without its suffix
        for path in recordings:
            self.recordings.setdefault(path.with_suffix(""), []).append(path)
        folders = {stem.parent for stem in self.recordings}
        self.files = [
            path
            for path in others
            if (path.name.endswith(LINES) and path.parent in folders)
            or (path.suffix == OWN and path.with_suffix("") in self.recordings)
        ]

    def read(self) -> dict[Path, str]:
        """What is said in each recording that has a transcript. Raises InputError where two differ."""
        texts: dict[Path, str] = {}
        for file in self.files:
            for stem, words in _transcripts(file):
                for path in self.recordings.get(stem, ()):
                    if texts.setdefault(path, words) != words:
                        raise InputError(f"{file}: another transcript of {path.name} than in another file; remove one")
        return texts


def _transcripts(file: Path) -> Iterator[tuple[Path, str]]:
    """The transcripts of a file, by the path of their recording without its suffix."""
    if file.name.endswith(LINES):
        yield from ((file.parent / name, words) for name, words in read_transcript(file))
    else:
        yield file.with_suffix(""), " ".join(read_text(file).split())
