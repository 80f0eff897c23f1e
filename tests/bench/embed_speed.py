"""Speed and memory of the extraction of embeddings, on processors; with --device cuda its speed on a GPU.

On processors each back-end runs in one job and in two, by turns with a loop over files that gives the same network one
file at a time. Networks without weights of their own have random ones. Input: a directory with audio files at 16 kHz.
Writes a section of RESULTS.md.
"""

import os
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_device, require_one_thread, spread
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option

if TYPE_CHECKING:
    from tests.bench.embed_race import Race

log = logger(__name__)

TITLE = "Extraction speed"
DATA = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere")) / "librispeech-251"
RANDOM = (("random_seed", "1"),)
BACKENDS = ("resemblyzer", "xvector", "onnx", "eres2netv2", "sid")
ROOFLINE = (
    "back-end", "GFLOP a second of audio", "SGEMM, GFLOP/s", "layers, GFLOP/s", "to SGEMM", "network, GFLOP/s",
    "to SGEMM", "2 jobs to loop, 2 threads", "limit",
)  # fmt: skip
GOALS = {"loop, 1 thread": ">= 1.5", "loop, 2 threads": ">= 1.3"}


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    device: str = option("cpu", "cuda: a section of its own, in a minute or so", choices=("cpu", "cuda"))
    audio: Path | None = option(None, "directory with flac files; default: librispeech-251 of PSEUDOSPEAKERS_DATA")
    backends: tuple[str, ...] = option(BACKENDS, "what is measured")
    files: tuple[int, ...] = option((120, 60, 60, 8, 60), "how many files each of them has")
    rounds: int = option(3, "how often each is timed", least=1)
    hours: float = option(8.0, "cuda: audio that each back-end embeds", above=0, most=1000)
    utterances: tuple[int, ...] = option((1000, 10000, 100000), "sizes of the corpora whose memory is measured")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    folder = options.audio or DATA
    paths = sorted(folder.rglob("*.flac"))
    if not paths:
        raise InputError(f"{folder}: no flac files; set PSEUDOSPEAKERS_DATA, or give --audio")
    (on_gpu if options.device == "cuda" else on_processor)(options, paths)


def on_gpu(options: Options, paths: list[Path]) -> None:
    """Measure and record what a GPU does with the back-ends that have a target there."""
    import torch

    from tests.bench.embed_gpu import TARGETS, measure, report

    require_device(options.device)
    measured = {}
    with tempfile.TemporaryDirectory() as directory:
        for backend in (name for name in TARGETS if name in options.backends):
            chosen = () if backend == "resemblyzer" else RANDOM
            measured[backend] = measure(
                backend, paths, options.hours, Path(directory) / backend, options.device, chosen
            )
            log.info("%s: %s", backend, measured[backend])
    body = f"{torch.cuda.get_device_name(0)}.\n\n{report(measured)}"
    record(options.results, "Extraction on a GPU", command_line("tests.bench.embed_speed", options), body)


def on_processor(options: Options, paths: list[Path]) -> None:
    """Measure and record what processors do."""
    require_one_thread()
    import soundfile

    from tests.bench.embed_memory import SECONDS, measure
    from tests.bench.embed_race import JOBS, LOOPS, SPARSE, race
    from tests.bench.embed_roofline import SIZE

    if len(options.files) != len(options.backends) or min(options.files) <= SPARSE // 2:
        raise InputError(f"--files: expected a number for each of --backends, {SPARSE // 2 + 1} or more")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        races = {
            backend: race(setting(backend, paths[:n], directory / backend), options.rounds)
            for backend, n in zip(options.backends, options.files, strict=True)
        }
        recordings = [(path, soundfile.info(path).duration) for path in paths]
        memory = {n: measure(recordings, n, directory) for n in options.utterances}
    parts = [
        "Times real time of each stage by itself, on one thread:",
        table(("back-end", "audio, s", "decode", "features", "network", "write"), map(stage_row, races.items())),
        "Times real time of reading, features, network and writing together, median and range; start-up, plan and merge"
        " are left out, shards are small, so that two jobs share few files evenly, and a job keeps to one core. The"
        " loop reads a file with soundfile and gives the network that file alone: networks in torch as they are"
        " published, on features of kaldi_native_fbank; the network has one thread, or two (then every fourth file is"
        " taken), the rest has one. `our network` is the same loop with this project's features and network.",
        table(
            ("back-end", *LOOPS, *JOBS, "2 jobs to 1", *(f"2 jobs to {loop}" for loop in LOOPS)),
            map(speed_row, races.items()),
        ),
        "How near the networks are to what a core can do: the convolutions, affine layers and LSTMs of a network, in"
        f" the batches of one job, beside products of matrices of {SIZE} rows (SGEMM) between these batches, by"
        " processor time of one thread. `limit`: two jobs to the loop with two threads, if the layers were as fast as"
        " SGEMM on each core and nothing else took time in the network. The layers of a network in ONNX cannot be"
        " watched; it has the operations of xvector.",
        table(ROOFLINE, map(roofline_row, races.items())),
        *(package_line(race) for backend, race in races.items() if backend == "resemblyzer"),
        f"Memory at its peak, MB, and seconds, of the commands: segments of {SECONDS:g} s, and a network that does next"
        " to nothing. Ids and paths of all utterances are in memory while they are planned and merged; a job's"
        " memory does not grow.",
        table(
            ("utterances", *(f"{name}, {unit}" for name in ("plan", "extract", "merge") for unit in ("MB", "s"))),
            (memory_row(n, children) for n, children in memory.items()),
        ),
    ]
    record(options.results, TITLE, command_line("tests.bench.embed_speed", options), "\n\n".join(parts))


