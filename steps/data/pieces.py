"""Pieces of utterances for train, dev and test: each utterance is cut from its begin on, a piece after another.

`segments` names the pieces, so that no audio is written. What belongs to a whole utterance alone (transcripts, vectors,
frames) does not pass to its pieces.
"""

from collections.abc import Iterable, Mapping, Sequence

from steps.data.split_plans import SplitPlan
from utils.errors import InputError, brief
from utils.table_values import parse_segment

CENTISECOND = 100  # the times in ids are hundredths of a second, as in Kaldi's recipes
OF_WHOLE = ("text", "feats.scp", "vad.scp", "xvector.scp", "utt2num_frames", "utt2dur", "utt2uniq", "utt2group")
Tables = dict[str, dict[str, str]]


def utterance_seconds(tables: Mapping[str, Mapping[str, str]]) -> dict[str, float]:
    """Utterance -> seconds, of utt2dur or else of segments, for those that these tell."""
    if "utt2dur" in tables:
        return {utterance: _seconds(utterance, text) for utterance, text in tables["utt2dur"].items()}
    spans = {key: parse_segment(line) for key, line in tables.get("segments", {}).items()}
    return {key: span.end - span.begin for key, span in spans.items() if span is not None and span.end is not None}


def _seconds(utterance: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"utt2dur: {utterance}: expected seconds, found {brief(text)}") from error


def cut_pieces(
    tables: Mapping[str, Mapping[str, str]],
    seconds: Mapping[str, float],
    utterances: Iterable[str],
    piece_seconds: float,
    names: Sequence[str],
) -> tuple[Tables, SplitPlan]:
    """Cut utterances into as many pieces as there are names of sets, each for its set.

    Args:
        tables: of the whole, file name -> key -> value. seconds: of each utterance.
    Returns:
        The tables of the pieces, and the set of each piece; an utterance that is too short has no pieces, and a speaker
        who has only such ones cannot be split.
    """
    whole, needed = tables.get("segments", {}), piece_seconds * len(names)
    spans: dict[str, tuple[str, str]] = {}  # piece -> its utterance, its line of segments
    plan, short, heard = SplitPlan(), 0, set()
    for utterance in sorted(utterances):
        if utterance not in seconds:
            raise InputError(f"{utterance}: neither utt2dur nor segments tell how long it is; write utt2dur")
        if seconds[utterance] < needed - 0.5 / CENTISECOND:
            short += 1
            continue
        recording, begin, channel = _start(utterance, whole)
        heard.add(tables["utt2spk"][utterance])
        for number, name in enumerate(names):
            first, last = number * piece_seconds, (number + 1) * piece_seconds
            piece = f"{utterance}-{round(first * CENTISECOND):07d}-{round(last * CENTISECOND):07d}"
            spans[piece] = utterance, f"{recording} {begin + first:.2f} {begin + last:.2f}{channel}"
            plan.sets[piece] = name
    everybody = {tables["utt2spk"][utterance] for utterance in utterances}
    plan.unsplit = {speaker: f"no utterance of {needed:g} s" for speaker in sorted(everybody - heard)}
    if short:
        plan.notes.append(
            f"{short} utterances are shorter than {len(names)} pieces of {piece_seconds:g} s, and not used"
        )
    return _tables_of_pieces(tables, spans, piece_seconds), plan


def _start(utterance: str, segments: Mapping[str, str]) -> tuple[str, float, str]:
    """Recording, begin in seconds, and " channel" if there is one."""
    if not segments:
        return utterance, 0.0, ""
    segment = parse_segment(segments[utterance])
    return segment.recording, segment.begin, "" if segment.channel is None else f" {segment.channel}"


def _tables_of_pieces(
    tables: Mapping[str, Mapping[str, str]], spans: Mapping[str, tuple[str, str]], piece_seconds: float
) -> Tables:
    kept: Tables = {}
    for name, table in tables.items():
        if name.startswith("utt2") and name not in OF_WHOLE:
            kept[name] = {piece: table[utterance] for piece, (utterance, _) in spans.items() if utterance in table}
        elif name not in OF_WHOLE:
            kept[name] = dict(table)
    kept["segments"] = {piece: line for piece, (_, line) in spans.items()}
    kept["utt2dur"] = dict.fromkeys(spans, f"{piece_seconds:.2f}")
    return kept
