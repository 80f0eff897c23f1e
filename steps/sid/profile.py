"""Measure memory and time of networks: training steps and inference, against the length and the size of a batch.

    python3 -m steps.sid.profile --out exp/profile --conf_dir conf
    python3 -m steps.sid.profile --out exp/35s --models mamba2 --lengths 3500 --batches 8 --modes train \\
        --set width=512,layers=3,stride=1,recompute=true

Each measurement has a process of its own. On a processor its memory is the peak of the resident set above that of the
same process before the network was built; on a GPU the peak of torch's allocator. A training step is forward, backward
and AdamW; inference keeps no gradients. Features are noise. A measurement that runs out of memory is a row that
says so. Writes profile.tsv, profile.json, profile.md and profile.png.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

from steps.networks.speaker_options import NETWORKS, NetworkOptions
from steps.sid.options import SidOptions
from steps.sid.workload import DONE, MODES, Workload, in_own_process
from steps.training.options import PRECISIONS
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import option
from utils.registry import make_options
from utils.settings import read_conf
from utils.stage_dir import StageDir

log = logger(__name__)
MODELS = ("conv1d", "conv2d", "transformer", "mamba1", "mamba2", "bimamba2")
MEMORY_NOW = Path("/proc/meminfo")
GIB = 1 << 30


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.sid.profile"
    REPLACED: ClassVar[dict[str, str]] = {"bf16": "precision=bf16"}
    out: Path = option(help="directory to write")
    models: tuple[str, ...] = option(MODELS, "names of networks, or of files <name>.yaml in conf_dir")
    conf_dir: Path | None = option(None, "directory of <model>.yaml with options of training; without: the defaults")
    set: tuple[tuple[str, Any], ...] = option(
        (), "options of all networks, such as preset=original", inner=lambda values: [NetworkOptions]
    )
    lengths: tuple[int, ...] = option((100, 400), "frames of an utterance, 100 a second", least=1, most=10**6)
    batches: tuple[int, ...] = option((1, 4), "utterances of a batch", least=1, most=10**5)
    modes: tuple[str, ...] = option(MODES, "train | infer", choices=MODES)
    runs: int = option(2, "of each measurement; the fastest counts", least=1, most=1000)
    bins: int = option(80, "of a frame", least=1, most=65_536)
    speakers: int = option(251, "of the training", least=1, most=10**7)
    threads: int = option(1, "of torch, on a processor", least=1, most=1024)
    precision: str = option("auto", "of matrix products; auto: tf32 on a GPU, fp32 on a processor", choices=PRECISIONS)
    most_gb: float | None = option(
        None, "memory of a measurement on a processor; default: what is free now", above=0, most=10**6
    )
    use_gpu: str = option("auto", "measure on a GPU; auto: where there is one", choices=("auto", "true", "false"))
    force: bool = option(False, "measure again even if nothing has changed")


def work(options: Options) -> None:
    """Measure, and commit the directory."""
    for name in ("models", "lengths", "batches", "modes"):
        values = getattr(options, name)
        if not values or len(set(values)) < len(values):
            raise InputError(f"--{name}: expected one value or more, each once, found {values}")
    networks = {model: network_options(model, options) for model in options.models}
    inputs = [options.conf_dir / f"{model}.yaml" for model in options.models] if options.conf_dir else []
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from steps.sid.profile_pages import write_profile

        rows = list(measured_rows(networks, options))
        write_profile(stage.dir, rows, options)
        lost = sum(row["state"] != DONE for row in rows)
        log.info("%s: %d measurements%s", stage.final, len(rows), f", {lost} of them out of memory" if lost else "")


def network_options(model: str, options: Options) -> NetworkOptions:
    """The options of one network: its file, overridden by `set`. Other options of the file are those of training."""
    if options.conf_dir is None and model not in NETWORKS:
        raise InputError(f"--models: {model}: expected one of {', '.join(NETWORKS)}, or a --conf_dir with {model}.yaml")
    own = {"network": model}
    if options.conf_dir is not None:
        own = read_conf(SidOptions, options.conf_dir / f"{model}.yaml")
        own = {key: value for key, value in own.items() if key in NetworkOptions.__dataclass_fields__}
    return make_options(NetworkOptions, changes=own | dict(options.set))


def measured_rows(networks: dict[str, NetworkOptions], options: Options) -> Iterator[dict[str, Any]]:
    """A row for each network, mode, batch and length."""
    grid = list(product(networks.items(), options.modes, options.batches, options.lengths))
    limit = _most_bytes(options)
    for (model, own), mode, batch, frames in progress(grid, len(grid), "profile"):
        load = Workload(
            *(own, options.bins, options.speakers, mode, frames, batch),
            *(options.runs, options.threads, options.use_gpu, options.precision, limit),
        )
        yield {"model": model, "mode": mode, "batch": batch, "frames": frames} | in_own_process(load)


def _most_bytes(options: Options) -> int | None:
    """The memory of a measurement: that of the options, or what is free now, where the system tells."""
    if options.most_gb is not None:
        return round(options.most_gb * GIB)
    if not MEMORY_NOW.is_file():
        return None
    lines = dict(line.split(":", 1) for line in MEMORY_NOW.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
