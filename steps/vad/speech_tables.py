"""Speech and pauses of each utterance as other tools read them: an RTTM file, and a table in csv.

An RTTM line is `SPEAKER <recording> 1 <begin> <seconds> <NA> <NA> speech <NA> <NA>`, times in the recording. The csv
has, of the stretches of speech and of what lies between and around them, the longest, the shortest and the mean, in
seconds; cells are empty where there is none. `spch-ratio` is the share of speech, `splits` the number of its stretches.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from steps.audio.failures import Failure, one_line
from steps.audio.recordings import Utterance, read_utterances
from steps.vad.speech_segments import Stretch

RTTM, CSV = "rttm", "vad.csv"
COLUMNS = (
    *("audio_filepath", "duration", "max-spoken", "min-spoken", "avg-spoken", "max-nospch", "min-nospch"),
    *("avg-nospch", "spch-ratio", "splits", "error"),
)


def write_rttm(
    path: Path,
    utterances: Mapping[str, Utterance],
    stretches: Mapping[str, Sequence[Stretch]],
    recordings: Mapping[str, str],
) -> None:
    """Write a line for each stretch of speech.

    Args:
        utterances, stretches: both by utterance. recordings: of the utterances that are segments, by utterance.
    """
    rows = []
    for key, utterance in utterances.items():
        first, channel = utterance.begin or 0.0, (utterance.channel or 0) + 1
        for begin, end in stretches[key]:
            rows.append((recordings.get(key, key), first + begin, end - begin, channel))
    with path.open("w", encoding="utf-8") as file:
        for name, begin, seconds, channel in sorted(rows):
            file.write(f"SPEAKER {name} {channel} {begin:.3f} {seconds:.3f} <NA> <NA> speech <NA> <NA>\n")


def write_csv(
    path: Path,
    utterances: Mapping[str, Utterance],
    seconds: Mapping[str, float],
    stretches: Mapping[str, Sequence[Stretch]],
    failures: Sequence[Failure],
    data: Path,
) -> None:
    """Write a row for each utterance, those that failed too, with the reason.

    Args:
        seconds, stretches: by utterance. data: that names the recordings of those that failed.
    """
    rows = {key: _row(one, seconds[key], stretches[key]) for key, one in utterances.items()}
    if failures:
        paths = {one.id: one.path for one in read_utterances(data)}
        empty = [""] * (len(COLUMNS) - 2)
        rows |= {
            key: [str(paths[key].absolute()), *empty, one_line(f"{reason}: {detail}")]
            for key, reason, detail in failures
        }
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *(rows[key] for key in sorted(rows))])


def _row(utterance: Utterance, seconds: float, stretches: Sequence[Stretch]) -> list[str]:
    spoken = [end - begin for begin, end in stretches]
    return [
        *(str(utterance.path.absolute()), f"{seconds:.3f}"),
        *(*_of_all(spoken), *_of_all(list(pauses(stretches, seconds)))),
        *(f"{sum(spoken) / seconds:.4f}", str(len(spoken)), ""),
    ]


def pauses(stretches: Iterable[Stretch], seconds: float) -> Iterator[float]:
    """The seconds of each stretch without speech, those at both ends of an utterance too."""
    before = 0.0
    for begin, end in chain(stretches, [(seconds, seconds)]):
        if begin > before:
            yield begin - before
        before = end


def _of_all(lengths: Sequence[float]) -> list[str]:
    """The longest, the shortest and the mean."""
    if not lengths:
        return ["", "", ""]
    return [f"{one:.3f}" for one in (max(lengths), min(lengths), sum(lengths) / len(lengths))]
