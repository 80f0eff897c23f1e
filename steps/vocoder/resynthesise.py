"""Speak unit sequences: a vocoder makes a wav file of each, in the folders that the recordings had.

Input: a directory of unit sequences, and that of a vocoder. Output, a data directory:

    wav/<folders>/<utterance>.wav      16 bits, one channel
    wav.scp utt2dur utt2spk spk2utt    and the other tables of the units that are still true, such as text

With --job N the utterances of this job's shards are spoken, without, the missing ones, and all are written.
"""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from steps.data.unit_sequences import OF_UNITS, UnitsDir
from steps.data.vector_table import VectorTable
from steps.vocoder.backends import GRIFFIN_LIM, VOCODERS, SpokenUnits
from steps.vocoder.wav_tree import wav_files
from utils.command import logger, run_command
from utils.data_dir import write_data_dir
from utils.errors import InputError, absence
from utils.options import option
from utils.part_jobs import Part, run_part_jobs
from utils.parts import Item, Work, read_part
from utils.registry import files_of, make_options
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE, path_in_script
from utils.shards import MOST_JOBS, SHARDS_HELP, shards_of
from utils.stage_dir import StageDir

log = logger(__name__)
FULL_SCALE = 32767  # of 16 bits
LOUDEST = 0.99  # a waveform that goes beyond is made softer as a whole
STALE = (
    *("segments", "wav.scp", "reco2dur", "feats.scp", "cmvn.scp", "vad.scp", "xvector.scp", "utt2dur"),
    *("utt2num_speech_frames", *OF_UNITS),
)


def component_options(values: dict[str, Any]) -> list[type]:
    """The dataclasses of options that `set` takes: of the vocoder."""
    return [VOCODERS.load(values["backend"]).Options]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.vocoder.resynthesise"

    units: Path = option(help="directory of unit sequences")
    model: Path = option(
        help="directory of the vocoder: of steps/vocoder/train.sh, or with config.json and a checkpoint"
    )
    out: Path = option(help="data directory to write")
    backend: str = option(GRIFFIN_LIM, "vocoder: griffin_lim, codehifigan, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the vocoder", inner=component_options)
    shard_units: int = option(2_000, "least units of a shard: what a killed job does again", least=1, most=10**9)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the end", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "speak again even if nothing has changed")


def work(options: Options) -> None:
    """Speak this job's share, or what is missing, and commit."""
    require_model(options.model)
    task = SpeakingTask(options)
    run_part_jobs(options, [options.units, options.model, *task.files()], task)


def require_model(model: Path) -> None:
    """Raise InputError where there is no directory of a vocoder."""
    if not model.is_dir():
        raise InputError(f"--model {model}: {absence(model, 'directory')}; expected that of a vocoder")


class SpeakingTask:
    """The work; items are utterances."""

    def __init__(self, options: Options):
        self.options, self.units = options, UnitsDir(options.units)
        self.cls = VOCODERS.load(options.backend)
        self.own = make_options(self.cls.Options, changes=dict(options.set), where=f"--backend {options.backend}")

    def files(self) -> list[Path]:
        """The files that the vocoder's options name, and the archives of script files among them: other speakers who
        are sampled have the same lines.
        """
        named = list(files_of(self.own).values())
        scripts = [path for path in named if path.suffix == ".scp" and path.is_file()]
        return named + [archive for script in scripts for archive in VectorTable.locate(script).archives]

    def items(self) -> list[Item]:
        """All utterances. Raises InputError where the vocoder cannot speak them."""
        self.vocoder()
        files = wav_files(self.options.units, self.units.utterances)
        shards = shards_of([self.units.num_units[key] for key in files], self.options.shard_units)
        return [Item(key, shard, str(file)) for (key, file), shard in zip(files.items(), shards, strict=True)]

    def vocoder(self) -> Any:
        """The vocoder, which knows these units."""
        vocoder = self.cls(self.options.model, self.own)
        vocoder.check(self.units.info, str(self.options.units))
        return vocoder

    def prepare(self) -> Callable[[list[Item]], Part]:
        """What speaks utterances."""
        from threadpoolctl import threadpool_limits

        vocoder = self.vocoder()

        def make(items: list[Item]) -> Part:
            waveforms = []
            with threadpool_limits(1):  # jobs share the processors
                for item in items:
                    units, durations = self.units.read(item.id)
                    waveforms.append(vocoder(SpokenUnits(item.id, self.units.utt2spk[item.id], units, durations)))
            self.units.release()
            rows = [[len(one), vocoder.sample_rate] for one in waveforms]
            return rows, {"samples": np.concatenate([as_16_bits(one) for one in waveforms])}

        return make

    def join(self, stage: StageDir, planned: Work) -> None:
        """Write the files and the tables."""
        import soundfile

        wav, seconds = {}, {}
        for shard, items in planned.shards(range(planned.n_shards)):
            rows, arrays = read_part(planned.part(shard))
            begin = 0
            for item, (n, rate) in zip(items, rows, strict=True):
                buffer = io.BytesIO()
                soundfile.write(buffer, arrays["samples"][begin : begin + n], rate, subtype="PCM_16", format="WAV")
                begin += n
                file = stage.dir / item.content
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(buffer.getbuffer())
                wav[item.id], seconds[item.id] = path_in_script(stage.final / item.content), n / rate
        tables = {name: table for name, table in self.units.data.tables().items() if name not in STALE}
        tables |= {"wav.scp": wav, "utt2dur": {key: f"{one:.3f}" for key, one in seconds.items()}}
        write_data_dir(stage.dir, {name: table for name, table in tables.items() if table})
        log.info("%s: %d utterances, %.2f hours", stage.final, len(wav), sum(seconds.values()) / 3600)

    def check(self) -> None:
        """Outputs that are up to date are good."""


def as_16_bits(waveform: np.ndarray) -> np.ndarray:
    """A waveform (samples,) as int16; softer as a whole where it would be clipped."""
    peak = float(np.abs(waveform).max(initial=0))
    gain = min(1.0, LOUDEST / peak) if peak else 1.0
    return np.rint(waveform * (gain * FULL_SCALE)).astype(np.int16)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
