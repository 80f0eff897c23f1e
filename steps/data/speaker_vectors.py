"""The mean vector of each speaker of a directory, as Kaldi's ivector-mean writes it.

Output: spk_xvector.{ark,scp}, and num_utts.ark, lines `<speaker> <number of vectors>`, which ivector-plda-scoring reads
with `--num-utts=ark:num_utts.ark`. Memory holds the vectors of CHUNK utterances.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from utils.archive_writer import ArchiveWriter
from utils.archives import read_locations
from utils.code_column import by_word
from utils.location_column import LocationColumn
from utils.script_files import Location, parse_location, path_from_script, path_in_script
from utils.tables import write_table
from utils.text_column import Words

SPEAKERS, NUM_UTTS = "spk_xvector", "num_utts.ark"
CHUNK = 4096  # vectors in memory
Read = Callable[[np.ndarray], np.ndarray]


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
    keys = [key for utterances in spk2utt.values() for key in utterances]
    codes = np.repeat(np.arange(len(spk2utt)), list(map(len, spk2utt.values())))
    found = LocationColumn.of(locations[key] for key in keys)
    write_means(out, final, list(spk2utt), codes, found, lambda row: describe(keys[row]))


def write_means(
    out: Path,
    final: Path,
    speakers: Sequence[str],
    codes: np.ndarray,
    locations: LocationColumn,
    describe: Callable[[int], str],
) -> None:
    """The same for utterances in columns.

    Args:
        codes: (N,) position in `speakers` of the speaker of each utterance. locations: (N) of their vectors now.
        describe: names a row in messages.
    """

    def read(rows: np.ndarray) -> np.ndarray:
        return read_locations(locations.at(rows), lambda place: describe(int(rows[place])))

    ark, scp = (out / f"{SPEAKERS}.{kind}" for kind in ("ark", "scp"))
    counts: dict[str, int] = {}
    with ArchiveWriter(ark, scp, final / ark.name) as writer:
        for speaker, n_rows, total in _sums(by_word(speakers, codes), read):
            counts[speaker] = n_rows
            writer.write([speaker], (total / n_rows).astype(np.float32)[None])
    write_num_utts(out, counts)


def write_of_script(
    out: Path, final: Path, utt2spk: Mapping[str, str], script: Mapping[str, str], describe: Callable[[str], str] = str
) -> None:
    """The same for the lines of an xvector.scp, utterance -> location: archives in `final` are still in `out`."""
    keys, words = sorted(utt2spk), Words()
    locations = LocationColumn.of(parse_location(script[key], describe(key)) for key in keys)
    codes = np.array([words[utt2spk[key]] for key in keys], np.int32)
    write_of_columns(out, final, words.listed, codes, locations, lambda row: describe(keys[row]))


def write_of_columns(
    out: Path,
    final: Path,
    speakers: Sequence[str],
    codes: np.ndarray,
    locations: LocationColumn,
    describe: Callable[[int], str],
) -> None:
    """The same for utterances in columns, as `write_means` has them, and locations as an xvector.scp names them."""
    own = {path_in_script(final / ark.name, final): str(ark) for ark in out.glob("*.ark")}
    paths = [own.get(path) or path_from_script(path, final) for path in locations.paths]
    write_means(out, final, speakers, codes, locations.elsewhere(paths), describe)


def write_num_utts(out: Path, counts: Mapping[str, int]) -> None:
    """Write the number of vectors of each speaker."""
    write_table(out / NUM_UTTS, {speaker: str(count) for speaker, count in counts.items()})


def _sums(speakers: Iterable[tuple[str, np.ndarray]], read: Read) -> Iterator[tuple[str, int, np.ndarray]]:
    """The number and the sum (D,) float64 of each speaker's vectors; several speakers are read at once."""
    batch: list[tuple[str, np.ndarray]] = []
    n_rows = 0
    for speaker, rows in speakers:
        if batch and n_rows + len(rows) > CHUNK:
            yield from _sums_of_batch(batch, read)
            batch, n_rows = [], 0
        batch.append((speaker, rows))
        n_rows += len(rows)
    if batch:
        yield from _sums_of_batch(batch, read)


def _sums_of_batch(batch: Sequence[tuple[str, np.ndarray]], read: Read) -> Iterator[tuple[str, int, np.ndarray]]:
    if len(batch) == 1:
        ((speaker, rows),) = batch
        chunks = (read(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK))
        yield speaker, len(rows), sum(chunk.sum(axis=0, dtype=np.float64) for chunk in chunks)
        return
    x, end = read(np.concatenate([rows for _, rows in batch])), 0
    for speaker, rows in batch:
        begin, end = end, end + len(rows)
        yield speaker, len(rows), x[begin:end].sum(axis=0, dtype=np.float64)
