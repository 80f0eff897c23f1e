"""Import an LSTM over units that others have trained, as tensors alone, and only if all of them fit.

    python3 -m steps.unit_lm.import_lstm --checkpoint lstm_r1.pt --n_units 2000 --units_model mhubert-km2000 \\
        --pad 2001 --out exp/unit_lm/imported

The checkpoint is a state dict (see `steps.networks.foreign_weights`) of a network whose modules are named by --names:

    embedding.weight                          (V, E)       a vector for each symbol
    lstm.{weight,bias}_{ih,hh}_l0, _l1, ...                torch's LSTM, in one direction
    linear.weight, linear.bias                (V, H), (V,) the logits of the symbols

V is `n_units` and the symbols after them, each of which is to be named: --bos, by which a sequence begins (by default
the first after the units, such as 2000), and --eos and --pad, if there are such. Where training had no end, the model
has none: samples of it end by their length. Rows of PAD and of what is never read or predicted are not kept; what is
left gives the same logits.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from steps.data.unit_sequences import LONGEST_FRAME, MOST_UNITS, UnitsInfo
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from torch import Tensor, nn

    from steps.unit_lm.unit_network import UnitNetwork

log = logger(__name__)
LAYER = re.compile(r"_l(\d{1,3})$")
IMPORTED_UNITS = 2000  # places that are looked at together; an LSTM has no limit of its own


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.unit_lm.import_lstm"
    checkpoint: Path = option(help="file of torch with a state dict, of any name, or .safetensors")
    out: Path = option(help="directory of the model to write")
    n_units: int = option(help="units that it was trained on, 0 to n_units - 1", least=1, most=MOST_UNITS)
    units_model: str = option(help="name of what gave these units, as units.json of their directories says it")
    frame_seconds: float = option(0.02, "step of the frames of the units", above=0, most=LONGEST_FRAME)
    bos: int | None = option(None, "symbol that begins a sequence (SOS); none: n_units", least=0, most=2 * MOST_UNITS)
    eos: int | None = option(None, "symbol that ends one; none: it has none", least=0, most=2 * MOST_UNITS)
    pad: int | None = option(None, "symbol that fills up; none: it has none", least=0, most=2 * MOST_UNITS)
    of_frames: bool = option(False, "it was trained on the units of all frames, repetitions included")
    names: tuple[str, ...] = option(("embedding", "lstm", "linear"), "of its three modules in the checkpoint")
    force: bool = option(False, "import again even if nothing has changed")


def work(options: Options) -> None:
    """Import, and commit the directory."""
    if len(options.names) != 3 or len(set(options.names)) != 3 or not all(map(str.isidentifier, options.names)):
        raise InputError("--names: expected three different names, such as embedding,lstm,linear")
    with StageDir(options.out, options, [options.checkpoint], options.force) as stage:
        if stage.done:
            return
        from steps.unit_lm.lm_files import LmDescription, network_sizes, save_network

        network = import_lstm(options)
        info = UnitsInfo(options.n_units, options.frame_seconds, options.units_model)
        sizes, ends = network_sizes(network.options), options.eos is not None
        save_network(stage.dir, network, LmDescription.of("lstm", info, options.of_frames, sizes, ends))
        own = network.options
        log.info("%s: embedding %d, hidden %d, %d layers", stage.final, own.embedding, own.hidden, own.layers)


def import_lstm(options: Options) -> "UnitNetwork":
    """The network of the checkpoint. Raises InputError that names what is missing, surplus or of another shape."""
    import torch

    from steps.networks.foreign_weights import load_weights
    from steps.unit_lm.network_options import UnitNetworkOptions, make_network
    from steps.unit_lm.vocabulary import Vocabulary

    foreign = foreign_network(options)
    load_weights(foreign, options.checkpoint, any_name=True)
    embedding, lstm, linear = (getattr(foreign, name) for name in options.names)
    special = symbols_of(options, embedding.num_embeddings)
    sizes = {"embedding": embedding.embedding_dim, "hidden": lstm.hidden_size, "layers": lstm.num_layers}
    own = UnitNetworkOptions(**sizes, dropout=0.0, max_units=IMPORTED_UNITS)
    network = make_network(own, Vocabulary(options.n_units, options.eos is not None))
    network.lstm.load_state_dict(lstm.state_dict())
    units = torch.arange(options.n_units)
    outcomes = units if options.eos is None else torch.cat([units, torch.tensor([options.eos])])
    with torch.no_grad():
        network.embedding.weight.zero_()
        network.embedding.weight[: options.n_units] = embedding.weight[units]
        network.embedding.weight[network.vocabulary.bos] = embedding.weight[special["bos"]]
        network.linear.weight.copy_(linear.weight[outcomes])
        network.linear.bias.copy_(linear.bias[outcomes])
    return network.eval()


def foreign_network(options: Options) -> "nn.Module":
    """A network with the names and sizes of the checkpoint's, as far as its embedding and its LSTM tell them."""
    from torch import nn

    from steps.networks.foreign_weights import read_tensors

    places = read_tensors(options.checkpoint, any_name=True)
    tensors = {name: value for own in places.values() for name, value in own.items()}
    embedding, lstm, linear = options.names
    n_symbols, dim = _shape(options, tensors, f"{embedding}.weight")
    _, hidden = _shape(options, tensors, f"{lstm}.weight_hh_l0")
    layers = {int(found[1]) for name in tensors if f"{lstm}." in name and (found := LAYER.search(name))}
    network = nn.Module()
    network.add_module(embedding, nn.Embedding(n_symbols, dim))
    network.add_module(lstm, nn.LSTM(dim, hidden, max(layers) + 1, batch_first=True))
    network.add_module(linear, nn.Linear(hidden, n_symbols))
    return network


def _shape(options: Options, tensors: "dict[str, Tensor]", wanted: str) -> tuple[int, int]:
    """The shape of the matrix of this name, whatever stands before it."""
    found = [value for name, value in tensors.items() if name == wanted or name.endswith(f".{wanted}")]
    if not found:
        raise InputError(
            f"{options.checkpoint}: no tensor {wanted}; it has {', '.join(sorted(tensors)[:8])}. Give the names of its"
            " modules as --names, in the order embedding, LSTM, linear"
        )
    if found[0].ndim != 2 or not min(found[0].shape):
        raise InputError(f"{options.checkpoint}: {wanted}: shape {tuple(found[0].shape)}, expected a matrix")
    return tuple(found[0].shape)


def symbols_of(options: Options, n_symbols: int) -> dict[str, int]:
    """The symbols beside the units by name. Raises InputError where they are not all of those that there are."""
    given = {"bos": options.n_units if options.bos is None else options.bos, "eos": options.eos, "pad": options.pad}
    special = {name: symbol for name, symbol in given.items() if symbol is not None}
    wanted = list(range(options.n_units, n_symbols))
    if sorted(special.values()) != wanted:
        said = ", ".join(f"{name} {symbol}" for name, symbol in special.items())
        others = str(wanted) if len(wanted) <= len(given) else f"{wanted[0]} to {wanted[-1]}"
        raise InputError(
            f"{options.checkpoint}: {n_symbols} symbols, of which {options.n_units} are units; the others, {others},"
            f" are to be named by --bos, --eos and --pad, each once; given are {said}"
        )
    return special


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
