"""Options of the mixture density network: the field's defaults; `conf/mdn*.yaml` hold what differs."""

import math
from dataclasses import dataclass

from steps.generators.covariance import SUBSPACE_FLOOR
from steps.generators.manifold import AUTO, HELP, NONE, ManifoldOptions
from steps.training.options import PRECISIONS
from utils.options import MAX_SEED, option

# The rule of `updates_per_epoch: none`. An update passes all texts through the network and moves all weights, however
# few embeddings it has: thousands of rows are worth that, which only a large corpus has to give, while early stopping
# counts in epochs, of which the small ones need many updates.
UPDATES_TIMES_SIZE, FEWEST, MOST = 1_300_000, 10, 100


@dataclass(frozen=True)
class MdnOptions(ManifoldOptions):
    """A mixture density network on frozen text vectors."""

    manifold: str = option(AUTO, HELP, choices=(AUTO, NONE))
    n_components: int = option(15, "K, components of the mixture", least=1, most=10_000)
    hidden: int = option(512, "width of the dense layers", least=1, most=65_536)
    n_layers: int = option(3, "dense layers", least=0, most=100)
    covariance: str = option(
        "shared", "shared: one shape, a scale a component | diagonal: Bishop's", choices=("shared", "diagonal")
    )
    linear_path: bool = option(True, "a linear map from the text to the mean, solved in closed form before training")
    penalty: float = option(0.03, "ridge penalty of the linear path, in observations", above=0, most=10**9)
    folds: int = option(
        10, "parts that speakers are dealt into, to estimate the spread of unseen ones", least=2, most=10_000
    )
    spread: float = option(
        1.0, "factor on the variances around the linear mean of a trained network", above=0, most=10**6
    )
    subspace_floor: float = option(
        SUBSPACE_FLOOR,
        "no deviation below this share of the largest one; narrower directions are left out",
        above=0,
        most=1,
    )
    epochs: int = option(100, "most passes over the data", least=0, most=10**6)
    updates_per_epoch: int | None = option(
        10,
        f"parts that an epoch of N embeddings is cut into; none: {UPDATES_TIMES_SIZE} / N, {FEWEST} to {MOST}; more"
        " where they would exceed batch_size",
        least=1,
        most=10**6,
    )
    batch_size: int = option(8192, "most embeddings in an update", least=1, most=10**7)
    texts_per_group: int = option(
        8, "variants of each group that an update looks at, drawn anew for each", least=1, most=100_000
    )
    lr: float = option(1e-4, "learning rate of AdamW", above=0, most=1e38)
    weight_decay: float = option(0.01, "decay of the dense layers; the linear path has none", least=0, most=10**6)
    clip: float = option(1.0, "largest norm of a gradient", above=0, most=10**9)
    patience: int = option(10, "epochs without a better dev density before training ends", least=1, most=10**6)
    lr_patience: int = option(
        3, "epochs without a better dev density before the learning rate is halved", least=0, most=10**6
    )
    precision: str = option("auto", "of matrix products; auto: tf32 on a GPU, fp32 on a processor", choices=PRECISIONS)
    seed: int = option(0, "seed of the initial weights and of the order of the data", least=0, most=MAX_SEED)

    def n_updates(self, n: int) -> int:
        """Updates in an epoch of `n` embeddings: `updates_per_epoch`, or by the rule; no part without a row."""
        by_size = min(max(round(UPDATES_TIMES_SIZE / n), FEWEST), MOST)
        return max(min(self.updates_per_epoch or by_size, n), math.ceil(n / self.batch_size))
