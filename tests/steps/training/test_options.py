"""Options of the loop, taken from those of a task."""

from dataclasses import dataclass, fields

from steps.generators.mdn.options import MdnOptions
from steps.training.options import TrainingOptions
from tests.steps.training.tiny import TinyOptions


@dataclass(frozen=True)
class Own:
    epochs: int = 7
    batch_size: int = 3


def test_fields_of_the_same_names_count():
    assert TrainingOptions.of(Own()) == TrainingOptions(epochs=7)
    assert TrainingOptions.of(MdnOptions(lr=0.5, lr_patience=1)) == TrainingOptions(lr=0.5, lr_patience=1)


def test_what_extends_them_can_be_given_as_it_is():
    own = TinyOptions(average=2)
    assert TrainingOptions.of(own) == TrainingOptions(epochs=3, lr=0.01, average=2)
    assert {field.name for field in fields(TrainingOptions)} < {field.name for field in fields(own)}
