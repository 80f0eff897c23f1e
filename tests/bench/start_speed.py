"""Time of the start in closed form, part by part: by sums on a device, beside the direct one on the CPU.

Both start mdn on generated embeddings; what differs between the two, and the dev NLL of epoch 0, are measured too.
Writes a section of RESULTS.md.
"""

import itertools
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_device
from utils.command import run_command
from utils.options import option

if TYPE_CHECKING:
    from steps.generators.mdn.start import Start
    from steps.generators.pairs import Pairs

PARTS = ("sums", "spread", "whitening", "bank")  # words of the lines that the start logs


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: int = option(81000, "training embeddings, in 18 groups")
    dim: int = option(512, "D of the embeddings")
    n_texts: int = option(180, "texts, as many for each group")
    device: str = option("cpu", "of the products by sums", choices=("cpu", "cuda"))
    direct: bool = option(True, "find the direct closed form too")
    results: Path = option(PATH, "file whose section is written")


class Clock(logging.Handler):
    """Notes when the start says that a part begins."""

    def __init__(self) -> None:
        super().__init__()
        self.begins: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """See the parent."""
        text = record.getMessage()
        if text.startswith("start in closed form: "):
            self.begins[next(part for part in PARTS if part in text)] = time.perf_counter()


def work(options: Options) -> None:
    """Measure and record."""
    import torch

    require_device(options.device)
    from tests.bench.generated import UTTERANCES_OF_SPEAKER, Corpus

    pairs = Corpus(options.n + options.n // 10, options.dim, options.n_texts).pairs()
    known = pairs.speakers < options.n // UTTERANCES_OF_SPEAKER
    train, dev = pairs.of_speakers(known), pairs.of_speakers(~known)
    started(train.of_speakers(train.speakers < 500), "cpu", 0)  # what is imported counts for nobody
    if options.device == "cuda":
        torch.zeros(2, 2, dtype=torch.float64, device="cuda") @ torch.zeros(2, 2, dtype=torch.float64, device="cuda")
    devices = dict.fromkeys((options.device, "cpu"))
    by_sums = {device: started(train, device, 0) for device in devices}
    rows = [row for device, (_, seconds) in by_sums.items() for row in time_rows(device, seconds)]
    one = by_sums[options.device][0]
    compared = {"by sums on the CPU": by_sums["cpu"][0]} if options.device == "cuda" else {}
    if options.direct:
        compared["direct"], seconds = started(train, "cpu", 10**12)
        ratio = seconds["whole"] / by_sums["cpu"][1]["whole"]
        rows.append(("direct, on the CPU, s", f"{seconds['whole']:.2f}", ""))
        rows.append(("direct / by sums, on the CPU", f"{ratio:.1f}", target(ratio, ">= 3")))
    for name, other in compared.items():
        rows += difference_rows(f"{options.device}, by sums - {name}", one, other, dev)
    card = torch.cuda.get_device_name(0) if options.device == "cuda" else "no GPU"
    what = f"{options.n:,} x {options.dim} generated embeddings, 10 folds, K = 15; {card}, torch {torch.__version__}."
    body = f"{what}\n\n" + table(("start in closed form", "measured", "target"), rows)
    record(options.results, "Start in closed form", command_line("tests.bench.start_speed", options), body)


def started(train: "Pairs", device: str, direct: int) -> tuple["Start", dict[str, float]]:
    """The start, direct up to so many embeddings, and the seconds of its parts and of the whole."""
    from steps.generators.mdn import closed_form, start
    from steps.generators.mdn.options import MdnOptions

    clock, before = Clock(), start.DIRECT
    for module in (closed_form, start):
        module.log.addHandler(clock)
    start.DIRECT = direct
    try:
        begin = time.perf_counter()
        made = start.make_start(train, MdnOptions(), device)
        end = time.perf_counter()
    finally:
        start.DIRECT = before
        for module in (closed_form, start):
            module.log.removeHandler(clock)
    cuts = [*clock.begins.items(), ("end", end)]
    return made, {name: b - a for (name, a), (_, b) in itertools.pairwise(cuts)} | {"whole": end - begin}


def time_rows(device: str, seconds: dict[str, float]) -> list[tuple[str, str, str]]:
    """Seconds of the parts."""
    parts = ", ".join(f"{name} {seconds[name]:.2f}" for name in PARTS)
    return [(f"by sums, {device}, s", f"{seconds['whole']:.2f} ({parts})", "")]


def difference_rows(what: str, one: "Start", other: "Start", dev: "Pairs") -> list[tuple[str, str, str]]:
    """How two starts differ: embeddings, frames, and dev NLL."""
    import numpy as np
    import torch

    from steps.generators.mdn.batches import Batches

    def nll(begin: "Start") -> float:
        latent = begin.frame.to_latent(dev.x.astype(np.float64)).astype(np.float32)
        batches = Batches(dev, latent, torch.device("cpu"))
        return begin.frame.log_volume - batches.balanced_log_density(begin.network, 8192)

    gap = abs(nll(one) - nll(other))
    latent = float(np.abs(one.latent - other.latent).max())
    return [
        (f"{what}: latent embeddings, largest difference", f"{latent:.1e}", target(latent, "<= 0.0001")),
        (f"{what}: dev NLL of epoch 0, difference in nats", f"{gap:.6f}", target(gap, "<= 0.01")),
    ]


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
