"""The training task of a mixture over speakers: the variational bound, and its start (see `tacospawn.py`)."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from steps.generators.covariance import principal_subspace
from steps.generators.imputation import Rows, fit_levels
from steps.generators.mdn.batches import Batches
from steps.generators.mdn.density import paired_log_density
from steps.generators.mdn.generator import MdnGenerator
from steps.generators.mdn.network import MixtureDensityNetwork
from steps.generators.mdn.weights import NetworkSizes
from steps.generators.mixture import Frame
from steps.generators.pairs import Pairs, sum_by
from steps.generators.rivals.text_draws import TextDraws
from steps.training.precision import products_in
from steps.training.task import Panel, Report, part_of_rows

if TYPE_CHECKING:
    from steps.generators.rivals.tacospawn import TacoSpawnOptions

NARROWEST = 1e-2  # deviation of a component between speakers, where that within is 1


class SpeakerBatch(NamedTuple):
    """A batch: speakers (n,), the text (n,) of each, and noise (n, q) float32."""

    speakers: np.ndarray
    texts: np.ndarray
    noise: np.ndarray


class SpeakerPosteriors(nn.Module):
    """The mixture's network and q(s_j) of the training speakers.

    Attributes:
        network: its scales have the floor 1, which is the deviation within speakers.
        means, log_scales: (S, q) of q.
    """

    def __init__(self, network: MixtureDensityNetwork, means: np.ndarray, scales: np.ndarray):
        super().__init__()
        self.network = network
        self.means = nn.Parameter(torch.from_numpy(means.astype(np.float32)))
        self.log_scales = nn.Parameter(torch.from_numpy(np.log(scales).astype(np.float32)))


class TacoSpawnTask:
    """Maximises the bound of `tacospawn.py`, a speaker counting as one (see `steps.training.task.Task`)."""

    repeats = False

    def __init__(self, train: Pairs, dev: Pairs, options: "TacoSpawnOptions", device: str):
        self.options, self.device, self.pairs = options, torch.device(device), train
        self.frame, variances = speaker_frame(train, options.subspace_floor)
        y = self.frame.to_latent(train.x.astype(np.float64))
        self.counts = np.bincount(train.speakers)
        sums = sum_by(train.speakers, y, len(self.counts))
        means, scales = posteriors(sums, self.counts, train.weights @ y, variances)
        torch.manual_seed(options.seed)
        q = self.frame.latent_dim
        network = MixtureDensityNetwork(
            NetworkSizes(
                train.text_dim, q, options.n_components, options.hidden, options.n_layers,
                diagonal=True, linear_path=False, scale_floor=1.0,
            )
        )  # fmt: skip
        start = variational_start(means[self.counts > 0], variances, options)
        network.start_from(*map(torch.from_numpy, start), slopes=None, quiet=False)
        network.normalise_texts(torch.from_numpy(train.texts))
        self.network = SpeakerPosteriors(network, means, scales).to(self.device)
        self.sums, self.squares, self.n_utterances = (
            torch.from_numpy(array.astype(np.float32)).to(self.device)
            for array in (sums, np.bincount(train.speakers, (y**2).sum(axis=1)), self.counts)
        )
        self.draws, self.texts = TextDraws(train), torch.from_numpy(train.texts).to(self.device)
        self.dev = Batches(dev, self.frame.to_latent(dev.x.astype(np.float64)).astype(np.float32), self.device)
        self.n_updates = math.ceil(len(train.x) / options.batch_size)
        self.report = Report(
            loss="train_loss",
            decides="dev_nll",
            panels=(
                Panel("bound, nats per utterance, below zero", {"train_loss": "training speakers"}),
                Panel("NLL, nats per embedding", {"dev_nll": "dev speakers"}),
            ),
            epochs="epoch (0: variational start)",
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The network, and the distributions of speakers without weight decay."""
        own = [self.network.means, self.network.log_scales]
        return [{"params": list(self.network.network.parameters())}, {"params": own, "weight_decay": 0.0}]

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterator[SpeakerBatch]:
        """Embeddings drawn by their weights stand for their speakers, and bring a text."""
        rows = rng.choice(len(self.pairs.x), len(self.pairs.x), p=self.pairs.weights)
        texts, speakers = self.draws.draw(rng, rows), self.pairs.speakers[rows]
        noise = rng.standard_normal((len(rows), self.frame.latent_dim), dtype=np.float32)
        parts = (np.array_split(one, self.n_updates) for one in (speakers, texts, noise))
        yield from list(map(SpeakerBatch, *parts))[first:]

    def part(self, batch: SpeakerBatch, number: int, of: int) -> tuple[SpeakerBatch, float]:
        """A share of the speakers."""
        place, weight = part_of_rows(np.arange(len(batch.speakers)), number, of)
        return SpeakerBatch(*(one[place] for one in batch)), weight

    def loss(self, batch: SpeakerBatch) -> Tensor:
        """Minus the bound () of a speaker, by its utterances, in latent units; the mean over the batch."""
        speakers, texts, noise = (torch.from_numpy(one).to(self.device) for one in batch)
        mean, log_scale = self.network.means[speakers], self.network.log_scales[speakers]
        n = self.n_utterances[speakers]
        apart = self.squares[speakers] - 2 * (self.sums[speakers] * mean).sum(1) + n * mean.square().sum(1)
        q = mean.shape[1]
        expected = -0.5 * (apart + n * (2 * log_scale).exp().sum(1) + n * q * math.log(2 * math.pi))
        prior = paired_log_density(mean + log_scale.exp() * noise, self._of_speakers(self.texts[texts]))
        entropy = log_scale.sum(1) + 0.5 * q * math.log(2 * math.pi * math.e)
        return -((expected + prior + entropy) / n).mean()

    def _of_speakers(self, texts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mixture of speakers, without the spread within them."""
        log_weights, means, log_scales = self.network.network(texts)
        between = (2 * log_scales).exp() - 1  # the floor taken away
        return log_weights, means, 0.5 * between.clamp_min(NARROWEST**2).log()

    @torch.inference_mode()
    def dev_figures(self) -> dict[str, float | Tensor]:
        """The NLL of the embeddings of the dev set in nats, balanced over groups and speakers."""
        with products_in("fp32", self.device):
            density = self.dev.balanced_log_density(self.network.network, self.options.batch_size)
        return {"dev_nll": self.frame.log_volume - density}

    def export(self) -> MdnGenerator:
        """The network as a generator of utterances."""
        return MdnGenerator(self.network.network.weights(), self.frame, 1.0)


def speaker_frame(train: Pairs, floor: float) -> tuple[Frame, np.ndarray]:
    """Coordinates in which utterances of a speaker have variance 1, and speakers of a group are uncorrelated.

    Returns the frame, and the variances (q,) between speakers.
    """
    from scipy.linalg import eigh

    subspace = principal_subspace(train.x, floor)
    y = subspace.to_latent(train.x.astype(np.float64))
    levels = fit_levels(Rows(y, np.zeros((0, 0), bool), train.speakers, train.groups), len(train.group_names))
    variances, axes = eigh(levels.between, levels.within)  # axes' W axes = 1
    basis = subspace.basis @ levels.within @ axes
    return Frame(subspace.offset, basis), np.maximum(variances, NARROWEST**2)


def posteriors(
    sums: np.ndarray, counts: np.ndarray, mean: np.ndarray, variances: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (S, q) of speakers ~ N(mean, diag variances), given the sums (S, q) of n (S,) utterances.

    With the variance r between speakers and 1 within them: r / (1 + n r) times the sum of what is beyond the mean, and
    the variance r / (1 + n r).
    """
    n = counts[:, None]
    of_speaker = variances / (1 + n * variances)
    return mean + of_speaker * (sums - n * mean), np.sqrt(of_speaker)


def variational_start(
    means: np.ndarray, variances: np.ndarray, options: "TacoSpawnOptions"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log weights (K,), means and scales (K, q) of a mixture of speakers (S, q), by variational Bayes."""
    from sklearn.mixture import BayesianGaussianMixture

    n = min(options.n_components, len(means))
    mixture = BayesianGaussianMixture(
        n_components=n, covariance_type="diag", weight_concentration_prior_type="dirichlet_distribution",
        covariance_prior=variances, max_iter=200, random_state=options.seed, tol=1e-2,
    )  # fmt: skip
    fitted = mixture.fit(np.repeat(means, 2, axis=0) if len(means) == 1 else means)
    again = np.arange(options.n_components) % n  # more components than speakers: the same again
    shares = fitted.weights_[again]
    return np.log(shares / shares.sum()), fitted.means_[again], np.sqrt(fitted.covariances_[again])
