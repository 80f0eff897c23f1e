"""A language model of units in a directory: `unit_lm.json`, tensors, and no pickle.

unit_lm.json              kind (lstm, transformer or ngram), the units, and the sizes of the model
weights.safetensors       of a network; of n-grams ngrams.safetensors
durations.safetensors     how many frames each unit lasted in training, counted; where that was known
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.data.unit_sequences import MOST_UNITS, UnitsInfo
from steps.unit_lm.network_options import NETWORKS, UnitNetworkOptions, make_network
from steps.unit_lm.vocabulary import Vocabulary
from utils.errors import InputError, brief
from utils.json_files import read_json, write_json
from utils.mounts import lost_disk_told
from utils.option_values import as_dict, convert

if TYPE_CHECKING:
    from steps.unit_lm.ngram import Ngrams
    from steps.unit_lm.unit_network import UnitNetwork

DESCRIPTION, WEIGHTS, DURATION_COUNTS = "unit_lm.json", "weights.safetensors", "durations.safetensors"
NGRAM_COUNTS = "ngrams.safetensors"
NGRAM = "ngram"
KINDS = (*NETWORKS, NGRAM)
LEAST_BYTES = 2  # of a number
REMEDY = "train it again (steps/unit_lm/train.sh)"


@dataclass(frozen=True)
class LmDescription:
    """What `unit_lm.json` says.

    Attributes:
        kind: one of KINDS. vocabulary: of the symbols. of_frames: it knows repetitions, a unit a frame.
        frame_seconds: the step of frames. model: what gave the units. sizes: of a network or of n-grams.
    """

    kind: str
    vocabulary: Vocabulary
    of_frames: bool
    frame_seconds: float
    model: str
    sizes: dict[str, Any]

    @classmethod
    def of(
        cls, kind: str, info: UnitsInfo, of_frames: bool, sizes: dict[str, Any], ends: bool = True
    ) -> "LmDescription":
        """That of a model of the units of a directory."""
        return cls(kind, Vocabulary(info.n_units, ends), of_frames, info.frame_seconds, info.model, sizes)

    def write(self, directory: Path) -> None:
        """Write the file."""
        own = vars(self.vocabulary)
        content = {name: value for name, value in vars(self).items() if name != "vocabulary"}
        write_json(directory / DESCRIPTION, {"kind": self.kind, **own, **content})

    @classmethod
    def read(cls, directory: Path) -> "LmDescription":
        """Read the file. Raises InputError where it is missing or is none."""
        path = Path(directory) / DESCRIPTION
        if not path.is_file():
            raise InputError(f"{directory}: no {DESCRIPTION} here; expected a model that steps/unit_lm/train.sh made")
        content = read_json(path, ("kind", "n_units", "ends", "of_frames", "frame_seconds", "model", "sizes"))
        n_units = content.pop("n_units")
        good = {
            "kind": content["kind"] in KINDS,
            "ends": isinstance(content["ends"], bool),
            "of_frames": isinstance(content["of_frames"], bool),
            "frame_seconds": isinstance(content["frame_seconds"], int | float) and content["frame_seconds"] > 0,
            "model": isinstance(content["model"], str),
            "sizes": isinstance(content["sizes"], dict),
        }
        for name, fits in good.items():
            if not fits:
                raise InputError(f"{path}: {name}: {brief(content[name])} is none; {REMEDY}")
        if type(n_units) is not int or not 1 <= n_units <= MOST_UNITS:
            raise InputError(f"{path}: n_units: expected 1 to {MOST_UNITS}, found {brief(n_units)}; {REMEDY}")
        vocabulary = Vocabulary(n_units, content.pop("ends"))
        return cls(vocabulary=vocabulary, **{name: content[name] for name in good if name != "ends"})

    def require_units(self, info: UnitsInfo, where: Path) -> None:
        """Raise InputError for a directory whose units are not those that the model knows."""
        for name, own in (("n_units", self.vocabulary.n_units), ("model", self.model)):
            found = getattr(info, name)
            if found != own:
                raise InputError(f"{where}: {name} is {found}, but the language model was trained on units with {own}")


def save_network(directory: Path, network: "UnitNetwork", description: LmDescription) -> None:
    """Write the files of a network, but for durations."""
    from safetensors.torch import save

    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    (directory / WEIGHTS).write_bytes(save(tensors))
    description.write(directory)


def load_network(directory: Path, device: str = "cpu") -> tuple["UnitNetwork", LmDescription]:
    """Load a network, in evaluation mode and without gradients. Raises InputError where its files do not fit."""
    import torch

    from steps.networks.foreign_weights import load_weights

    directory = Path(directory)
    description, path = LmDescription.read(directory), directory / DESCRIPTION
    if description.kind not in NETWORKS:
        raise InputError(f"{path}: describes no network but an {description.kind}; expected {' or '.join(NETWORKS)}")
    wrong = description.sizes.keys() ^ UnitNetworkOptions.__dataclass_fields__.keys()
    if wrong:
        raise InputError(f"{path}: sizes: {brief(min(wrong))} is missing, or is no size of a network; {REMEDY}")
    sizes = description.sizes.items()
    options = UnitNetworkOptions(
        **{name: convert(UnitNetworkOptions, name, value, f"{path}: sizes: {name}") for name, value in sizes}
    )
    if not (directory / WEIGHTS).is_file():
        raise InputError(f"{directory}: no {WEIGHTS} here; {REMEDY}")
    with torch.device("meta"):
        numbers = sum(one.numel() for one in make_network(options, description.vocabulary).state_dict().values())
    size = (directory / WEIGHTS).stat().st_size
    if numbers * LEAST_BYTES > size:
        raise InputError(f"{path}: sizes: of a larger network than the {size} bytes of {WEIGHTS} hold; {REMEDY}")
    with torch.random.fork_rng(devices=()):
        network = make_network(options, description.vocabulary)
    load_weights(network, directory / WEIGHTS)
    return network.eval().requires_grad_(False).to(device), description


def network_sizes(options: UnitNetworkOptions) -> dict[str, Any]:
    """The sizes that a description of a network has."""
    names = UnitNetworkOptions.__dataclass_fields__
    return {name: value for name, value in as_dict(options).items() if name in names}


def write_durations(directory: Path, counts: np.ndarray | None) -> None:
    """Write how often each unit lasted how long: (n_units, longest), column d - 1 for d frames; nothing for None."""
    from safetensors.numpy import save

    if counts is not None:
        (directory / DURATION_COUNTS).write_bytes(save({"counts": np.ascontiguousarray(counts)}))


def save_ngrams(directory: Path, ngrams: "Ngrams", description: LmDescription) -> None:
    """Write the files of a model of n-grams, but for durations."""
    from safetensors.numpy import save

    tensors = {
        f"{n}.{name}": values for n, order in enumerate(ngrams.orders, 1) for name, values in vars(order).items()
    }
    (directory / NGRAM_COUNTS).write_bytes(save(tensors))
    description.write(directory)


def load_ngrams(directory: Path) -> tuple["Ngrams", LmDescription]:
    """Load a model of n-grams. Raises InputError where its files do not fit."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from steps.unit_lm.ngram import Ngrams, OrderCounts

    description, path = LmDescription.read(directory), Path(directory) / NGRAM_COUNTS
    if not path.is_file():
        raise InputError(f"{directory}: no {NGRAM_COUNTS} here; {REMEDY}")
    try:
        with lost_disk_told(path):
            tensors = load_file(path)
        names = ("keys", "counts", "discounts")
        orders = [
            OrderCounts(*(tensors[f"{n}.{name}"] for name in names)) for n in range(1, len(tensors) // len(names) + 1)
        ]
    except (SafetensorError, KeyError) as error:
        raise InputError(f"{path}: not the counts of n-grams ({error}); train the model again") from error
    if not orders or any(one.keys.shape != one.counts.shape or one.discounts.shape != (3,) for one in orders):
        raise InputError(f"{path}: counts of other sizes than keys; train the model again")
    return Ngrams(description.vocabulary, orders), description
