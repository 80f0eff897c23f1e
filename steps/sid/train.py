"""Train a network that tells speakers apart, on the features of <feats>/train; dev decides which epoch is kept.

Writes a model (`steps.networks.speaker_model`) with its checkpoints, `metrics.jsonl` and `curve.png`, and in
`failures.tsv` the utterances that were left out. On USR1 or TERM it saves its state between two updates, and ends with
the status of `utils.run_again`; the same command goes on from that state, as it does after a kill.
"""

import multiprocessing
import shutil
import sys
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from steps.sid.options import SidOptions
from steps.training.workplace import Workplace, find_device
from utils.command import logger, run_command
from utils.option_values import as_dict
from utils.options import option
from utils.run_again import StopRequest
from utils.stage_dir import StageDir

log = logger(__name__)
FRAMES = "frames"  # directory of packed features while training lasts


@dataclass(frozen=True, kw_only=True)
class Options(SidOptions):
    """Options of the command."""

    feats: Path = option(help="exp/feats: its train and dev are read, and test if it is there")
    out: Path = option(help="directory of the model to write")
    use_gpu: str = option("auto", "train on a GPU", choices=("auto", "true", "false"))
    num_gpus: int = option(1, "processes that train together, a GPU each if there are GPUs", least=1, most=1024)
    force: bool = option(False, "train again even if nothing has changed")


def work(options: Options) -> None:
    """Train one model and commit its directory."""
    own = SidOptions(**{field.name: getattr(options, field.name) for field in fields(SidOptions)})
    inputs = [options.feats / "train", options.feats / "dev"]
    n = options.num_gpus
    with (
        StopRequest(multiprocessing.RawValue("b", 0) if n > 1 else None) as stop_requested,
        StageDir(options.out, as_dict(own), inputs, options.force, resume=True, command="steps.sid.train") as stage,
    ):
        if stage.done:
            return
        from steps.sid.sets import pack_sets, read_sets, write_left_out

        sets = read_sets(options.feats, own)
        write_left_out(sets, stage.dir)
        pack_sets(sets, own.frames_in, stage.dir / FRAMES)
        workplace = Workplace(stage.dir, find_device(options.use_gpu, n))
        fit = partial(fit_and_save, options.feats, own)
        if n == 1:
            fit(workplace._replace(stop_requested=stop_requested))
        else:
            from steps.training.torchrun import fit_in_processes

            fit_in_processes(n, fit, workplace, stop_requested.flag)
        shutil.rmtree(stage.dir / FRAMES)
        log.info("%s: trained", stage.final)


def fit_and_save(feats: Path, options: SidOptions, workplace: Workplace) -> None:
    """Train in this process, alone or as one of several; the first one saves the model."""
    from steps.networks.speaker_model import save_model
    from steps.sid.sets import open_sets, read_sets
    from steps.sid.task import SidTask
    from steps.training.loop import Loop

    sets = read_sets(feats, options)
    framed = open_sets(sets, options.frames_in, workplace.directory / FRAMES)
    network = Loop(SidTask(framed, options, workplace.device), options, workplace).run()
    if workplace.first:
        save_model(workplace.directory, network, network.options, sets[0].names, sets[0].feats.features)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
