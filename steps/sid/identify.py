"""Name the speaker of recordings: the training speakers that a model finds likeliest, with their probabilities.

    python3 -m steps.sid.identify --model exp/mamba2 --audio new.wav
    python3 -m steps.sid.identify --model exp/mamba2 --audio one.flac,two.mp3,recordings --top 3 --format tsv

Takes files of audio of any rate and any number of channels, and directories of them. Prints for each file the `top`
speakers: as text, as a table with a header (tsv), or as a JSON object a line (json). The answer is always one of the
speakers of the training: a voice that was not among them gets the name of one that the model takes it for.
Files that cannot be used, such as silent ones, are named at the end with the reason; the exit status is then 1.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from utils.command import logger, run_command
from utils.errors import InputError
from utils.json_files import json_text
from utils.options import option

if TYPE_CHECKING:
    import numpy as np

    from steps.features.waveform_embedder import WaveformEmbedder

log = logger(__name__)
FORMATS = ("text", "tsv", "json")
NOTE = "The answer is always one of the {} speakers of the training, also for a voice that was not among them."


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    model: Path = option(help="directory of a trained network, with model.json and weights.safetensors")
    audio: tuple[Path, ...] = option(help="files, or directories of them")
    top: int = option(5, "speakers that are shown for each file", least=1, most=10**6)
    format: str = option("text", "of the output", choices=FORMATS)
    min_seconds: float = option(0.3, "shorter recordings are refused", least=0, most=3600)
    window_seconds: float = option(
        20.0, "longer ones are cut into equal windows, whose embeddings are averaged", least=0.1, most=3600
    )
    use_gpu: str = option("auto", "compute on a GPU; auto: where there is one", choices=("auto", "true", "false"))


class Answer(NamedTuple):
    """The speakers of one recording: its file and seconds, and (speaker, probability), the likeliest first."""

    path: Path
    seconds: float
    speakers: list[tuple[str, float]]


def work(options: Options) -> None:
    """Print an answer for each recording."""
    paths = _files(options.audio)
    from steps.audio.containers import AudioProblem
    from steps.features.waveform_embedder import WaveformEmbedder
    from steps.training.workplace import find_device

    embedder = WaveformEmbedder(options.model, find_device(options.use_gpu, 1), options.window_seconds)
    if options.format == "tsv":
        print("file\tseconds\trank\tspeaker\tprobability")
    problems = []
    for path in paths:
        try:
            print("\n".join(_lines(answer(embedder, path, options), options.format)))
        except AudioProblem as problem:
            problems.append(problem)
    if options.format == "text" and len(problems) < len(paths):
        print(NOTE.format(len(embedder.model.speakers)))
    if problems:
        raise InputError(f"{len(problems)} of {len(paths)} files cannot be used: {'; '.join(map(str, problems))}")


def _files(given: tuple[Path, ...]) -> list[Path]:
    """The files, in the order in which they are given; those of a directory sorted."""
    from steps.audio.audio_files import USUAL_SUFFIXES, find_audio

    files: list[Path] = []
    for path in given:
        found = find_audio(path).found if path.is_dir() else [path]
        if not found:
            raise InputError(f"--audio {path}: no files of audio ({USUAL_SUFFIXES} and others) in this directory")
        files += found
    if not files:
        raise InputError("--audio: expected a file, or several with commas between them")
    return files


def answer(embedder: "WaveformEmbedder", path: Path, options: Options) -> Answer:
    """The likeliest speakers of a recording. Raises AudioProblem where it cannot be used."""
    import numpy as np

    from steps.audio.containers import AudioProblem
    from steps.audio.read import load
    from steps.audio.recordings import Utterance

    audio = load(Utterance(str(path), path, None, None, "", "", path.name), embedder.sample_rate, options.min_seconds)
    if audio.faults:
        log.warning("%s: %s; named in spite of it", path, ", ".join(audio.faults))
    try:
        windows = embedder.windows([audio.waveform])
    except AudioProblem as problem:
        raise AudioProblem(problem.reason, f"{path}: {problem.detail}") from problem
    probabilities = embedder.probabilities(embedder.forward(windows))[0]  # (S,)
    if not np.isfinite(probabilities).all():
        raise AudioProblem("not_finite", f"{path}: the network gives no finite numbers")
    return Answer(path, len(audio.waveform) / embedder.sample_rate, _best(probabilities, embedder, options.top))


def _best(probabilities: "np.ndarray", embedder: "WaveformEmbedder", top: int) -> list[tuple[str, float]]:
    order = (-probabilities).argsort(kind="stable")[:top]
    return [(embedder.model.speakers[number], float(probabilities[number])) for number in order]


def _lines(one: Answer, format: str) -> Iterator[str]:
    """The lines of an answer."""
    if format == "json":
        speakers = [{"speaker": name, "probability": round(share, 6)} for name, share in one.speakers]
        yield json_text({"file": str(one.path), "seconds": round(one.seconds, 3), "speakers": speakers}, one.path)
        return
    if format == "tsv":
        for rank, (name, share) in enumerate(one.speakers, 1):
            yield f"{one.path}\t{one.seconds:.3f}\t{rank}\t{name}\t{share:.6f}"
        return
    yield f"{one.path}  {one.seconds:.2f} s"
    for rank, (name, share) in enumerate(one.speakers, 1):
        yield f"{rank:4}  {100 * share:5.1f} %  {name}"


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
