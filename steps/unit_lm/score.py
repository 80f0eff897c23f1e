"""How many bits a language model needs for unit sequences, and whether it prefers their order to a random one.

    python3 -m steps.unit_lm.score --model exp/unit_lm/lstm --units exp/units_test --out exp/unit_lm/lstm_test

Writes

    scores.tsv      a line an utterance: units, bits, bits a unit; where durations are known seconds and bits a second
    figures.json    the same of all utterances together, and the share of pairs that were judged right
    pairs.tsv       with --shuffled true: bits of the real and of a random order, and whether the real one has fewer

All outcomes count, the end among them; bits a unit are bits divided by the number of outcomes, N + 1 for N units.
Random orders have no equal neighbours (`steps.unit_lm.shuffled`); where none is found, the pair is left out, and told.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from utils.command import logger, progress, run_command
from utils.json_files import write_json
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.unit_lm.language_model import UnitLm
    from steps.unit_lm.sequences import UnitSequences

log = logger(__name__)
CHUNK = 2000  # utterances that are looked at together


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.unit_lm.score"
    model: Path = option(help="directory of a language model, of a network or of n-grams")
    units: Path = option(help="directory of unit sequences")
    out: Path = option(help="directory to write")
    shuffled: bool = option(False, "compare the order of the units with a random one")
    seed: int = option(0, "of the random orders", least=0, most=MAX_SEED)
    batch_units: int = option(16_384, "networks: budget of a batch, rows times the longest", least=1, most=10**9)
    use_gpu: str = option("auto", "run a network on a GPU", choices=("auto", "true", "false"))
    force: bool = option(False, "score again even if nothing has changed")


def work(options: Options) -> None:
    """Score, and commit the directory."""
    with StageDir(options.out, options, [options.model, options.units], options.force) as stage:
        if stage.done:
            return
        from steps.training.workplace import find_device
        from steps.unit_lm.language_model import load_lm
        from steps.unit_lm.sequences import UnitSequences

        model, description = load_lm(options.model, options.batch_units, find_device(options.use_gpu, 1))
        sequences = UnitSequences(options.units, description.of_frames)
        description.require_units(sequences.info, options.units)
        figures = write_scores(stage.dir / "scores.tsv", model, sequences)
        if options.shuffled:
            figures["pairs"] = write_pairs(stage.dir / "pairs.tsv", model, sequences, options.seed)
        write_json(stage.dir / "figures.json", figures)
        right = (
            f", {figures['pairs']['right']:.2%} of pairs right" if options.shuffled and figures["pairs"]["n"] else ""
        )
        log.info("%s: %.4f bits a unit%s", stage.final, figures["bits_per_unit"], right)


def write_scores(path: Path, model: "UnitLm", sequences: "UnitSequences") -> dict[str, Any]:
    """Write the line of each utterance. Returns the figures of all together."""
    bits, outcomes = np.zeros(len(sequences)), np.zeros(len(sequences), np.int64)
    for own in _chunks(len(sequences)):
        found = model.bits([sequences.units(number) for number in own])
        bits[own], outcomes[own] = [one.sum() for one in found], [len(one) for one in found]
    header = ["utterance", "units", "bits", "bits_per_unit"]
    header += [] if sequences.seconds is None else ["seconds", "bits_per_second"]
    with path.open("w", encoding="utf-8") as file:
        file.write("\t".join(header) + "\n")
        for number, utterance in enumerate(sequences.utterances):
            words = [utterance, f"{sequences.lengths[number]}", f"{bits[number]:.4f}"]
            words.append(f"{bits[number] / outcomes[number]:.6f}")
            if sequences.seconds is not None:
                seconds = sequences.seconds[number]
                words += [f"{seconds:.4f}", f"{bits[number] / seconds:.4f}"]
            file.write("\t".join(words) + "\n")
    figures = {
        "utterances": len(sequences),
        "units": int(sequences.lengths.sum()),
        "bits": float(bits.sum()),
        "bits_per_unit": float(bits.sum() / outcomes.sum()),
    }
    if sequences.seconds is not None:
        seconds = float(sequences.seconds.sum())
        figures |= {"seconds": seconds, "bits_per_second": float(bits.sum() / seconds)}
    return figures


def write_pairs(path: Path, model: "UnitLm", sequences: "UnitSequences", seed: int) -> dict[str, Any]:
    """Write the line of each pair of a real and a random order. Returns their number, and the share that is right."""
    from steps.unit_lm.shuffled import shuffled_order

    n = n_right = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("utterance\tbits\tshuffled_bits\tright\n")
        for own in _chunks(len(sequences)):
            orders = [shuffled_order(sequences.distinct(number), seed, sequences.utterances[number]) for number in own]
            chosen = [number for number, order in zip(own, orders, strict=True) if order is not None]
            real = [sequences.units(number) for number in chosen]
            others = [
                sequences.in_order(number, order)
                for number, order in zip(own, orders, strict=True)
                if order is not None
            ]
            for number, one, other in zip(chosen, model.bits(real), model.bits(others), strict=True):
                right = one.sum() < other.sum()
                n, n_right = n + 1, n_right + int(right)
                word = str(bool(right)).lower()
                file.write(f"{sequences.utterances[number]}\t{one.sum():.4f}\t{other.sum():.4f}\t{word}\n")
    return {"n": n, "right": n_right / n if n else None, "left_out": len(sequences) - n}


def _chunks(n: int) -> Iterator[np.ndarray]:
    """Numbers of some utterances at a time."""
    parts = [np.arange(begin, min(begin + CHUNK, n)) for begin in range(0, n, CHUNK)]
    return progress(iter(parts), len(parts), "parts")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
