"""Train a network on unit sequences; those of other speakers decide which epoch is kept.

    python3 -m steps.unit_lm.train --train exp/units_train --dev exp/units_dev --out exp/unit_lm/lstm

Writes a model (`steps.unit_lm.lm_files`) with its checkpoints, `metrics.jsonl` and `curve.png`. On USR1 or TERM it
saves its state between two updates, and ends with the status of `utils.run_again`; the same command goes on from that
state, as it does after a kill, and ends with the same bits.
"""

import multiprocessing
import sys
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import ClassVar

from steps.training.workplace import Workplace, find_device
from steps.unit_lm.network_options import UnitLmOptions
from utils.command import logger, run_command
from utils.option_values import as_dict
from utils.options import option
from utils.run_again import StopRequest
from utils.stage_dir import StageDir

log = logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options(UnitLmOptions):
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.unit_lm.train"
    train: Path = option(help="directory of unit sequences to learn from")
    dev: Path = option(help="directory of those that decide, of other speakers")
    out: Path = option(help="directory of the model to write")
    use_gpu: str = option("auto", "train on a GPU", choices=("auto", "true", "false"))
    num_gpus: int = option(1, "processes that train together, a GPU each if there are GPUs", least=1, most=1024)
    force: bool = option(False, "train again even if nothing has changed")


def work(options: Options) -> None:
    """Train one model and commit its directory."""
    own = UnitLmOptions(**{field.name: getattr(options, field.name) for field in fields(UnitLmOptions)})
    n, inputs = options.num_gpus, [options.train, options.dev]
    with (
        StopRequest(multiprocessing.RawValue("b", 0) if n > 1 else None) as stop_requested,
        StageDir(options.out, as_dict(own), inputs, options.force, resume=True, command=options.COMMAND) as stage,
    ):
        if stage.done:
            return
        workplace = Workplace(stage.dir, find_device(options.use_gpu, n))
        fit = partial(fit_and_save, options.train, options.dev, own)
        if n == 1:
            fit(workplace._replace(stop_requested=stop_requested))
        else:
            from steps.training.torchrun import fit_in_processes

            fit_in_processes(n, fit, workplace, stop_requested.flag)
        log.info("%s: trained", stage.final)


def fit_and_save(train: Path, dev: Path, options: UnitLmOptions, workplace: Workplace) -> None:
    """Train in this process, alone or as one of several; the first one saves the model."""
    from steps.training.loop import Loop
    from steps.unit_lm.durations import count_durations
    from steps.unit_lm.lm_files import LmDescription, network_sizes, save_network, write_durations
    from steps.unit_lm.sequences import UnitSequences, check_agreement
    from steps.unit_lm.task import UnitLmTask

    learned, deciding = (UnitSequences(path, options.of_frames) for path in (train, dev))
    check_agreement(learned, deciding)
    log.info("%d units of %d utterances", learned.lengths.sum(), len(learned))
    network = Loop(UnitLmTask(learned, deciding, options, workplace.device), options, workplace).run()
    if workplace.first:
        write_durations(workplace.directory, None if options.of_frames else count_durations(learned))
        description = LmDescription.of(options.network, learned.info, options.of_frames, network_sizes(options))
        save_network(workplace.directory, network, description)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
