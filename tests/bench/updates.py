"""Speed of single updates: ours, the broadcasting loop's, the density's share of them, and what SGEMM could do."""

from collections.abc import Callable

import numpy as np
import torch

from steps.generators.mdn.density import cross_log_density, features
from steps.generators.mdn.task import MdnTask
from tests.bench.generated import GROUPS
from tests.bench.reference import BATCH, Reference
from tests.bench.results import table, target
from tests.bench.setting import MANY, Setting
from tests.bench.timing import spread, take_turns

REFERENCE_STEPS = 5  # in a round: takes about as long as one update of ours
SQUARE = 2048


def measure_updates(setting: Setting, rounds: int) -> str:
    """Time updates, the loop, the density and SGEMM in turn. Returns a table."""
    loop = setting.loop("updates")
    task = loop.task
    reference = Reference(task.network, task.train.latent, setting.train, setting.options.lr)
    rng = np.random.default_rng(0)
    batch = task.train.draw(rng, setting.n_batches)[0]
    small = batch[: max(1, len(setting.train.x) // MANY)]
    variants = task.train.some_variants(rng, setting.options.texts_per_group)
    whole, part = (batch, variants), (small, variants)
    if task.grids is not None:
        whole, part = (task.grids.epoch(rng, n)[0] for n in (setting.n_batches, len(setting.train.x) // len(small)))
    density = DensityAlone(task, len(batch))
    square = torch.randn(SQUARE, SQUARE, device=setting.device)
    actions: dict[str, Callable[[], object]] = {
        "update": lambda: loop.update(whole),
        "small": lambda: loop.update(part),
        "loop": lambda: [reference.step() for _ in range(REFERENCE_STEPS)],
        "density": density.step,
        "same": density.products,
        "square": lambda: square @ square,
    }
    seconds = take_turns({name: finished(action, setting.device) for name, action in actions.items()}, rounds)
    ours = len(batch) * setting.texts_of_row / seconds["update"]
    slower = len(small) * setting.texts_of_row / seconds["small"]
    loop = BATCH * REFERENCE_STEPS / seconds["loop"]
    rate = {name: density.flop / seconds[name] / 1e9 for name in ("density", "same")}
    rate["square"] = 2 * SQUARE**3 / seconds["square"] / 1e9
    same, other = rate["density"] / rate["same"], rate["density"] / rate["square"]
    rows = [
        (f"an update of ours ({len(batch):,} embeddings), ms", spread(seconds["update"], 1e3), ""),
        ("ours: forward, backward, clip and AdamW, pairs/s", spread(ours, digits=0), ""),
        (f"the loop: batches of {BATCH} broadcast over (batch, K, D), pairs/s", spread(loop, digits=0), ""),
        ("ours / the loop", spread(ours / loop, digits=0), target(np.median(ours / loop), ">= 300")),
        (f"updates of {len(small):,} embeddings, {MANY} an epoch / the loop", spread(slower / loop, digits=0), ""),
        ("density, forward and backward, GFLOP/s", spread(rate["density"], digits=0), ""),
        ("SGEMM of the same shapes, GFLOP/s", spread(rate["same"], digits=0), ""),
        (f"SGEMM of {SQUARE} x {SQUARE}, GFLOP/s", spread(rate["square"], digits=0), ""),
        ("density / SGEMM of the same shapes", spread(same, digits=2), target(np.median(same), ">= 0.5")),
        (f"density / SGEMM of {SQUARE} x {SQUARE}", spread(other, digits=2), ""),
    ]
    return table((f"{rounds} rounds: median (range)", "measured", "target"), rows)


def finished(action: Callable[[], object], device: str) -> Callable[[], None]:
    """The action, which ends when the device has done all of it."""

    def whole() -> None:
        action()
        if device == "cuda":
            torch.cuda.synchronize()

    return whole


class DensityAlone:
    """The density of one batch and its gradient, without the network; and the matrix products in it.

    Attributes:
        flop: multiplications and additions of these products, forward and backward.
    """

    def __init__(self, task: MdnTask, n: int):
        batches = task.train
        rows = np.argsort(batches.groups[:n], kind="stable")
        self.rows_of = np.bincount(batches.groups[:n], minlength=len(GROUPS)).tolist()
        self.texts_of = np.diff(batches.bounds).tolist()
        with torch.no_grad():
            self.parameters = [value.requires_grad_() for value in task.network(batches.texts)]
        self.features = features(batches.latent[torch.from_numpy(rows)], diagonal=True)
        width = self.texts_of[0] * self.parameters[0].shape[1]
        self.table = torch.randn(width, self.features.shape[1], device=batches.latent.device)
        self.shares = torch.randn(max(self.rows_of), width, device=batches.latent.device)
        self.flop = 2 * 2 * self.features.numel() * width

    def step(self) -> None:
        """Forward and backward, group by group, as `Batches` does."""
        parts = [value.split(self.texts_of) for value in self.parameters]
        groups = zip(self.features.split(self.rows_of), *parts, strict=True)
        density = torch.cat([cross_log_density(u, tuple(mixtures)).sum(1) for u, *mixtures in groups])
        torch.autograd.grad(density.mean(), self.parameters)

    def products(self) -> None:
        """Products of matrices of the same shapes."""
        for part in self.features.split(self.rows_of):
            part @ self.table.T
            self.shares[: len(part)].T @ part
