"""Schedules of the learning rate: halved on a plateau of the dev figure, or warm-up and cosine over all updates."""

import math
from typing import Any

import torch

from steps.training.options import TrainingOptions
from utils.errors import InputError


class Plateau:
    """Halves the rate after some epochs without a better dev figure."""

    def __init__(self, optimizer: torch.optim.Optimizer, options: TrainingOptions, higher_is_better: bool):
        if options.warm_up:
            raise InputError("warm_up: a plateau schedule has no warm-up; use schedule=cosine, or warm_up=0")
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, "max" if higher_is_better else "min", factor=0.5, patience=options.lr_patience
        )

    def before_update(self, step: int) -> None:
        """Nothing: the rate changes between epochs."""

    def after_epoch(self, figure: float) -> None:
        """Halve the rate if the dev figure has not improved for `lr_patience` epochs."""
        self.scheduler.step(figure)

    def state(self) -> dict[str, Any]:
        """The state of the schedule, as JSON values."""
        return self.scheduler.state_dict()

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave, the optimizer's rates too; a training with another schedule gave nothing."""
        self.scheduler.load_state_dict(state)
        for group, lr in zip(self.scheduler.optimizer.param_groups, state.get("_last_lr", ()), strict=bool(state)):
            group["lr"] = lr


class WarmUpCosine:
    """A linear rise and half a cosine; the rate depends on the number of the update alone, so there is no state."""

    def __init__(self, optimizer: torch.optim.Optimizer, options: TrainingOptions, n_updates: int):
        self.optimizer, self.options, self.total = optimizer, options, options.epochs * n_updates
        self.rates = [group["lr"] for group in optimizer.param_groups]

    def share(self, step: int) -> float:
        """Share of the full rate in update `step`, counted from 0."""
        rise, end = self.options.warm_up, self.options.lr_end
        if step < rise:
            return (step + 1) / rise
        done = min(1.0, (step - rise) / max(1, self.total - rise - 1))  # 1 in the last update
        return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * done))

    def before_update(self, step: int) -> None:
        """Set the rates for update `step`, counted from 0 over all epochs."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * self.share(step)

    def after_epoch(self, figure: float) -> None:
        """Nothing: the rate does not depend on the dev figure."""

    def state(self) -> dict[str, Any]:
        """Empty: there is no state."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing: the next update sets the rates."""


Schedule = Plateau | WarmUpCosine


def make_schedule(
    optimizer: torch.optim.Optimizer, options: TrainingOptions, n_updates: int, higher_is_better: bool
) -> Schedule:
    """The schedule that the options ask for; `n_updates` is the number of updates in an epoch."""
    if options.schedule == "cosine":
        return WarmUpCosine(optimizer, options, n_updates)
    return Plateau(optimizer, options, higher_is_better)
