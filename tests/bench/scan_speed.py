"""Scans of Mamba beside the cumsum formula, mambapy's parallel scan and a loop over frames: time, memory, errors.

Writes sections of RESULTS.md. Seconds are those of the processor (time.process_time), forward and backward; in each
round all variants run, each time another one first. Memory is the peak of the resident set of a process that runs one
variant once, less what it held before. The error is measured against the recurrence in float64.
"""

import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_one_thread, spread, take_turns
from utils.command import logger, run_command
from utils.options import option

log = logger(__name__)
PARTS = ("time", "errors", "memory", "training")
TRAINED_FRAMES, TRAINED_BATCH = 3500, 8  # 35 s


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: int = option(8, "samples of a batch", least=1, most=1024)
    frames: int = option(800, "frames", least=1, most=10**6)
    d_inner: int = option(1024, "channels", least=1, most=10**5)
    d_state: int = option(32, "states of a channel", least=1, most=1024)
    lengths: tuple[int, ...] = option((400, 800, 1600, 3200), "frames whose memory is measured", least=1, most=10**6)
    channels: int = option(256, "channels whose errors are measured", least=1, most=4096)
    error_lengths: tuple[int, ...] = option(
        (1, 63, 64, 65, 801), "frames whose errors are measured", least=1, most=4096
    )
    rounds: int = option(3, "rounds that count", least=1, most=100)
    parts: tuple[str, ...] = option(PARTS, "what is measured, in this order", choices=PARTS)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure, and record each part in a section of its own, so that a run that is stopped leaves what it has."""
    require_one_thread()
    parts = {"time": time_part, "errors": error_part, "memory": memory_part, "training": training_part}
    for name in options.parts:
        body, command = parts[name](options), command_line("tests.bench.scan_speed", options)
        record(options.results, f"Scans of Mamba: {name}", command, body)
        log.info("%s: measured", name)


def shape_of(options: Options, frames: int) -> Any:
    """The shape that is measured, at a length."""
    from tests.bench.scan_variants import Shape

    return Shape(options.n, frames, options.d_inner, options.d_state)


def time_part(options: Options) -> str:
    """Seconds of all variants, and how many times slower than ours the others are."""
    import torch

    from tests.bench.scan_variants import VARIANTS, draw, forward_and_backward

    values = {name: draw(name, shape_of(options, options.frames)) for name in VARIANTS}
    grad_y = torch.randn(values["loop"]["x"].shape, generator=torch.Generator().manual_seed(1))
    actions = {name: lambda name=name: forward_and_backward(name, values[name], grad_y) for name in VARIANTS}
    seconds = take_turns(actions, options.rounds, clock=time.process_time)
    rows = [(f"{name}, s", spread(seconds[name], digits=2), "") for name in VARIANTS]
    for ours, other, bound in (
        ("mamba2", "cumsum", ">= 30"), ("mamba2", "mambapy", ">= 20"), ("mamba2", "loop", ">= 8"),
        ("mamba1", "cumsum", ">= 4"), ("mamba1", "mambapy", ">= 2"),
    ):  # fmt: skip
        ratio = seconds[other] / seconds[ours]
        rows.append((f"{other} / {ours}", spread(ratio), target(sorted(ratio)[len(ratio) // 2], bound)))
    ratio = seconds["mamba1"] / seconds["loop"]
    rows.append(("mamba1 / loop", spread(ratio, digits=2), target(sorted(ratio)[len(ratio) // 2], "< 1.2")))
    words = (
        f"{options.n} samples of {options.frames} frames, d_inner {options.d_inner}, d_state {options.d_state}, forward"
        " and backward. mamba1 is the exact scan, mamba2 the scan in chunks, whose dt and A are one for the"
        " 64 channels of a head: otherwise all variants have the same inputs. mambapy is its pscan; the loop is over"
        " frames on `x.unbind(1)`."
    )
    return words + "\n\n" + table((f"{options.rounds} rounds: median (range)", "processor time", "target"), rows)


def memory_part(options: Options) -> str:
    """Peak memory beside the others, and by length."""
    from tests.bench.scan_variants import VARIANTS, extra_memory

    used = {name: extra_memory(name, shape_of(options, options.frames)) for name in VARIANTS}
    rows = [(f"{name}, {options.frames} frames, MB", f"{used[name] / 1e6:,.0f}", "") for name in VARIANTS]
    for ours, other in (("mamba2", "cumsum"), ("mamba1", "loop")):
        ratio = used[other] / used[ours]
        rows.append((f"{other} / {ours}", f"{ratio:.1f}", target(ratio, ">= 12")))
    for name in ("mamba1", "mamba2"):
        for frames in options.lengths:
            shape = shape_of(options, frames)
            share = extra_memory(name, shape) / shape.full
            what = f"{name}, {frames} frames: bytes a frame and sample / (4 d_inner d_state)"
            rows.append((what, f"{share:.3f}", target(share, "< 0.3")))
    return table(("peak of forward and backward beyond the inputs", "memory", "target"), rows)


def error_part(options: Options) -> str:
    """The largest relative errors over lengths and directions."""
    import torch

    from tests.bench.scan_variants import HEAD, VARIANTS, of_channels, of_heads
    from tests.steps.networks.recurrence import decays, draw, errors, outputs_and_gradients, recur

    def recur_heads(**values: Any) -> Any:
        return recur(**of_channels(**values))

    worst: dict[tuple[str, str], float] = {}
    for length, turned in product(options.error_lengths, (False, True)):
        values = draw(2, length, options.channels, options.d_state, seed=length)
        values = {name: value.flip(1) for name, value in values.items()} if turned else values
        grad_y = values.pop("grad_y")
        # mixed, so that the channels that begin heads have decays of all sizes
        order = torch.randperm(options.channels, generator=torch.Generator().manual_seed(0))
        values["A"] = decays(options.channels, options.d_state)[order]
        for name, exact in {"mamba1": recur, "mamba2": recur_heads, "cumsum": recur}.items():
            own = of_heads(values) if name == "mamba2" else values
            expected = outputs_and_gradients(exact, own, grad_y, torch.float64)
            found = outputs_and_gradients(VARIANTS[name], own, grad_y, torch.float32)
            for what, error in errors(found, expected).items():
                worst[name, what] = max(worst.get((name, what), 0), error if error == error else float("inf"))
    rows = [
        (f"{name}, {said(what)}", f"{error:.1e}", bound(name, what, error)) for (name, what), error in worst.items()
    ]
    words = (
        f"Relative errors (norm of the difference / norm) against the recurrence in float64, the largest over"
        f" {', '.join(map(str, options.error_lengths))} frames and both directions; dt from 1e-4 to 5, A from -0.1 to"
        f" -64, both evenly on a logarithmic scale; {options.channels} channels, heads of {HEAD}; inf stands for NaN."
    )
    return words + "\n\n" + table(("float32", "relative error", "target"), rows)


def said(what: str) -> str:
    """An output or gradient in words."""
    return "outputs" if what == "y" else f"gradient of {what}"


def bound(name: str, what: str, error: float) -> str:
    """The target of an error; that of the cumsum formula has none."""
    return "" if name == "cumsum" else target(error, "< 1e-5" if what == "y" else "< 1e-3")


def training_part(_: Options) -> str:
    """Memory of training steps on utterances of 35 s, by the measurement of steps.sid.profile."""
    from steps.networks.speaker_options import NetworkOptions
    from steps.sid.workload import Workload, in_own_process

    rows = []
    for network, again in (("mamba2", False), ("mamba2", True), ("bimamba2", True), ("mamba1", True)):
        options = NetworkOptions(network=network, width=512, layers=3, stride=1, recompute=again)
        size = (TRAINED_FRAMES, TRAINED_BATCH)
        found = in_own_process(Workload(options, 80, 251, "train", *size, 1, 1, "false", False, None))
        gib = found.get("bytes", float("inf")) / 2**30
        what = f"{network}, {'with' if again else 'without'} recomputation of layers"
        seconds = f"{found['seconds']:.0f}" if "seconds" in found else found["state"]
        rows.append((what, f"{gib:.2f}", seconds, target(gib, "< 4") if again else ""))
    words = (
        f"Training on utterances of {TRAINED_FRAMES / 100:.0f} s, {TRAINED_BATCH} a batch: 3 layers of d_model 512, one"
        " step of forward, backward and AdamW on one thread; memory beyond that of the process before the network was"
        " built, as `steps.sid.profile` measures it."
    )
    return words + "\n\n" + table(("network", "GiB", "s", "target in GiB"), rows)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
