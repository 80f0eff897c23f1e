"""Options of the training loop. The options of a task extend these, or have fields of the same names."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from utils.options import MAX_SEED, option

PRECISIONS = ("auto", "fp32", "tf32", "bf16")  # see `steps.training.precision`


@dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained."""

    REPLACED: ClassVar[dict[str, str]] = {"bf16": "precision=bf16"}
    epochs: int = option(100, "most passes over the data", least=0, most=10**6)
    lr: float = option(1e-4, "learning rate of AdamW", above=0, most=1e38)
    weight_decay: float = option(0.01, "decay of the weights", least=0, most=10**6)
    schedule: str = option(
        "plateau", "of the learning rate: plateau | cosine, after a linear warm-up", choices=("plateau", "cosine")
    )
    lr_patience: int = option(
        3, "plateau: epochs without a better dev figure before the rate is halved", least=0, most=10**6
    )
    warm_up: int = option(0, "cosine: updates in which the rate rises to lr", least=0, most=10**9)
    lr_end: float = option(0.0, "cosine: share of lr that the last epoch ends with", least=0, most=1)
    clip: float | None = option(1.0, "largest norm of a gradient; none for no limit", above=0, most=10**9)
    accumulate: int = option(1, "parts that a batch is worked through in, to save memory", least=1, most=10**6)
    precision: str = option("auto", "of matrix products; auto: tf32 on a GPU, fp32 on a processor", choices=PRECISIONS)
    patience: int | None = option(
        10, "epochs without a better dev figure before training ends; none: never", least=1, most=10**6
    )
    average: int = option(
        1, "best epochs whose weights are averaged at the end; 1 for the best alone", least=1, most=1000
    )
    save_every: int = option(0, "updates between checkpoints within an epoch; 0 for none", least=0, most=10**9)
    seed: int = option(0, "seed of the initial weights and of all random streams", least=0, most=MAX_SEED)

    @classmethod
    def of(cls, options: Any) -> Self:
        """These options from the fields of the same names that `options` has; the rest at their defaults."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: getattr(options, name) for name in names if hasattr(options, name)})
