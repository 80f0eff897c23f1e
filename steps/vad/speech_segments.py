"""A data directory of the stretches of speech in a corpus: wav.scp, segments, utt2spk, spk2utt, spk2gender.

The id of a segment is that of its utterance, and its begin and end there in hundredths of a second.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from steps.audio.recordings import Utterance
from steps.audio.segments import CENTISECOND
from utils.data_dir import write_data_dir
from utils.script_files import path_in_script

Stretch = tuple[float, float]  # begin and end in seconds


def write_segments(
    directory: Path,
    final: Path,
    utterances: Mapping[str, Utterance],
    stretches: Mapping[str, Sequence[Stretch]],
    tables: Mapping[str, Mapping[str, str]],
) -> None:
    """Write the data directory; nothing where there is no speech.

    Args:
        directory, final: where it is written, and where it will lie. utterances, stretches: both by utterance.
        tables: of the utterances' own data directory.
    """
    cut: dict[str, dict[str, str]] = {"utt2spk": {}, "segments": {}, "wav.scp": {}}
    for key, utterance in utterances.items():
        recording = tables["segments"][key].split()[0] if "segments" in tables else key
        for begin, end in stretches[key]:
            name = f"{key}-{round(begin * CENTISECOND):07d}-{round(end * CENTISECOND):07d}"
            first = utterance.begin or 0.0
            channel = "" if utterance.channel is None else f" {utterance.channel}"
            cut["segments"][name] = f"{recording} {first + begin:.4f} {first + end:.4f}{channel}"
            cut["utt2spk"][name] = utterance.speaker
            cut["wav.scp"][recording] = path_in_script(utterance.path, final)
    if "spk2gender" in tables:
        speakers = set(cut["utt2spk"].values())
        cut["spk2gender"] = {key: value for key, value in tables["spk2gender"].items() if key in speakers}
    if cut["segments"]:
        write_data_dir(directory, cut)
