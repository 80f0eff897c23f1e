"""Write a data directory whose audio is perturbed: each utterance in another room, with noise, equaliser and gain.

Input: a data directory with wav.scp (and segments), or a tree of audio. Output, a data directory of the same utterances
and tables: audio/<number>/<utterance>.flac, 16 bits, one channel, at the rate of the recording; wav.scp, utt2dur;
failures.tsv, the utterances that could not be read. An utterance's sound follows from the seed and its id alone. A run
that was killed goes on with the utterances that are missing.
"""

import io
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import numpy as np

from steps.audio.containers import AudioProblem
from steps.audio.failures import FAILURES, check_failures, write_failures, write_left_out
from steps.audio.lengths import Outcome, audio_identity, left_out_rows, require_utterances
from steps.audio.perturbation import PerturbationOptions, check_perturbation, perturb, stream_of
from steps.audio.read import load, read_header
from steps.audio.recordings import Utterance, read_utterances
from utils.command import logger, progress, run_command
from utils.data_dir import DataDir, is_table, restrict, write_data_dir
from utils.durable import write_whole
from utils.errors import InputError
from utils.option_values import as_dict
from utils.options import MAX_SEED, option
from utils.registry import make_options
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE, path_in_script
from utils.stage_dir import StageDir, signature

log = logger(__name__)
FLAC, WAV = CONTAINERS = ("flac", "wav")
STALE = (
    *("segments", "reco2dur", "feats.scp", "cmvn.scp", "vad.scp", "xvector.scp"),
    *("utt2num_frames", "utt2num_speech_frames"),
)
PER_FOLDER = 1000  # files
FULL_SCALE = 32767  # of 16 bits
LONGEST_NAME = 200  # bytes of a file's name without its suffix


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.audio.perturb"
    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>")
    out: Path = option(help="data directory to write")
    set: tuple[tuple[str, Any], ...] = option(
        (), "what is done, and its ranges", inner=lambda values: [PerturbationOptions]
    )
    seed: int = option(0, "another seed gives other rooms and noises", least=0, most=MAX_SEED)
    container: str = option(FLAC, "of the files", choices=CONTAINERS)
    max_fail: float = option(0.01, "largest share of utterances that may fail", least=0, most=1)
    nj: int = option(1, "threads; the output does not depend on it", least=1, most=1024)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Perturb all utterances and commit the result."""
    chosen = make_options(PerturbationOptions, changes=dict(options.set))
    check_perturbation(chosen)
    utterances = read_utterances(options.data)
    require_utterances(utterances, options.data)
    with StageDir(
        options.out, settings_of(options, chosen, utterances), [], options.force, resume=True, command=Options.COMMAND
    ) as stage:
        if stage.done:
            return
        files = {one.id: file_of(number, one.id, options.container) for number, one in enumerate(utterances)}
        writer = Writer(stage.dir, options, chosen)
        with ThreadPoolExecutor(options.nj) as pool:
            outcomes = pool.map(lambda one: writer.write(one, files[one.id]), utterances)
            done = dict(zip(files, progress(outcomes, len(utterances), "utterances"), strict=True))
        failures = [(key, found.reason, found.detail) for key, found in done.items() if found.reason]
        check_failures(failures, len(done), options.max_fail, options.out)
        good = {key: found.seconds for key, found in done.items() if not found.reason}
        wav = {key: path_in_script(stage.final / files[key]) for key in good}
        write_data_dir(stage.dir, tables_of(options.data, utterances, good, wav))
        write_failures(stage.dir / FAILURES, failures)
        write_left_out(stage.dir, left_out_rows(options.data))
    log.info("%s: %d of %d utterances, %.2f hours", stage.final, len(good), len(done), sum(good.values()) / 3600)


def settings_of(options: Options, chosen: PerturbationOptions, utterances: Sequence[Utterance]) -> dict[str, Any]:
    """All that decides the result, as stored in its config.yaml."""
    own = {"seed": options.seed, "container": options.container, "perturbation": as_dict(chosen)}
    is_tree = not (options.data / "wav.scp").is_file()
    tables = [] if is_tree else sorted(path for path in options.data.iterdir() if is_table(path.name))
    identity = audio_identity(signature(own, tables), utterances)
    return {"identity": identity, "data": options.data, **own, "ark_paths": options.ark_paths}


def file_of(number: int, utterance: str, suffix: str) -> Path:
    """The file of an utterance below the data directory: with its id, as far as a file can have that name."""
    name = quote(utterance, safe="")
    name = name if len(name) <= LONGEST_NAME else f"utterance-{number}"
    return Path("audio") / f"{number // PER_FOLDER:04d}" / f"{name}.{suffix}"


class Writer:
    """What writes perturbed utterances below a directory; files that are there are kept."""

    def __init__(self, directory: Path, options: Options, chosen: PerturbationOptions):
        self.directory, self.options, self.chosen = directory, options, chosen

    def write(self, utterance: Utterance, file: Path) -> Outcome:
        """Write the file of an utterance, or say why not."""
        import soundfile

        path = self.directory / file
        if path.is_file():
            return Outcome(soundfile.info(path).duration)
        try:
            rate = read_header(utterance).sample_rate
            waveform = load(utterance, rate).waveform
        except AudioProblem as problem:
            return Outcome(reason=problem.reason, detail=problem.detail)
        changed = perturb(waveform, rate, stream_of(self.options.seed, utterance.id), self.chosen)
        samples = np.rint(changed * FULL_SCALE).astype(np.int16)  # here, as libsndfile rounds by the container
        buffer = io.BytesIO()
        try:
            soundfile.write(buffer, samples, rate, subtype="PCM_16", format=self.options.container)
        except soundfile.LibsndfileError as error:
            raise InputError(f"{utterance.path}: {rate} Hz: {error.error_string}; give --container {WAV}") from error
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, buffer.getbuffer())
        return Outcome(len(changed) / rate)


def tables_of(
    data: Path, utterances: Sequence[Utterance], seconds: dict[str, float], wav: dict[str, str]
) -> dict[str, dict[str, str]]:
    """All tables of the result but spk2utt: those of the data that are still true, wav.scp and utt2dur."""
    tables = {"utt2spk": {one.id: one.speaker for one in utterances if one.id in seconds}}
    if (data / "wav.scp").is_file():
        tables = restrict(DataDir(data).tables(), seconds)
    tables = {name: table for name, table in tables.items() if name not in STALE}
    return tables | {"wav.scp": wav, "utt2dur": {key: f"{value:.3f}" for key, value in seconds.items()}}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
