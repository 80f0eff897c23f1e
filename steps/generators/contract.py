"""The interface of all generators: text vectors in, densities over embeddings out; a directory on disk.

    generator = load_generator(Path("exp/demo/mdn"))
    mixture, = generator.mixtures(text_vectors[:1])       # text_vectors (T, E) of the reader in the directory
    embeddings, components = mixture.sample(np.random.default_rng(0), 20)

A directory holds `generator.json` (kind, sizes and the numbers of that kind) and `weights.safetensors`, no pickles;
`steps/generators/README.md` lists the files that training writes beside them. Most kinds give mixtures
(`steps.generators.mixture`), the others samplers (`steps.generators.samplers`), which have `sample`, `tempered`,
`moved` and, where `has_density`, `log_density`, as mixtures have.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from steps.data.arrays import read_arrays
from steps.generators.blend import Blend
from steps.generators.mixture import Mixture
from steps.generators.samplers import Sampler
from steps.generators.validation import check_arrays, size_of
from steps.text.layout import READER, TextLayout
from steps.text.read import ENCODER
from steps.training.workplace import Workplace
from utils.errors import InputError, brief
from utils.json_files import json_text, read_json
from utils.pickles import find_pickle
from utils.registry import Registry

if TYPE_CHECKING:
    from steps.generators.pairs import Pairs

# imported when needed, so that a closed-form generator never waits for torch
KINDS = Registry(
    "kind of generator",
    {
        "linear": "steps.generators.linear_generator:LinearGenerator",
        "grouped": "steps.generators.group_generator:GroupGenerator",
        "manifold": "steps.generators.manifold_generator:ManifoldGenerator",
        "mdn": "steps.generators.mdn.generator:MdnGenerator",
        "flow": "steps.generators.rivals.flow_generator:FlowGenerator",
        "read": "steps.generators.read_generator:ReadGenerator",
        "table": "steps.generators.table_generator:TableGenerator",
        "tempered": "steps.generators.tempered_generator:TemperedGenerator",
        "pool": "steps.generators.rivals.pool_generator:PoolGenerator",
        "resampled": "steps.generators.rivals.resampled_generator:ResampledGenerator",
    },
)
NO_MIXTURES = ("pool", "flow")  # kinds whose samples have no components, and so no parameters to be written
DESCRIPTION, WEIGHTS = "generator.json", "weights.safetensors"
LONGEST_DESCRIPTION = 1 << 20  # bytes


class Fit(NamedTuple):
    """How a generator is fitted.

    Attributes:
        Options: frozen dataclass of its options.
        fit: (train pairs, dev pairs, options, workplace) -> generator.
        shared: several processes can fit one together.
    """

    Options: type
    fit: Callable[["Pairs", "Pairs", Any, Workplace], "Generator"]
    shared: bool = False


class Generator(ABC):
    """A conditional density over embeddings.

    Attributes:
        kind: name in `KINDS`.
        dim: D of the embeddings.
        text_dim: E of the text vectors.
        no_density: why its densities have no `log_density`; empty: they have one.
    """

    kind: ClassVar[str]
    no_density: str = ""
    dim: int
    text_dim: int

    @property
    def has_density(self) -> bool:
        """Have its densities `log_density`?"""
        return not self.no_density

    @property
    def layout(self) -> TextLayout:
        """What the columns of text vectors mean: here, those of the sentence vector alone."""
        return TextLayout(self.text_dim, {})

    @abstractmethod
    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture | Blend] | list[Sampler]:
        """The density for each of the text vectors (T, E)."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The content of the generator's files: JSON values, and arrays by name."""

    @classmethod
    @abstractmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "Generator":
        """The generator whose `state` this is."""

    def in_table(self, text_vectors: np.ndarray, most_bytes: int) -> "Generator | None":
        """A generator that knows these text vectors (T, E) alone and gives the same for them, without a network.

        None where there is no network to be spared, or where the table would have more bytes than `most_bytes`.
        """
        return None

    def log_density(self, x: np.ndarray, text_vectors: np.ndarray) -> np.ndarray:
        """Log density (N, T) in nats of embeddings (N, D) for texts (T, E)."""
        return np.stack([mixture.log_density(x) for mixture in self.mixtures(text_vectors)], axis=1)

    def save(self, directory: Path) -> None:
        """Write `generator.json` and `weights.safetensors`."""
        from safetensors.numpy import save

        values, arrays = self.state()
        description = {"kind": self.kind, "dim": self.dim, "text_dim": self.text_dim, "values": values}
        text = json_text(description, directory / DESCRIPTION, indent=2)
        (directory / DESCRIPTION).write_text(f"{text}\n", encoding="utf-8")
        # not save_file: it has temporary files of its own, which a kill leaves behind
        (directory / WEIGHTS).write_bytes(save({name: np.asarray(array, order="C") for name, array in arrays.items()}))


