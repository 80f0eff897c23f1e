"""Log likelihood ratios of frames: a mixture adapted to a speaker against the background, which it comes from.

With the posteriors g_c(x) of the background's components, and d_c(x) the log ratio of a component's density after
adaptation to that before,

    log p(x | model) - log p(x | background) = log sum_c g_c(x) exp d_c(x)

exactly. d_c is linear in the expanded frame, and in the frame itself where means alone move: so each model takes one
matrix product, and all models of a recording share the posteriors. Two ways are faster, and lose a little:

    selected    the sum has only the components whose posterior is not small in the frame; the others count as not
                adapted (D. Reynolds et al., "Speaker verification using adapted Gaussian mixture models", Digital
                Signal Processing 10, 2000, section 3.4, takes the five largest)
    linear      sum_c g_c(x) d_c(x), of first order in what has moved: a scalar product of numbers of the model and of
                the recording (O. Glembek et al., "Comparison of scoring methods used in speaker recognition with joint
                factor analysis", ICASSP 2009)
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from steps.gmm.score_options import LINEAR, LLR
from steps.gmm.statistics import FrameScorer, Gmm
from utils.errors import InputError

NUMBERS = 1 << 22  # of sums of recordings, at a time


class Movement:
    """What adaptation has changed of a background: d_c(x) of all frames as one matrix product.

    Args:
        scorer: of the background. model: the adapted mixture.

    Attributes:
        factors: (C, F + 1); d (T, C) = [z, 1] . factors^T of scaled frames z, or expanded ones where more than means
            has moved.
    """

    def __init__(self, scorer: FrameScorer, model: Gmm):
        background = scorer.gmm
        if model.means.shape != background.means.shape:
            raise InputError(f"means of {model.means.shape}; the background has {background.means.shape}")
        if not (background.weights > 0).all():
            raise InputError("the background has a component of weight 0; train it with pruning")
        (constant, factors), (own_constant, own_factors) = background.linear_form(), model.linear_form(background.scale)
        moved = own_factors - factors
        width = len(moved) if moved[background.dim :].any() else background.dim
        rows = np.concatenate([moved[:width].T, (own_constant - constant)[:, None]], axis=1)
        self.factors = torch.from_numpy(np.ascontiguousarray(rows)).to(scorer.device, scorer.dtype)

    @property
    def width(self) -> int:
        """F."""
        return self.factors.shape[1] - 1

    def widened(self, width: int) -> torch.Tensor:
        """The factors (C, F + 1) for more columns of expanded frames, which take no part."""
        extra = self.factors.new_zeros(len(self.factors), width - self.width)
        return torch.cat([self.factors[:, :-1], extra, self.factors[:, -1:]], dim=1)


def with_ones(expanded: torch.Tensor, width: int) -> torch.Tensor:
    """The first F columns of expanded frames (T, E), and one of ones: (T, F + 1)."""
    return torch.cat([expanded[:, :width], expanded.new_ones(len(expanded), 1)], dim=1)


def log_sums(logs: torch.Tensor) -> torch.Tensor:
    """log sum_c exp (T,) of logs (T, C). On a CPU torch.logsumexp is ten times slower where many terms are tiny."""
    return logs.amax(dim=1) - logs.log_softmax(dim=1).amax(dim=1)


class RatioScorer:
    """Scores of recordings against models, by one of METHODS.

    Args:
        scorer: of the background. method: one of METHODS.
        least_share: for `selected`: of the largest posterior of a frame, for components that take part.
    """

    def __init__(self, scorer: FrameScorer, method: str = LLR, least_share: float = 0.01):
        self.scorer, self.method, self.least_share = scorer, method, least_share

    def means(self, utterances: Sequence[np.ndarray], models: Sequence[Movement]) -> np.ndarray:
        """Mean log likelihood ratios a frame (U, M) float64 of utterances, each (T, D)."""
        if self.method == LINEAR:
            return self._linear(utterances, models)
        begins = np.cumsum([0, *map(len, utterances)])
        ratios = self.ratios(np.concatenate(utterances), models).astype(np.float64)
        return np.add.reduceat(ratios, begins[:-1], axis=0) / np.diff(begins)[:, None]

    def ratios(self, frames: np.ndarray, models: Sequence[Movement]) -> np.ndarray:
        """Log likelihood ratios (T, M) of frames (T, D)."""
        way = self._all_components if self.method == LLR else self._selected
        columns: list[list[torch.Tensor]] = [[] for _ in models]
        for expanded, joint in self.scorer.blocks(frames):
            ratio = way(expanded, joint.log_softmax(dim=1))
            for column, model in zip(columns, models, strict=True):
                column.append(ratio(model))
        return np.stack([torch.cat(column).cpu().numpy() for column in columns], axis=1)

    def _all_components(self, expanded: torch.Tensor, posteriors: torch.Tensor) -> Callable[[Movement], torch.Tensor]:
        """What gives the ratios (B,) of a model, of expanded frames (B, E) and log posteriors (B, C)."""
        frames: dict[int, torch.Tensor] = {}

        def ratio(model: Movement) -> torch.Tensor:
            if (width := model.width) not in frames:
                frames[width] = with_ones(expanded, width)
            return log_sums(torch.addmm(posteriors, frames[width], model.factors.T))

        return ratio

    def _selected(self, expanded: torch.Tensor, posteriors: torch.Tensor) -> Callable[[Movement], torch.Tensor]:
        """The same, of the components whose posteriors are not small."""
        floor = posteriors.amax(dim=1, keepdim=True) + np.log(self.least_share)
        frame, component = (posteriors >= floor).nonzero(as_tuple=True)
        shares = posteriors[frame, component].exp()
        rest = (1 - shares.new_zeros(len(expanded)).index_add_(0, frame, shares)).clamp_(min=0)
        chosen: dict[int, torch.Tensor] = {}

        def ratio(model: Movement) -> torch.Tensor:
            if (width := model.width) not in chosen:
                chosen[width] = with_ones(expanded, width)[frame]
            moved = model.factors[component].mul_(chosen[width]).sum(dim=1)
            most = moved.new_zeros(len(expanded)).scatter_reduce_(0, frame, moved, "amax")
            terms = moved.sub_(most[frame]).exp_().mul_(shares)
            return (rest * (-most).exp()).index_add_(0, frame, terms).log_().add_(most)

        return ratio

    def _linear(self, utterances: Sequence[np.ndarray], models: Sequence[Movement]) -> np.ndarray:
        """Mean ratios a frame (U, M) of first order: sums of g_c [z, 1] over frames, times the models' factors."""
        width = max(model.width for model in models)
        factors = torch.stack([model.widened(width) for model in models]).flatten(1)  # (M, C (F + 1))
        at_once = max(1, NUMBERS // factors.shape[1])
        found = []
        for first in range(0, len(utterances), at_once):
            sums = torch.stack([self._sums(frames, width) for frames in utterances[first : first + at_once]])
            found.append((sums.flatten(1) @ factors.T).double().cpu().numpy())
        return np.concatenate(found) / np.array([len(frames) for frames in utterances])[:, None]

    def _sums(self, frames: np.ndarray, width: int) -> torch.Tensor:
        """Sums (C, F + 1) over frames (T, D) of posteriors, times expanded frames and one."""
        parts = (joint.softmax(dim=1).T @ with_ones(expanded, width) for expanded, joint in self.scorer.blocks(frames))
        return torch.stack(list(parts)).sum(dim=0)
