"""Training on a GPU: its speed in each precision, how busy the GPU is, exact resume, and dev NLL beside the CPU's.

Trains the plain mdn as it is shipped on generated embeddings, alone, interrupted inside an epoch, and on the CPU, and a
small task with dropout and noise. Writes a section of RESULTS.md, in less than a minute on a GPU.
"""

import dataclasses
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_device
from utils.command import run_command
from utils.options import option

if TYPE_CHECKING:
    from tests.bench.setting import Setting


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    device: str = option("cuda", "where to train; cpu is for a look at the benchmark itself", choices=("cuda", "cpu"))
    n: int = option(81000, "training embeddings of mdn, in 18 groups")
    dim: int = option(512, "D of the embeddings")
    n_texts: int = option(180, "texts, as many for each group")
    epochs: int = option(100, "of the training whose time is taken; it does not stop early")
    compared: int = option(4, "epochs of the trainings on the GPU and the CPU that are compared")
    seconds: float = option(1.0, "how long the updates of each precision are timed")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    import torch

    require_device(options.device)
    from tests.bench.generated import Corpus
    from tests.bench.setting import prepare

    with tempfile.TemporaryDirectory() as name:
        setting = prepare(Corpus(options.n, options.dim, options.n_texts), Path(name), options.device)
        rows = [*speed_rows(setting, options), *mdn_rows(setting, options)]
        rows += tiny_rows(Path(name), options.device)
    card = torch.cuda.get_device_name(0) if options.device == "cuda" else "no GPU"
    body = f"{card}, torch {torch.__version__}.\n\n{setting}\n\n" + table(("on a GPU", "measured", "target"), rows)
    record(options.results, "Training on a GPU", command_line("tests.bench.gpu_training", options), body)


def speed_rows(setting: "Setting", options: Options) -> list[tuple[str, str, str]]:
    """Updates in each precision, and a whole training."""
    from tests.bench.generated import GROUPS
    from tests.bench.gpu_updates import KINDS, Speed, WatchedLoop, trained

    rows = []
    speeds = {kind: Speed(setting, kind, options.seconds) for kind in KINDS}
    for kind, speed in speeds.items():
        rows.append((f"{kind}: an update, ms", f"{speed.milliseconds:.3f}", ""))
    for kind, speed in speeds.items():
        goal = target(speed.pairs, ">= 50000000") if kind == "tf32" else ""
        rows.append((f"{kind}: pairs/s in updates alone", f"{speed.pairs:,.0f}", goal))
    whole = trained(setting, "whole", epochs=options.epochs, patience=10**6, lr_patience=10**6)
    if setting.device == "cuda":  # the kernels of an epoch by a profiler, which slows the host: the time is without it
        busy = trained(setting, "watched", WatchedLoop, epochs=WatchedLoop.BEFORE + 5).busy
        share = busy / (whole.seconds(1) / (options.epochs - 1))
        rows.append(("the GPU is busy, share of the time of whole epochs", f"{share:.2f}", target(share, ">= 0.7")))
    pairs = len(setting.train.x) * options.n_texts // len(GROUPS)
    what = f"{options.epochs} epochs of {pairs:,} pairs, dev figures and checkpoints included, s"
    rows.append((what, f"{whole.seconds():.1f}", target(whole.seconds(), "< 15")))
    return rows


def tiny_rows(directory: Path, device: str) -> list[tuple[str, str, str]]:
    """A small network with dropout, batch norm and noise: interrupted in an epoch, in float32 and bf16."""
    from steps.training.loop import Loop
    from steps.training.workplace import Workplace
    from tests.steps.training.tiny import TinyOptions, TinyTask

    def train(name: str, options: TinyOptions, stop_at: int | None = None) -> tuple[dict, float]:
        """Weights and deciding figure; asked to stop before update `stop_at`, and then run again."""
        loops = []
        for asked in [stop_before(stop_at)] * (stop_at is not None) + [lambda: False]:
            workplace = Workplace(make(directory / name), device, asked)
            loops.append(Loop(moved(TinyTask(options), device), options, workplace))
            result = run_or_stop(loops[-1])
        return result, loops[-1].state.best

    options = TinyOptions(epochs=6)
    whole, loss = train("whole", options)
    resumed, _ = train("resumed", options, stop_at=6)
    half, half_loss = train("bf16", replace(options, precision="bf16"))
    half_resumed, _ = train("bf16 resumed", replace(options, precision="bf16"), stop_at=6)
    same = [equal(whole, resumed), equal(half, half_resumed)]
    return [
        ("dropout, batch norm, noise: interrupted and resumed, weights", said(same[0]), target(float(same[0]), ">= 1")),
        ("the same in bf16", said(same[1]), target(float(same[1]), ">= 1")),
        ("dev loss, float32 / bf16", f"{loss:.4f} / {half_loss:.4f}", ""),
    ]


def mdn_rows(setting: "Setting", options: Options) -> list[tuple[str, str, str]]:
    """mdn interrupted on the GPU; and its dev NLL in each precision beside that of the CPU, after as many epochs."""
    from tests.bench.gpu_updates import KINDS, curve, trained

    short = dataclasses.replace(setting, options=dataclasses.replace(setting.options, epochs=options.compared))
    whole = trained(short, "mdn")
    for update in (3, 15, None):
        resumed = short.loop("mdn resumed", stop_requested=stop_before(update))
        run_or_stop(resumed)
    same = equal(whole.network.state_dict(), resumed.network.state_dict())
    on_cpu = curve(trained(dataclasses.replace(short, device="cpu"), "mdn cpu"))
    rows = [("mdn: interrupted twice inside epochs and resumed, weights", said(same), target(float(same), ">= 1"))]
    for kind in KINDS:
        other = curve(trained(short, f"mdn {kind}", precision=kind))
        gap = max(abs(one - two) for one, two in zip(other, on_cpu, strict=True))
        goal = "" if kind == "bf16" else target(gap, "< 0.01")
        what = f"mdn, {kind}: largest difference of dev NLL to the CPU's in {options.compared} epochs, nats"
        rows.append((what, f"{gap:.5f}", goal))
    return rows


def moved(task, device: str):
    """The task with its network and data on the device."""
    task.network.to(device)
    task.x, task.labels = task.x.to(device), task.labels.to(device)
    task.dev = tuple(one.to(device) for one in task.dev)
    return task


def stop_before(update: int | None):
    """Somebody who asks to stop before the update of this number, counted over epochs."""
    calls = iter(range(10**9))
    return lambda: update is not None and next(calls) >= update


def run_or_stop(loop):
    """The result of the loop, or None where it was asked to stop."""
    from utils.run_again import RunAgain

    try:
        return loop.run()
    except RunAgain:
        return None


def equal(one: dict, other: dict) -> bool:
    """Have both the same tensors, bit for bit?"""
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


def said(same: bool) -> str:
    """The outcome in words."""
    return "the same bits" if same else "different bits"


def make(directory: Path) -> Path:
    """The directory, made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