def dim_of(directory: Path) -> int:
    """D of the embeddings of a generator, as its description tells, without its weights."""
    require_files(directory)
    description = read_json(directory / DESCRIPTION, ("dim",))
    try:
        return size_of(description, "dim")
    except ValueError as error:
        raise InputError(f"{directory / DESCRIPTION}: {error}; train the model again") from error


def require_components(directory: Path, what: str) -> None:
    """Raise InputError where a generator gives no mixtures, which `what` is made of."""
    require_files(directory)
    description = read_json(directory / DESCRIPTION)
    while isinstance(description, dict) and isinstance(values := description.get("values"), dict):
        if description.get("kind") in NO_MIXTURES:
            raise InputError(
                f"{what}: {directory} is a generator of the kind {description['kind']!r}, whose samples have no"
                f" components; leave {what} out, or sample from a generator that gives mixtures"
            )
        description = values.get("inner")


def require_files(directory: Path) -> None:
    """Raise InputError where a directory has no generator."""
    for name in (DESCRIPTION, WEIGHTS):
        if not (directory / name).is_file():
            raise InputError(
                f"{directory}: no {name}; train a generator into this directory first (./run.sh --stage 4)"
            )


def load_generator(directory: Path) -> Generator:
    """Load a generator and check all its numbers (`steps.generators.validation`).

    Raises InputError where its files are incomplete, do not fit, or have a pickle with them.
    """
    directory = Path(directory)
    _check_files(directory)
    description = read_json(directory / DESCRIPTION, ("kind", "dim", "text_dim", "values"))
    kind, values = description["kind"], description["values"]
    if kind not in list(KINDS.entries):  # no `module:Class` either: a file would say what code is run
        raise InputError(f"{directory / DESCRIPTION}: unknown kind {brief(kind)}; known are {', '.join(KINDS.entries)}")
    arrays = read_arrays(directory / WEIGHTS, "train the model again")
    try:
        if not isinstance(values, dict):
            raise TypeError(f"values: expected an object, found {brief(values)}")
        check_arrays(arrays)
        sizes = size_of(description, "dim"), size_of(description, "text_dim")
        generator = KINDS.load(kind).from_state(values, arrays)
        check_names(generator, values, arrays)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise InputError(
            f"{directory}: {DESCRIPTION} and {WEIGHTS} do not make a generator of the kind {kind!r} ({error!r});"
            " train it again"
        ) from error
    if (generator.dim, generator.text_dim) != sizes:
        raise InputError(
            f"{directory}: the weights are for {generator.dim} dimensions and {generator.text_dim}-d texts,"
            f" {DESCRIPTION} says {sizes[0]} and {sizes[1]}; the files do not belong together"
        )
    _check_reader(directory, generator)
    return generator


def _check_files(directory: Path) -> None:
    """Raise InputError where files are missing, too large, or pickles."""
    require_files(directory)
    pickle = find_pickle(directory.rglob("*"))
    if pickle:
        raise InputError(f"{pickle}: a pickle can run code and is never loaded; remove it if it is not yours")
    if (directory / DESCRIPTION).stat().st_size > LONGEST_DESCRIPTION:
        raise InputError(
            f"{directory / DESCRIPTION}: {(directory / DESCRIPTION).stat().st_size} bytes, and no description of a"
            f" generator has more than {LONGEST_DESCRIPTION}; train the model again"
        )


def inner_generator(description: Any, arrays: dict[str, np.ndarray], outer: Collection[str]) -> Generator:
    """The generator within another one, whose state has `description`: {"kind", "values"}.

    Args:
        outer: kinds that do not stand within.
    Raises:
        ValueError: where it is none.
    """
    kind = description.get("kind") if isinstance(description, dict) else None
    if kind in outer or kind not in list(KINDS.entries):
        raise ValueError(f"inner: expected a known kind of generator, found {brief(description)}")
    made = KINDS.load(kind).from_state(description["values"], arrays)
    check_names(made, description["values"], arrays)
    return made


def check_names(generator: Generator, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Raise ValueError for values and arrays that no generator of this kind has."""
    for known, found in zip(generator.state(), (values, arrays), strict=True):
        if foreign := sorted(found.keys() - known.keys()):
            raise ValueError(f"{brief(foreign[0])} is none of {', '.join(list(known)[:10])}")


def _check_reader(directory: Path, generator: Generator) -> None:
    """Raise InputError where the directory names an encoder or a reader whose vectors are not the generator's."""
    path, dim = directory / ENCODER, generator.layout.sentence_dim
    if path.is_file() and (named := read_json(path).get("dim", dim)) != dim:
        raise InputError(
            f"{path}: the texts have {brief(named)} dimensions, the generator is for {dim}-d texts; the files do not"
            " belong together"
        )
    known = TextLayout.read(directory, generator.text_dim)
    if json.dumps(known.as_dict()) != json.dumps(generator.layout.as_dict()):
        raise InputError(
            f"{directory / READER}: reads other attributes or values than {DESCRIPTION} beside it; the files do not"
            " belong together"
        )
