"""LibriSpeech as its owners ship it, or as a saved dataset -> a data directory of audio, cut into segments.

Input: a directory with SPEAKERS.TXT and `<subset>/<speaker>/<chapter>/<speaker>-<chapter>-<number>.flac`, and
transcripts in `*.trans.txt`, if there are any (`local.download` gets it); or parquet or arrow files of Hugging Face's
`librispeech_asr` (`local/saved_librispeech.py`). Output: data/librispeech/audio with wav.scp, segments, utt2spk,
spk2gender, utt2dur, and `text` if recordings are not cut; with `--with_chapters true` also utt2chapter and utt2subset.
Licence and origin: https://www.openslr.org/12.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from local.audio_corpus import Recording, Unused, write_audio_corpus
from local.saved_librispeech import Listed, SavedLibrispeech, find_tables, read_genders
from steps.audio.audio_files import HIDDEN, find_audio, is_hidden
from steps.data.spellings import DISTINCT_HELP
from utils.command import logger, run_command
from utils.errors import InputError, absence, brief, cut
from utils.options import option
from utils.stage_dir import StageDir
from utils.tables import read_lines

log = logger(__name__)
TRANSCRIPTS = "*.trans.txt"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.prepare_librispeech"
    data_dir: Path = option(help="the directory that has SPEAKERS.TXT, or parquet or arrow files")
    out: Path = option(Path("data/librispeech/audio"), "data directory to write")
    subsets: tuple[str, ...] = option((), "such as train-clean-100,dev-clean; default: all subdirectories")
    segment_seconds: float = option(3.0, "length of a segment; 0: recordings are not cut", least=0, most=86400)
    hop_seconds: float = option(1.5, "from the start of a segment to the start of the next", least=0.01, most=86400)
    with_chapters: bool = option(False, "write utt2chapter and utt2subset too")
    max_fail: float = option(0.01, "largest share of files that cannot be read", least=0, most=1)
    distinct_ids: bool = option(False, DISTINCT_HELP)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """List the recordings, and write them."""
    if not options.data_dir.is_dir():
        raise InputError(f"--data_dir {options.data_dir}: {absence(options.data_dir, 'directory')}")
    tables = find_tables(options.data_dir)
    if tables:
        saved = SavedLibrispeech(options.data_dir, tables, options.subsets)
        inputs, read = saved.inputs, saved.read
    else:
        inputs, read = _shipped(options)
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        recordings, genders, unused = read()
        if not options.with_chapters:
            for recording in recordings:
                recording.labels = {"text": recording.labels["text"]} if "text" in recording.labels else {}
        number = write_audio_corpus(
            stage.dir,
            recordings,
            genders,
            options.segment_seconds,
            options.hop_seconds,
            options.max_fail,
            options.distinct_ids,
            unused,
        )
        speakers = {recording.speaker for recording in recordings}
        log.info("%s: %d utterances of %d files, %d speakers", stage.final, number, len(recordings), len(speakers))


def _shipped(options: Options) -> tuple[list[Path], Callable[[], Listed]]:
    """What is read of a directory as its owners ship it, and a function that reads it."""
    speakers = options.data_dir / "SPEAKERS.TXT"
    if not speakers.is_file():
        found = list(options.data_dir.glob("*/SPEAKERS.TXT"))
        hint = f"; it is in {found[0].parent}" if found else ""
        raise InputError(f"--data_dir {options.data_dir}: no SPEAKERS.TXT here{hint}, and no parquet or arrow files")
    subsets = find_subsets(options)
    listed = [find_audio(options.data_dir / subset) for subset in subsets]
    files = [path for one in listed for path in one.found]
    if not files:
        raise InputError(f"--data_dir {options.data_dir}: no <speaker>/<chapter>/*.flac in {', '.join(subsets)}")
    beside = [found for one in listed for found in one.left_out]
    transcripts = sorted(path for path, reason in beside if path.match(TRANSCRIPTS) and reason != HIDDEN)
    left_out = [(path, reason) for path, reason in beside if reason == HIDDEN or not path.match(TRANSCRIPTS)]

    def read() -> Listed:
        texts = read_transcripts(transcripts)
        recordings = [_recording(path, options.data_dir, texts) for path in files]
        genders = read_genders(speakers)
        missing = sorted({recording.speaker for recording in recordings} - genders.keys())
        if missing:
            raise InputError(
                f"{speakers}: no line for speaker {', '.join(missing[:5])} of {len(missing)} that have audio; add it"
            )
        without = len(texts.keys() - {path.stem for path in files})
        kept = {recording.speaker: genders[recording.speaker] for recording in recordings}
        return Listed(recordings, kept, Unused(left_out, Counter({"transcripts without a file": without})))

    return [speakers, *files, *transcripts], read


def find_subsets(options: Options) -> list[str]:
    """The subsets to read. Raises InputError for a missing one."""
    entries = [path for path in options.data_dir.iterdir() if not is_hidden(path.name)]
    broken = next((path for path in sorted(entries) if path.is_symlink() and not path.exists()), None)
    if broken:
        raise InputError(f"{broken}: a link that leads nowhere; if it was a subset, repair it, or remove it")
    there = sorted(path.name for path in entries if path.is_dir())
    missing = [name for name in options.subsets if name not in there]
    if missing or not there:
        raise InputError(
            f"--data_dir {options.data_dir}: no subset {', '.join(missing) or 'at all'}; "
            f"found {', '.join(there) or 'none'}"
        )
    return list(options.subsets) or there


def _recording(path: Path, root: Path, texts: dict[str, str]) -> Recording:
    speaker, chapter, _ = (*path.stem.split("-"), "", "")[:3]
    if list(path.relative_to(root).parts[1:-1]) != [speaker, chapter]:
        raise InputError(f"{path}: expected <speaker>/<chapter>/<speaker>-<chapter>-<number>.flac")
    labels = {"text": texts[path.stem]} if path.stem in texts else {}
    return Recording(path.stem, speaker, path, labels | {"chapter": chapter, "subset": path.relative_to(root).parts[0]})


def read_transcripts(paths: Iterable[Path]) -> dict[str, str]:
    """Utterance -> words. Raises InputError for an utterance of two transcripts that differ."""
    texts: dict[str, str] = {}
    for path in paths:
        for name, words in read_transcript(path):
            if texts.setdefault(name, words) != words:
                raise InputError(f"{path}: {cut(name)} has two transcripts that differ; remove one")
    return texts


def read_transcript(path: Path) -> Iterator[tuple[str, str]]:
    """Lines `<utterance> WORDS` of a .trans.txt; there may be no words behind the blank."""
    for number, line in enumerate(read_lines(path), 1):
        name, blank, words = line.partition(" ")
        if not name or not blank:
            raise InputError(f"{path}:{number}: expected an utterance and its words, found {brief(line)}")
        yield name, words.strip()


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
