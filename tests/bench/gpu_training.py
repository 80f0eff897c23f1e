"""The training loop on a GPU: exact resume, bf16 beside float32, and mdn beside the CPU.

Trains a small task with dropout and noise, and mdn on generated embeddings, each alone and interrupted inside an epoch.
Writes a section of RESULTS.md. Needs a GPU.
"""

import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.results import PATH, command_line, record, table, target
from utils.command import run_command
from utils.errors import InputError
from utils.options import option


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: int = option(81000, "training embeddings of mdn, in 18 groups")
    dim: int = option(512, "D of the embeddings")
    n_texts: int = option(180, "texts, as many for each group")
    epochs: int = option(20, "most epochs of mdn")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    import torch

    if not torch.cuda.is_available():
        raise InputError("torch sees no GPU here")
    with tempfile.TemporaryDirectory() as name:
        rows = [*tiny_rows(Path(name)), *mdn_rows(Path(name), options)]
    body = f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}.\n\n" + table(
        ("on a GPU", "measured", ""), rows
    )
    record(options.results, "Training on a GPU", command_line("tests.bench.gpu_training", options), body)


def tiny_rows(directory: Path) -> list[tuple[str, str, str]]:
    """A small network with dropout, batch norm and noise: interrupted in an epoch, in float32 and bf16."""
    from steps.training.loop import Loop
    from steps.training.workplace import Workplace
    from tests.steps.training.tiny import TinyOptions, TinyTask

    def train(name: str, options: TinyOptions, stop_at: int | None = None) -> tuple[dict, float]:
        """Weights and deciding figure; asked to stop before update `stop_at`, and then run again."""
        loops = []
        for asked in [stop_before(stop_at)] * (stop_at is not None) + [lambda: False]:
            workplace = Workplace(make(directory / name), "cuda", asked)
            loops.append(Loop(on_gpu(TinyTask(options)), options, workplace))
            result = run_or_stop(loops[-1])
        return result, loops[-1].state.best

    options = TinyOptions(epochs=6)
    whole, loss = train("whole", options)
    resumed, _ = train("resumed", options, stop_at=6)
    half, half_loss = train("bf16", replace(options, bf16=True))
    half_resumed, _ = train("bf16 resumed", replace(options, bf16=True), stop_at=6)
    same = [equal(whole, resumed), equal(half, half_resumed)]
    return [
        ("dropout, batch norm, noise: interrupted and resumed, weights", said(same[0]), target(float(same[0]), ">= 1")),
        ("the same in bf16", said(same[1]), target(float(same[1]), ">= 1")),
        ("dev loss, float32 / bf16", f"{loss:.4f} / {half_loss:.4f}", ""),
    ]


def mdn_rows(directory: Path, options: Options) -> list[tuple[str, str, str]]:
    """mdn on generated embeddings: interrupted on the GPU, and beside the CPU."""
    from steps.generators.mdn.options import MdnOptions
    from steps.generators.mdn.task import MdnTask
    from steps.training.loop import Loop
    from steps.training.options import TrainingOptions
    from steps.training.workplace import Workplace
    from tests.bench.generated import UTTERANCES_OF_SPEAKER, Corpus

    pairs = Corpus(options.n + options.n // 10, options.dim, options.n_texts).pairs()
    known = pairs.speakers < options.n // UTTERANCES_OF_SPEAKER
    train, dev, own = pairs.of_speakers(known), pairs.of_speakers(~known), MdnOptions(epochs=options.epochs)

    def run(name: str, device: str, stop_at: int | None = None) -> tuple[Loop, float]:
        begin = time.monotonic()
        for asked in [stop_before(stop_at)] * (stop_at is not None) + [lambda: False]:
            workplace = Workplace(make(directory / name), device, asked)
            loop = Loop(MdnTask(train, dev, own, workplace.device), TrainingOptions.of(own), workplace)
            run_or_stop(loop)
        return loop, time.monotonic() - begin

    whole, seconds = run("mdn", "cuda")
    resumed, _ = run("mdn resumed", "cuda", stop_at=15)
    on_cpu, cpu_seconds = run("mdn cpu", "cpu")
    gap = abs(whole.state.best - on_cpu.state.best)
    same = equal(whole.network.state_dict(), resumed.network.state_dict())
    return [
        (f"mdn, {options.n:,} x {options.dim}: interrupted and resumed, weights", said(same), ""),
        ("mdn: dev NLL on GPU and CPU, difference in nats", f"{gap:.5f}", target(gap, "<= 0.01")),
        ("mdn: seconds on GPU and CPU, start included", f"{seconds:.0f} / {cpu_seconds:.0f}", ""),
    ]


def on_gpu(task):
    """The task with its network and data on the GPU."""
    task.network.cuda()
    task.x, task.labels = task.x.cuda(), task.labels.cuda()
    task.dev = tuple(one.cuda() for one in task.dev)
    return task


def stop_before(update: int | None):
    """Somebody who asks to stop before the update of this number, counted over epochs."""
    calls = iter(range(10**9))
    return lambda: next(calls) >= update


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
