"""Pack stretches of speech into pieces of at most 30 s: what recognisers and encoders take at a time.

Input: a data directory of speech, such as `speech` of `steps.vad`: stretches as `segments` of recordings; recordings
without segments are taken whole. Output: a data directory of pieces as `segments`, with `wav.scp`, `utt2spk`,
`spk2utt`, `utt2dur` and `manifest.jsonl`; failures.tsv and summary.json.

A piece has neighbours of one speaker with the pauses between them, as many as fit. What is longer than a piece is cut
where the energy is least, what is shorter than 0.11 s begins earlier. The id of a piece is that of its utterance, and
begin and end in hundredths of a second.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

from steps.audio.containers import AudioProblem
from steps.audio.failures import FAILURES, Failure, check_failures, write_failures
from steps.audio.lengths import audio_identity, read_lengths
from steps.audio.packing import TICKS, Span, energy_cuts, pack, widened
from steps.audio.read import load
from steps.audio.recordings import Utterance, read_data_dir
from steps.audio.segments import CENTISECOND
from utils.command import logger, run_command
from utils.data_dir import DataDir, write_data_dir
from utils.errors import InputError
from utils.json_files import write_json
from utils.manifest import write_stage_manifest
from utils.option_values import raw_values
from utils.options import option
from utils.script_files import path_in_script
from utils.stage_dir import StageDir

log = logger(__name__)
STRETCH = re.compile(r"(.+)-([0-9]{7,})-([0-9]{7,})")  # id of a stretch: utterance, begin and end
RATE = 16000  # Hz at which energies are measured


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.audio.pack"
    data: Path = option(help="data directory of speech: wav.scp, utt2spk, and segments")
    out: Path = option(help="data directory to write")
    longest: float = option(30.0, "s of a piece, never more", least=0.2, most=3600)
    most_pause: float = option(1.0, "s of a pause within a piece; a longer one ends it", least=0, most=3600)
    max_fail: float = option(0.01, "largest share of stretches that may fail", least=0, most=1)
    force: bool = option(False, "redo the stage even if it is up to date")


class SpeechSpan(NamedTuple):
    """A stretch of speech: where it is in its recording, and how long."""

    utterance: Utterance
    span: Span


@dataclass
class Pieces:
    """Tables of the pieces, and what was counted."""

    tables: dict[str, dict[str, str]] = field(
        default_factory=lambda: {name: {} for name in ("utt2spk", "segments", "utt2dur", "wav.scp")}
    )
    failures: list[Failure] = field(default_factory=list)
    n_cuts: int = 0


def work(options: Options) -> None:
    """Measure, pack and write."""
    data = DataDir(options.data)
    utterances = read_data_dir(options.data) if data.utt2spk else []
    settings = raw_values(options) | {"identity": audio_identity("", utterances)}
    with StageDir(options.out, settings, [options.data], options.force, command=options.COMMAND) as stage:
        if stage.done:
            return
        if not utterances:
            raise InputError(f"{options.data / 'utt2spk'}: empty; there is no speech to pack")
        recordings = recording_ids(data)
        pieces, n = Pieces(), len(utterances)
        by_voice = defaultdict(list)  # pieces have one speaker, on one channel
        for one in read_lengths(utterances, 0.0):
            if one.outcome.reason:
                pieces.failures.append((one.utterance.id, one.outcome.reason, one.outcome.detail))
            else:
                key = (utterance_of(one.utterance)[0], one.utterance.speaker, one.utterance.channel or 0)
                by_voice[key].append(stretch(one.utterance, one.outcome.seconds))
        for (key, *_), stretches in sorted(by_voice.items()):
            add_pieces(pieces, key, sorted(stretches, key=lambda one: one.span), options, recordings)
        check_failures(pieces.failures, n, options.max_fail, options.out)
        write_failures(stage.dir / FAILURES, pieces.failures)
        if data.has("spk2gender"):
            speakers = set(pieces.tables["utt2spk"].values())
            genders = data.table("spk2gender")
            pieces.tables["spk2gender"] = {key: genders[key] for key in sorted(speakers & genders.keys())}
        write_data_dir(stage.dir, pieces.tables)
        write_stage_manifest(stage)
        seconds = [float(text) for text in pieces.tables["utt2dur"].values()]
        summary = {"stretches": n, "pieces": len(seconds), "seconds": round(sum(seconds), 3), "cuts": pieces.n_cuts}
        summary |= {"longest": max(seconds), "failed": len(pieces.failures)}
        write_json(stage.dir / "summary.json", summary)
        log.info(
            "%s: %d pieces of %d stretches, %.2f hours, the longest of %.2f s; %d cuts without a pause",
            *(stage.final, len(seconds), n, sum(seconds) / 3600, max(seconds), pieces.n_cuts),
        )


def recording_ids(data: DataDir) -> dict[str, str]:
    """Utterance -> key of its recording in wav.scp."""
    if not data.has("segments"):
        return {key: key for key in data.utt2spk}
    return {key: line.split()[0] for key, line in data.table("segments").items()}


def utterance_of(one: Utterance) -> tuple[str, float]:
    """The id of the utterance that this is a stretch of, and where that begins in the recording (s).

    It is that of the stretch, less what its id says. Other than stretches, utterances are their own.
    """
    match, begin = STRETCH.fullmatch(one.id), one.begin or 0.0
    if match is None or one.begin is None:
        return one.id, begin
    return match[1], max(0.0, round(begin - int(match[2]) / CENTISECOND, 2))


def stretch(one: Utterance, seconds: float) -> SpeechSpan:
    """The stretch that an utterance is, of which so many seconds are in its recording."""
    begin = round((one.begin or 0.0) * TICKS)
    return SpeechSpan(one, (begin, max(begin + 1, int((one.begin or 0.0) * TICKS + seconds * TICKS + 1e-6))))


def add_pieces(
    pieces: Pieces, key: str, stretches: Sequence[SpeechSpan], options: Options, recordings: dict[str, str]
) -> None:
    """Add the pieces of one utterance.

    Args:
        key: of the utterance. stretches: of it, sorted. recordings: of the stretches, by id.
    """
    longest = int(options.longest * TICKS)

    def cuts(span: Span) -> list[int]:
        one = by_span[span]
        waveform = load(one.utterance, RATE).waveform
        found = [span[0] + cut for cut in energy_cuts(waveform, RATE, longest)]
        pieces.n_cuts += len(found)
        return found

    spans = []
    by_span = {one.span: one for one in stretches}
    for one in stretches:
        try:
            spans += pack([one.span], longest, 0, cuts)
        except AudioProblem as problem:
            pieces.failures.append((one.utterance.id, problem.reason, problem.detail))
    first = stretches[0]
    offset = utterance_of(first.utterance)[1]
    earliest = round(offset * TICKS)
    for span in pack(spans, longest, int(options.most_pause * TICKS), lambda span: []):
        begin, end = widened(span, earliest)
        earliest = end
        times = (round((tick / TICKS - offset) * CENTISECOND) for tick in (begin, end))
        name = "-".join([key, *(f"{time:07d}" for time in times)])
        recording = recordings[first.utterance.id]
        channel = "" if first.utterance.channel is None else f" {first.utterance.channel}"
        pieces.tables["segments"][name] = f"{recording} {begin / TICKS:.4f} {end / TICKS:.4f}{channel}"
        pieces.tables["utt2spk"][name] = first.utterance.speaker
        pieces.tables["utt2dur"][name] = f"{(end - begin) / TICKS:.4f}"
        pieces.tables["wav.scp"][recording] = path_in_script(first.utterance.path)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