def setting(backend: str, paths: list[Path], directory: Path):
    """Options of an extraction of these files."""
    from steps.embed.extraction import Options as Extraction
    from tests.bench.embed_race import write_corpus

    data = write_corpus(paths, directory / "data")
    chosen: tuple[tuple[str, str], ...] = RANDOM
    if backend == "resemblyzer":
        chosen = ()
    elif backend == "onnx":
        chosen = (("model", str(exported(directory / "network.onnx"))),)
    elif backend == "sid":
        chosen = (("model", str(untrained(directory / "model"))),)
    return Extraction(data=data, out=directory / "out", backend=backend, set=chosen, shard_seconds=1.0)


def exported(path: Path) -> Path:
    """The x-vector network in ONNX."""
    import torch

    from steps.embed.backend import load_backend

    torch.manual_seed(1)
    network = load_backend("xvector", changes=dict(RANDOM)).build().eval()
    axes = {"feature": {0: "batch", 1: "frames"}, "embedding": {0: "batch"}}
    names = {"input_names": ["feature"], "output_names": ["embedding"], "dynamic_axes": axes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, torch.randn(1, 345, 80), path, dynamo=False, **names)
    return path


def untrained(directory: Path) -> Path:
    """A network of steps/sid with convolutions over time, of the usual sizes."""
    import torch

    from steps.features.logmel import LogMel
    from steps.features.types import describe_features
    from steps.networks.speaker_model import save_model
    from steps.networks.speaker_network import SpeakerNetwork
    from steps.networks.speaker_options import NetworkOptions

    directory.mkdir(parents=True)
    options, speakers, extractor = NetworkOptions(network="conv1d").resolved(), ["a", "b"], LogMel()
    torch.manual_seed(1)
    network = SpeakerNetwork(options, extractor.dim, len(speakers))
    save_model(directory, network, options, speakers, describe_features("logmel", extractor, extractor.sample_rate))
    return directory


def stage_row(named: "tuple[str, Race]") -> list[str]:
    """Back-end, seconds of audio, times real time of each stage."""
    from tests.bench.embed_race import STAGES

    name, race = named
    return [name, f"{race.audio:.0f}", *(f"{race.audio / race.stages[stage]:,.0f}" for stage in STAGES)]


def speed_row(named: "tuple[str, Race]") -> list[str]:
    """Back-end, times real time, and ratios."""
    from tests.bench.embed_race import JOBS, LOOPS

    name, race = named
    gains = {loop: race.ratio("2 jobs", loop) for loop in LOOPS}
    return [
        name,
        *(spread(race.speeds[who], digits=0) for who in (*LOOPS, *JOBS)),
        spread(race.ratio("2 jobs", "1 job"), digits=2),
        *(with_goal(gain, GOALS.get(loop)) for loop, gain in gains.items()),
    ]


def with_goal(gain: np.ndarray, goal: str | None) -> str:
    """A ratio, and whether it is as it should be."""
    return spread(gain, digits=2) + (f", {target(float(np.median(gain)), goal)}" if goal else "")


def roofline_row(named: "tuple[str, Race]") -> list[str]:
    """Speeds of the layers, of the network, and of products of matrices; the ratio that is reached, and its limit."""
    name, race = named
    found = race.roofline
    speeds = [found.flop / seconds if seconds else 0 for seconds in (found.layers, found.network)]
    beside = [cell for v in speeds for cell in ((f"{v / 1e9:.0f}", f"{v / found.peak:.2f}") if v else ("", ""))]
    reached, limit = float(np.median(race.ratio("2 jobs", "loop, 2 threads"))), race.limit("loop, 2 threads")
    of_audio = f"{found.flop / found.audio / 1e9:.2f}"
    return [name, of_audio, f"{found.peak / 1e9:.0f}", *beside, f"{reached:.2f}", f"{limit:.2f}"]


def package_line(race: "Race") -> str:
    """Resemblyzer against the loop that its package suggests."""
    from tests.bench.embed_race import PACKAGE

    speed, gains = race.speeds[PACKAGE], {n: race.ratio(n, PACKAGE) for n in ("1 job", "2 jobs")}
    return (
        f"A loop over files with the Resemblyzer package's own functions, one thread: {spread(speed, digits=0)} times"
        f" real time; one job is {spread(gains['1 job'], digits=2)} times as fast, two are"
        f" {spread(gains['2 jobs'], digits=2)} times."
    )


def memory_row(n: int, children: dict) -> list[str]:
    """Utterances, then MB and seconds of each command."""
    return [f"{n:,}", *(f"{value:,.0f}" for child in children.values() for value in (child.megabytes, child.seconds))]


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
