"""Learning rates."""

import pytest
import torch

from steps.training.options import TrainingOptions
from steps.training.schedule import make_schedule


def optimizer() -> torch.optim.Optimizer:
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    return torch.optim.AdamW([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.5}], lr=1.0)


def rates(made: torch.optim.Optimizer) -> list[float]:
    return [group["lr"] for group in made.param_groups]


def test_warm_up_and_cosine():
    options = TrainingOptions(epochs=10, schedule="cosine", warm_up=20, lr_end=0.2)
    made = optimizer()
    schedule = make_schedule(made, options, 10, higher_is_better=False)
    seen = []
    for step in range(100):
        schedule.before_update(step)
        seen.append(rates(made)[0])
        assert rates(made)[1] == 0.5 * seen[-1]  # a group with a rate of its own
    assert seen[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert seen[20] == 1 and seen[99] == pytest.approx(0.2)
    assert seen[59] + seen[60] == pytest.approx(1.2) and sorted(seen[20:], reverse=True) == seen[20:]
    schedule.before_update(500)  # more epochs than were planned
    assert rates(made)[0] == pytest.approx(0.2)


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_schedule_of_no_or_one_update(epochs):
    made = optimizer()
    schedule = make_schedule(made, TrainingOptions(epochs=epochs, schedule="cosine"), 1, higher_is_better=False)
    schedule.before_update(0)
    assert rates(made) == [1.0, 0.5]


@pytest.mark.parametrize("higher_is_better", [False, True])
def test_a_plateau_halves_every_rate_and_is_restored(higher_is_better):
    made, again = optimizer(), optimizer()
    options = TrainingOptions(lr_patience=1)
    schedule, restored = (make_schedule(each, options, 10, higher_is_better) for each in (made, again))
    best = 2 if higher_is_better else 0.5
    for figure in (1, best, best, best):
        schedule.after_epoch(figure)
    assert rates(made) == [0.5, 0.25]
    restored.set_state(schedule.state())
    for _ in range(2):
        schedule.after_epoch(best)
        restored.after_epoch(best)
    assert rates(made) == rates(again) == [0.25, 0.125]
