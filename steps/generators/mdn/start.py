"""The start of training a mixture density network: its latent space, and weights that equal a closed-form solution.

With a shared covariance: the latent space is whitened by the spread of unseen speakers around a ridge regression's
mean, the linear path is that regression, and the components are a bank of scales; without a linear path they begin at
the mean over groups and speakers. The network is trained on embeddings whitened by estimates without their own speaker
(`cross_validated_spread`), so that the spread it learns holds for new speakers.

With diagonal covariances: the space of the embeddings as it is, components at training embeddings drawn at random.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from steps.generators.mdn.closed_form import Ask, by_sums, direct
from steps.generators.mdn.network import MixtureDensityNetwork
from steps.generators.mdn.options import MdnOptions
from steps.generators.mdn.weights import NetworkSizes
from steps.generators.mixture import Frame
from steps.generators.pairs import Pairs
from steps.generators.scale_bank import fit_scale_bank, summarised
from steps.training.workplace import never
from utils.command import logger
from utils.run_again import RunAgain

log = logger(__name__)
DIRECT = 20_000  # embeddings up to which the closed form is found embedding by embedding; with captions, always


@dataclass(frozen=True)
class Start:
    """A network before training.

    Attributes:
        network: with its initial weights.
        frame: maps latent coordinates to embeddings.
        latent: (N, q) float32, the latent embeddings that the network is trained on.
    """

    network: MixtureDensityNetwork
    frame: Frame
    latent: np.ndarray


def make_start(
    train: Pairs, options: MdnOptions, device: str = "cpu", stop_requested: Callable[[], bool] = never
) -> Start:
    """The start that the options ask for; `options.seed` seeds torch.

    Args:
        device: of the products of large matrices. The network is on the CPU.
        stop_requested: RunAgain is raised soon after it has become true.
    """

    def ask() -> None:
        if stop_requested():
            raise RunAgain("asked to stop in the start in closed form, which will begin anew")

    torch.manual_seed(options.seed)
    made = _shared(train, options, device, ask) if options.covariance == "shared" else _diagonal(train, options)
    made.network.normalise_texts(torch.from_numpy(train.texts))
    return made


def _shared(train: Pairs, options: MdnOptions, device: str, ask: Ask) -> Start:
    large = len(train.x) > DIRECT and not len(train.captions)
    form = by_sums(train, options, device, ask) if large else direct(train, options, ask)
    # the frame begins where the linear path does, which needs no bias then; or where all components do
    offset = form.mean_of.offset if options.linear_path else form.centre @ form.spread.root
    frame = Frame(form.subspace.to_embedding(offset[None])[0], form.subspace.basis @ form.spread.root)
    q = form.latent.shape[1]
    radii, weights = summarised(form.radii, train.weights) if large else (form.radii, train.weights)
    log.info("start in closed form: bank of %d scales", options.n_components)
    log_weights, scales = fit_scale_bank(radii, q, options.n_components, weights, ask=ask)
    network = MixtureDensityNetwork(_sizes(train, q, options, scale_floor=0.0))
    whitened = form.mean_of.then(form.spread.inverse_root)
    slopes = torch.from_numpy(whitened.weights).float() if options.linear_path else None
    network.start_from(
        torch.from_numpy(log_weights),
        torch.zeros(len(scales), q),
        torch.from_numpy(scales),
        slopes,
        quiet=True,
    )
    return Start(network, frame, form.latent)


def _diagonal(train: Pairs, options: MdnOptions) -> Start:
    rng = np.random.default_rng(options.seed)
    centre, deviation = train.x.mean(axis=0, dtype=np.float64), train.x.std(axis=0, dtype=np.float64)
    unit = deviation.max()  # one unit for all dimensions: scaling, not whitening
    latent = ((train.x - centre) / unit).astype(np.float32)
    network = MixtureDensityNetwork(_sizes(train, train.x.shape[1], options, options.subspace_floor))
    rows = rng.choice(len(latent), options.n_components, replace=len(latent) < options.n_components, p=train.weights)
    scales = np.maximum(deviation / unit, options.subspace_floor)
    network.start_from(
        torch.zeros(options.n_components),
        torch.from_numpy(latent[rows]),
        torch.from_numpy(np.tile(scales, (options.n_components, 1))),
        slopes=None,
        quiet=False,
    )
    return Start(network, Frame(centre, float(unit)), latent)


def _sizes(train: Pairs, latent_dim: int, options: MdnOptions, scale_floor: float) -> NetworkSizes:
    return NetworkSizes(
        text_dim=train.text_dim,
        latent_dim=latent_dim,
        n_components=options.n_components,
        hidden=options.hidden,
        n_layers=options.n_layers,
        diagonal=options.covariance == "diagonal",
        linear_path=options.linear_path,
        scale_floor=scale_floor,
    )
