"""Recordings of any folder, manifest or data directory as a Kaldi data directory: the scan of recipe amela.

Input: a folder with audio at any depth, or a Kaldi data directory with wav.scp (--data_dir); or a manifest in the form
of NeMo (--manifest). Output:

    wav.scp utt2spk spk2utt utt2dur        of all recordings that can be read; the id is the path below the folder
    segments                               where entries of a manifest have an offset, or a data directory has segments
    text, or utt2text                      transcripts: of all of them, or where only some are known; of a folder with
                                           --transcripts true, from files beside the audio
    manifest.jsonl                         the same as JSON lines (`utils.manifest`)
    failures.tsv left_out.tsv copies.tsv   what cannot be read, what is no audio, what has the same bytes; with reasons
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from local.kaldi_corpus import NOT_KEPT
from local.recording_ids import ids_of, name_entries, refuse_same
from local.reddots.copies import COPIES, find_copies
from local.transcripts_beside import TranscriptsBeside
from steps.audio.audio_files import find_audio, printable
from steps.audio.failures import FAILURES, check_failures, write_failures, write_left_out
from steps.audio.lengths import Measured, audio_identity, read_lengths, require_sorted
from steps.audio.packed_rows import is_row
from steps.audio.recordings import Utterance, read_data_dir
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.errors import InputError
from utils.json_files import json_text
from utils.manifest import SOME_TEXTS, ManifestEntry, read_manifest, write_stage_manifest
from utils.option_values import raw_values
from utils.options import option
from utils.stage_dir import AUDIO, StageDir

log = logger(__name__)
DIFFERENCE = 0.1  # seconds by which a manifest may tell another duration: programs round, and count mp3 in frames
NOT_SETTINGS = ("data_dir", "manifest", "transcripts")  # whose content decides
Table = dict[str, str]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.recordings"
    data_dir: Path | None = option(None, "folder of audio at any depth, or a Kaldi data directory with wav.scp")
    manifest: Path | None = option(None, "manifest: JSON lines with audio_filepath, in place of --data_dir")
    out: Path = option(Path("data/all"), "data directory to write")
    speaker_folder: int = option(
        1, "folders that name the speaker, below those that all share; 0: each recording is its own", least=0, most=100
    )
    transcripts: bool = option(False, "of a folder, x.txt beside x.wav and lines of *.trans.txt are texts")
    min_seconds: float = option(0.1, "shorter recordings fail", least=0, most=3600)
    max_fail: float = option(0.01, "largest share of recordings that may fail", least=0, most=1)
    force: bool = option(False, "redo the stage even if it is up to date")


@dataclass
class Found:
    """What an input has.

    Attributes:
        utterances: recordings, or segments of them. recording_ids: path -> key of wav.scp.
        tables: others that are kept. told: id -> seconds that a manifest tells.
        left_out: files, and entries of a manifest, that are not used, with the reason.
    """

    utterances: list[Utterance]
    recording_ids: dict[Path, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    left_out: list[tuple[Path, str]] = field(default_factory=list)


def work(options: Options) -> None:
    """List what there is, read the header of each recording, and write."""
    found = find(options)
    found.utterances.sort(key=lambda one: one.id)
    settings = {name: value for name, value in raw_values(options).items() if name not in NOT_SETTINGS}
    settings["identity"] = audio_identity("", found.utterances)
    if options.transcripts:
        settings["texts"] = sha256(json_text(found.tables, options.data_dir).encode()).hexdigest()
    inputs = [options.manifest] if options.manifest else []
    if options.data_dir and (options.data_dir / "wav.scp").is_file():
        inputs.append(options.data_dir)
    with StageDir(options.out, settings, inputs, options.force, command=options.COMMAND) as stage:
        if stage.done:
            return
        require_sorted(found.utterances, options.out)
        measured = list(read_lengths(found.utterances, options.min_seconds))
        failures = [
            (one.utterance.id, one.outcome.reason, one.outcome.detail) for one in measured if one.outcome.reason
        ]
        check_failures(failures, len(measured), options.max_fail, options.out, noun="recording")
        good = [one for one in measured if not one.outcome.reason]
        compare_durations(found.told, good)
        write_stage_manifest(stage, write_tables(stage.dir, found, good))
        write_failures(stage.dir / FAILURES, failures, noun="recording")
        write_left_out(stage.dir, [(printable(path), reason) for path, reason in found.left_out])
        write_copies(stage.dir / COPIES, good)
        seconds = sum(one.outcome.seconds for one in good)
        speakers = len({one.utterance.speaker for one in good})
        log.info("%s: %d recordings, %d speakers, %.2f hours", stage.final, len(good), speakers, seconds / 3600)


def find(options: Options) -> Found:
    """The recordings of the folder, the data directory or the manifest."""
    if (options.data_dir is None) == (options.manifest is None):
        raise InputError("expected --data_dir or --manifest, one of the two: where are the recordings?")
    if options.transcripts and (options.manifest or (options.data_dir / "wav.scp").is_file()):
        raise InputError("--transcripts true: is for a folder of audio; a manifest and a data directory have texts")
    if options.manifest:
        return of_manifest(options.manifest, options.speaker_folder)
    if not options.data_dir.is_dir():
        what = "a file" if options.data_dir.is_file() else "no such directory"
        raise InputError(f"--data_dir {options.data_dir}: {what}; expected a folder of audio (--manifest: a list)")
    if (options.data_dir / "wav.scp").is_file():
        return of_data_dir(options.data_dir)
    return of_folder(options.data_dir, options.speaker_folder, options.transcripts)


def of_folder(folder: Path, speaker_folder: int, transcripts: bool) -> Found:
    """The audio below a folder, and perhaps the transcripts beside it."""
    files = find_audio(folder)
    unread = [path for path, reason in files.left_out if reason in AUDIO]
    if unread:
        told = f"{len(unread)} files of audio are of formats that are not read, such as {printable(unread[0])}"
        if not files.found:
            raise InputError(f"{folder}: {told}, and no others are there; convert them to flac or wav")
        log.warning("%s: %s; convert them to flac or wav", folder, told)
    elif not files.found:
        log.warning("%s: no audio below it", folder)
    ids = ids_of(folder, files.found, speaker_folder)
    found = Found([_utterance(name, speaker, path) for path, (name, speaker) in ids.items()], left_out=files.left_out)
    beside = TranscriptsBeside(files.found, [path for path, _ in files.left_out])
    if beside.files and not transcripts:
        log.info("%d files may be transcripts; --transcripts true takes them as texts", len(beside.files))
    elif transcripts:
        texts = beside.read()
        log.info("%d of %d recordings have a transcript, in %d files", len(texts), len(ids), len(beside.files))
        used = set(beside.files)
        found.left_out = [one for one in files.left_out if one[0] not in used]
        add_texts(found, {ids[path][0]: text for path, text in texts.items()})
    return found


def add_texts(found: Found, texts: Table) -> None:
    """Have the texts of all utterances in `text`, or those of some, where there are words, in SOME_TEXTS."""
    whole = len(texts) == len(found.utterances)
    if texts:
        found.tables["text" if whole else SOME_TEXTS] = {key: text for key, text in texts.items() if text or whole}


def of_manifest(manifest: Path, speaker_folder: int) -> Found:
    """The entries of a manifest; one that says what an earlier one has said is left out."""
    entries, repeated = first_entries(manifest)
    named = name_entries(entries, manifest, speaker_folder)
    refuse_same(((name, f"{manifest}:{one.line}") for one, (name, _) in zip(entries, named, strict=True)), "rename one")
    found = Found([], left_out=repeated)
    texts = {}
    for one, (name, speaker) in zip(entries, named, strict=True):
        end = None if one.offset is None or one.duration is None else one.offset + one.duration
        found.utterances.append(_utterance(name, speaker, one.path.absolute(), one.offset, end))
        if one.text is not None:
            texts[name] = one.text
        if one.duration is not None:
            found.told[name] = one.duration
    if any(one.offset is not None for one in entries):
        by_path = name_entries([type(one)(one.path) for one in entries], manifest, speaker_folder)
        found.recording_ids = {one.path.absolute(): name for one, (name, _) in zip(entries, by_path, strict=True)}
    add_texts(found, texts)
    return found


def first_entries(manifest: Path) -> tuple[list[ManifestEntry], list[tuple[Path, str]]]:
    """The entries of a manifest, and those that repeat an earlier one, with the reason why they are left out."""
    entries, repeated, seen = [], [], {}
    for one in read_manifest(manifest):
        meant = (one.path.absolute(), one.offset, one.duration if one.offset is not None else None)
        first = seen.setdefault(meant, one)
        if first is one:
            entries.append(one)
            continue
        if one.text not in (None, first.text):
            raise InputError(
                f"{manifest}:{one.line}: the recording of line {first.line}, with another text; keep one of the two"
            )
        repeated.append((one.path, f"line {one.line}: the same recording, and part of it, as a line before"))
    if repeated:
        log.warning("%s: %d entries repeat others, and are left out (left_out.tsv)", manifest, len(repeated))
    return entries, repeated


def of_data_dir(directory: Path) -> Found:
    """The utterances of a data directory, and its tables but those of features."""
    data = DataDir(directory)
    tables = {name: table for name, table in data.tables().items() if name not in NOT_KEPT}
    recordings = {}
    if "segments" in tables:
        recordings = {Path(text).absolute(): key for key, text in tables["wav.scp"].items()}
    own = {name: table for name, table in tables.items() if name not in ("wav.scp", "segments", "utt2spk")}
    untold = data.utt2spk.keys() - own.get("text", data.utt2spk).keys()
    if untold:
        log.warning("%s: no text of %d utterances; the others go into %s", directory / "text", len(untold), SOME_TEXTS)
        own[SOME_TEXTS] = {key: text for key, text in own.pop("text").items() if text} | own.get(SOME_TEXTS, {})
    return Found(read_data_dir(directory), recordings, own)


def _utterance(name: str, speaker: str, path: Path, begin: float | None = None, end: float | None = None) -> Utterance:
    return Utterance(name, path, begin, end, "", speaker, name)


def write_tables(directory: Path, found: Found, good: Iterable[Measured]) -> dict[str, Table]:
    """Write the data directory, with empty tables where there is nothing. Returns its tables."""
    tables: dict[str, Table] = {"utt2spk": {}, "utt2dur": {}, "wav.scp": {}}
    for one in good:
        utterance = one.utterance
        tables["utt2spk"][utterance.id] = utterance.speaker
        tables["utt2dur"][utterance.id] = f"{one.outcome.seconds:.3f}"
        recording = found.recording_ids.get(utterance.path.absolute(), utterance.id)
        tables["wav.scp"][recording] = str(utterance.path.absolute())
        if found.recording_ids:
            begin = utterance.begin or 0.0
            channel = "" if utterance.channel is None else f" {utterance.channel}"
            line = f"{recording} {begin:.4f} {begin + one.outcome.seconds:.4f}{channel}"
            tables.setdefault("segments", {})[utterance.id] = line
    if not tables["utt2spk"]:
        for name in (*tables, "spk2utt"):
            (directory / name).touch()
        return tables
    kept = restrict(found.tables | {"utt2spk": tables["utt2spk"]}, tables["utt2spk"])
    tables = {name: table for name, table in (kept | tables).items() if table}
    write_data_dir(directory, tables)
    return tables


def compare_durations(told: Mapping[str, float], good: Sequence[Measured]) -> None:
    """Warn where a manifest tells other durations than the audio has."""
    both = [(one.utterance.id, told.get(one.utterance.id, one.outcome.seconds), one.outcome.seconds) for one in good]
    wrong = [one for one in both if abs(one[1] - one[2]) > DIFFERENCE]
    if wrong:
        log.warning(
            "%d entries tell another duration than the audio has, such as %s: %g s, found %g s; without an offset a"
            " recording is taken whole",
            *(len(wrong), *wrong[0]),
        )


def write_copies(path: Path, good: Iterable[Measured]) -> None:
    """Write the groups of recordings that have the same bytes, where there are any."""
    files = {one.utterance.id: one.utterance.path for one in good if one.utterance.begin is None}
    groups = find_copies({key: file for key, file in files.items() if not is_row(file)})
    if groups:
        path.write_text("".join("\t".join(row) + "\n" for row in groups), encoding="utf-8")
        log.warning("%d recordings have copies under other names (%s)", len(groups), path.name)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
