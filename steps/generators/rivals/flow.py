"""Fit a conditional flow: several sizes, each until dev density gets no better; the best of them is kept.

Writes checkpoints, `metrics.jsonl` and `curve.png` of each size into `size-<layers>x<width>` in the workplace.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.generators.contract import Fit
from steps.generators.covariance import SUBSPACE_FLOOR
from steps.generators.manifold import ManifoldOptions
from steps.generators.mdn.options import MdnOptions
from steps.generators.pairs import Pairs
from steps.training.workplace import Workplace
from utils.command import logger
from utils.errors import InputError
from utils.extras import require
from utils.options import MAX_SEED, option

if TYPE_CHECKING:
    from steps.generators.rivals.flow_generator import FlowGenerator

log = logger(__name__)


@dataclass(frozen=True)
class FlowOptions(ManifoldOptions):
    """A conditional normalising flow."""

    transforms: tuple[int, ...] = option((2, 4), "coupling layers; dev speakers choose", least=1, most=100)
    hidden: tuple[int, ...] = option(
        (32, 128), "width of their dense layers; dev speakers choose", least=1, most=65_536
    )
    penalty: float = option(
        0.03, "ridge penalty of the means that coordinates are whitened around", above=0, most=10**9
    )
    folds: int = option(
        10, "parts that speakers are dealt into, to estimate the spread of unseen ones", least=2, most=10_000
    )
    subspace_floor: float = option(
        SUBSPACE_FLOOR, "principal directions below this share of the largest deviation are left out", above=0, most=1
    )
    epochs: int = option(100, "most passes over the data", least=0, most=10**6)
    batch_size: int = option(128, "embeddings in an update", least=1, most=10**6)
    lr: float = option(5e-4, "learning rate of AdamW", above=0, most=1e38)
    weight_decay: float = option(0.01, "decay of the weights", least=0, most=10**6)
    clip: float = option(1.0, "largest norm of a gradient", above=0, most=10**9)
    patience: int = option(5, "epochs without a better dev density before training ends", least=1, most=10**6)
    lr_patience: int = option(2, "epochs without one before the learning rate is halved", least=0, most=10**6)
    seed: int = option(0, "seed of the initial weights and of the order of the data", least=0, most=MAX_SEED)


def fit_flow(train: Pairs, dev: Pairs, options: FlowOptions, workplace: Workplace) -> "FlowGenerator":
    """Train a flow of each size on `train`; `dev` stops and chooses."""
    require("a flow", "zuko")
    from steps.generators.mdn.start import make_start
    from steps.generators.rivals.flow_task import FlowTask
    from steps.training.loop import Loop
    from steps.training.options import TrainingOptions

    start = make_start(train, _start_options(options), workplace.device, workplace.stop_requested)
    if start.frame.latent_dim < 2:
        raise InputError("embeddings that vary in one direction alone give a flow nothing to couple; leave it out")
    found = {}
    for transforms in options.transforms:
        for hidden in options.hidden:
            place = workplace.directory / f"size-{transforms}x{hidden}"
            if workplace.first:
                place.mkdir(exist_ok=True)
            task = FlowTask(train, dev, options, start, (transforms, hidden), workplace.device)
            loop = Loop(task, TrainingOptions.of(options), workplace._replace(directory=place))
            found[transforms, hidden] = loop.run(), loop.state.best
    best = min(found, key=lambda size: found[size][1])
    told = ", ".join(f"{layers} layers of {width}: {nll:.2f}" for (layers, width), (_, nll) in found.items())
    log.info("dev NLL in nats: %s; kept: %d layers of %d", told, *best)
    return found[best][0]


def _start_options(options: FlowOptions) -> MdnOptions:
    """Of the coordinates that the default generator begins in, for a network of no layers, which is not used."""
    shared = {name: getattr(options, name) for name in ("penalty", "folds", "subspace_floor", "seed")}
    return MdnOptions(n_components=1, hidden=1, n_layers=0, linear_path=False, **shared)


FLOW = Fit(FlowOptions, fit_flow)
