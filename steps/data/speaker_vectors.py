"""The mean vector of each speaker of a directory, as Kaldi's ivector-mean writes it.

Output: spk_xvector.{ark,scp}, and num_utts.ark, lines `<speaker> <number of vectors>`, which ivector-plda-scoring reads
with `--num-utts=ark:num_utts.ark`. Memory holds the vectors of CHUNK utterances.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from utils.archive_writer import ArchiveWriter
from utils.archives import read_locations
from utils.data_dir import invert
from utils.script_files import Location, parse_location, path_from_script, path_in_script
from utils.tables import write_table

SPEAKERS, NUM_UTTS = "spk_xvector", "num_utts.ark"
CHUNK = 4096  # vectors in memory
Read = Callable[[Sequence[str]], np.ndarray]


def write_speaker_vectors(
    out: Path,
    final: Path,
    spk2utt: Mapping[str, Sequence[str]],
    locations: Mapping[str, Location],
    describe: Callable[[str], str] = str,
) -> None:
    """Write the means into `out`, which will be moved to `final`.

    Args:
        spk2utt: speaker -> its utterances. locations: utterance -> where its vector is now.
        describe: names an utterance in messages.
    """

    def read(keys: Sequence[str]) -> np.ndarray:
        return read_locations([locations[key] for key in keys], lambda row: describe(keys[row]))

    ark, scp = (out / f"{SPEAKERS}.{kind}" for kind in ("ark", "scp"))
    with ArchiveWriter(ark, scp, final / ark.name) as writer:
        for speaker, total in _sums(spk2utt.items(), read):
            writer.write([speaker], (total / len(spk2utt[speaker])).astype(np.float32)[None])
    write_num_utts(out, {speaker: len(utterances) for speaker, utterances in spk2utt.items()})


def write_of_script(
    out: Path, final: Path, utt2spk: Mapping[str, str], script: Mapping[str, str], describe: Callable[[str], str] = str
) -> None:
    """The same for the lines of an xvector.scp, utterance -> location: archives in `final` are still in `out`."""
    own = {path_in_script(final / ark.name, final): str(ark) for ark in out.glob("*.ark")}
    locations = {}
    for key in utt2spk:
        location = parse_location(script[key], describe(key))
        path = own.get(location.path) or path_from_script(location.path, final)
        locations[key] = location._replace(path=path)
    write_speaker_vectors(out, final, invert(utt2spk), locations, describe)


def write_num_utts(out: Path, counts: Mapping[str, int]) -> None:
    """Write the number of vectors of each speaker."""
    write_table(out / NUM_UTTS, {speaker: str(count) for speaker, count in counts.items()})


def _sums(speakers: Iterable[tuple[str, Sequence[str]]], read: Read) -> Iterator[tuple[str, np.ndarray]]:
    """The sum (D,) float64 of each speaker's vectors; several speakers are read at once."""
    batch: list[tuple[str, Sequence[str]]] = []
    rows = 0
    for speaker, keys in speakers:
        if batch and rows + len(keys) > CHUNK:
            yield from _sums_of_batch(batch, read)
            batch, rows = [], 0
        batch.append((speaker, keys))
        rows += len(keys)
    yield from _sums_of_batch(batch, read)


def _sums_of_batch(batch: Sequence[tuple[str, Sequence[str]]], read: Read) -> Iterator[tuple[str, np.ndarray]]:
    if len(batch) == 1:
        ((speaker, keys),) = batch
        chunks = (read(keys[start : start + CHUNK]) for start in range(0, len(keys), CHUNK))
        yield speaker, sum(chunk.sum(axis=0, dtype=np.float64) for chunk in chunks)
        return
    x, end = read([key for _, keys in batch for key in keys]), 0
    for speaker, keys in batch:
        begin, end = end, end + len(keys)
        yield speaker, x[begin:end].sum(axis=0, dtype=np.float64)
