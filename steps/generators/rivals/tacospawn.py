"""The mixture of TacoSpawn over speaker embeddings, given metadata, here a text; with its variational variant.

D. Stanton et al., Speaker generation, 2021 (arXiv 2111.05095): a network gives a mixture of diagonal Gaussians from the
metadata of a speaker, and learns by maximum likelihood of a table of speaker embeddings; the variational variant has a
diagonal Gaussian for each speaker instead. There the table comes from speech synthesis; here the speaker s_j is what
the utterances x_u of a speaker have in common:

    x_u = s_j + w_u,  w_u ~ N(0, W),     s_j ~ sum_k w_k(t) N(m_k(t), diag S_k(t)),     q(s_j) = N(mu_j, diag v_j)

The bound sum_u E_q log p(x_u | s_j) + E_q log p(s_j | t) + H(q) is raised in the mixture and all q. These start at the
posteriors of one Gaussian for all speakers, the mixture at one that variational Bayes fits to their means (C. Bishop,
Pattern recognition and machine learning, 2006, section 10.2). Samples are utterances: their density is that of s + w.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.generators.contract import Fit
from steps.generators.covariance import SUBSPACE_FLOOR
from steps.generators.manifold import ManifoldOptions
from steps.generators.pairs import Pairs
from steps.training.workplace import Workplace
from utils.options import MAX_SEED, option

if TYPE_CHECKING:
    from steps.generators.mdn.generator import MdnGenerator


@dataclass(frozen=True)
class TacoSpawnOptions(ManifoldOptions):
    """A mixture over speakers, with a distribution of each training speaker."""

    n_components: int = option(10, "K, components of the mixture", least=1, most=10_000)
    hidden: int = option(64, "width of the dense layers", least=1, most=65_536)
    n_layers: int = option(1, "dense layers", least=0, most=100)
    subspace_floor: float = option(
        SUBSPACE_FLOOR, "principal directions below this share of the largest deviation are left out", above=0, most=1
    )
    epochs: int = option(200, "most passes over the data", least=0, most=10**6)
    batch_size: int = option(128, "embeddings in an update, which stand for their speakers", least=1, most=10**6)
    lr: float = option(1e-3, "learning rate of AdamW", above=0, most=1e38)
    weight_decay: float = option(0.01, "decay of the weights", least=0, most=10**6)
    clip: float = option(1.0, "largest norm of a gradient", above=0, most=10**9)
    patience: int = option(10, "epochs without a better dev density before training ends", least=1, most=10**6)
    lr_patience: int = option(3, "epochs without one before the learning rate is halved", least=0, most=10**6)
    seed: int = option(0, "seed of the initial weights and of the order of the data", least=0, most=MAX_SEED)


def fit_tacospawn(train: Pairs, dev: Pairs, options: TacoSpawnOptions, workplace: Workplace) -> "MdnGenerator":
    """Train on `train`, stop by `dev`; writes checkpoints, `metrics.jsonl` and `curve.png` in the workplace."""
    from steps.generators.rivals.tacospawn_task import TacoSpawnTask
    from steps.training.loop import Loop
    from steps.training.options import TrainingOptions

    task = TacoSpawnTask(train, dev, options, workplace.device)
    return Loop(task, TrainingOptions.of(options), workplace).run()


TACOSPAWN = Fit(TacoSpawnOptions, fit_tacospawn)
