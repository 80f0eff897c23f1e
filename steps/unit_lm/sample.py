"""Draw unit sequences from a network, from their beginning or as continuations of prompts.

    python3 -m steps.unit_lm.sample --model exp/unit_lm/lstm --n 100 --out exp/samples

Writes a directory of unit sequences (`steps.data.unit_sequences`), of one speaker, --name; with --prompts of the
speakers of the prompts, whose ids the samples extend by a number. Durations are drawn from those that each unit had in
training (`steps.unit_lm.durations`), those of a prompt are its own; a model of frames samples them itself. A model that
was trained without durations gives none.

With --job 2 --nj 4 it draws the share of one job, as steps/unit_lm/sample.sh has it do; without, what is missing, and
writes the directory. Each sequence has a random generator of its own: the bytes depend neither on the number of jobs
nor on --batch.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from steps.unit_lm.network_options import TRANSFORMER
from utils.command import logger, run_command
from utils.errors import InputError
from utils.names import check_name
from utils.options import MAX_SEED, option
from utils.part_jobs import Part, run_part_jobs
from utils.parts import Item, Work, read_part
from utils.shards import MOST_JOBS, SHARDS_HELP
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.unit_lm.unit_sampler import UnitSampler

log = logger(__name__)
FREE = ("batch",)  # options that change no sample


@dataclass(frozen=True)
class Options:
    """Options of the command: those of `steps.unit_lm.choices.ChoiceOptions`, and of the sequences."""

    COMMAND: ClassVar[str] = "steps.unit_lm.sample"
    model: Path = option(help="directory of a network of steps/unit_lm/train.sh")
    out: Path = option(help="directory to write")
    n: int = option(10, "sequences to draw, of each prompt if there are any", least=1, most=10**8)
    prompts: Path | None = option(None, "directory of unit sequences to continue; none: from the beginning")
    prompt_units: int | None = option(None, "units of a prompt that are used; none: all", least=1, most=10**6)
    temperature: float = option(1.0, "logits are divided by it; 0: always the likeliest unit", least=0, most=1000)
    top_k: int | None = option(None, "only the likeliest so many; none: all", least=1, most=10**6)
    top_p: float = option(1.0, "only the likeliest that together have this share", above=0, most=1)
    min_units: int = option(1, "a sequence does not end before it has so many", least=1, most=10**6)
    max_units: int = option(1500, "a sequence ends when it has so many, those of its prompt too", least=1, most=10**6)
    name: str = option("sample", "speaker of the samples, with which their ids begin; of no prompts")
    seed: int = option(0, "another seed gives other samples", least=0, most=MAX_SEED)
    batch: int = option(64, "sequences that are drawn side by side; multiples of 64 waste nothing", least=1, most=10**5)
    shard_sequences: int = option(512, "sequences in a shard: what a killed job does again", least=1, most=10**7)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the outputs", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    force: bool = option(False, "sample again even if nothing has changed")


class UnitSamples:
    """The work of the command (see `utils.part_jobs.PartTask`)."""

    def __init__(self, options: Options):
        from steps.unit_lm.lm_files import LmDescription
        from steps.unit_lm.sequences import UnitSequences

        check_name(options.name, "--name", ())
        self.options, self.description = options, LmDescription.read(options.model)
        self.prompts: UnitSequences | None = None
        if options.prompts is not None:
            self.prompts = UnitSequences(options.prompts, self.description.of_frames)
            self.description.require_units(self.prompts.info, options.prompts)
        if options.min_units > options.max_units:
            raise InputError(f"--min_units {options.min_units}: more than --max_units, {options.max_units}")
        if self.description.vocabulary.n_units == 1 and options.min_units > 1 and not self.description.of_frames:
            raise InputError(
                f"--min_units {options.min_units}: {options.model} knows one unit, which never follows itself"
            )

    def items(self) -> list[Item]:
        """A sequence each, with the number of its prompt."""
        options = self.options
        names = [options.name] if self.prompts is None else self.prompts.utterances
        digits = max(6, len(str(options.n)))
        pairs = [
            (f"{name}-{n:0{digits}d}", prompt) for prompt, name in enumerate(names) for n in range(1, options.n + 1)
        ]
        return [Item(name, at // options.shard_sequences, prompt) for at, (name, prompt) in enumerate(pairs)]

    def prepare(self) -> Callable[[list[Item]], Part]:
        """Load the network."""
        from threadpoolctl import threadpool_limits

        sampler = self._sampler()

        def make(items: list[Item]) -> Part:
            with threadpool_limits(1):  # the same sums for any number of threads
                return self._part(sampler, items)

        return make

    def _sampler(self) -> "UnitSampler":
        from steps.unit_lm.choices import ChoiceOptions
        from steps.unit_lm.lm_files import load_network
        from steps.unit_lm.unit_sampler import Limits, UnitSampler

        options = self.options
        network, description = load_network(options.model)
        own = network.options
        if own.network == TRANSFORMER and options.max_units > own.max_units:
            raise InputError(
                f"--max_units {options.max_units}: more than the {own.max_units} places that this model has learned"
            )
        limits = Limits(options.min_units, options.max_units, description.of_frames)
        choices = ChoiceOptions(options.temperature, options.top_k, options.top_p)
        return UnitSampler(network, choices, limits, options.batch)

    def _part(self, sampler: "UnitSampler", items: list[Item]) -> Part:
        """The units and durations of some sequences, one after the other."""
        from steps.unit_lm.durations import DurationSampler
        from steps.unit_lm.unit_sampler import SequenceStart

        seed = self.options.seed
        starts = [SequenceStart((seed, *_entropy(item.id)), self._prompt(item.content)) for item in items]
        found, durations = sampler.draw(starts), []
        drawn = None if self.description.of_frames else DurationSampler.load(self.options.model)
        if drawn is not None:
            for item, units in zip(items, found, strict=True):
                rng = np.random.default_rng((seed, *_entropy(item.id), 1))
                durations.append(drawn.draw(units, rng))
                if self.prompts is not None and self.prompts.has_durations:
                    own = self.prompts.durations(item.content)[: self.options.prompt_units]
                    durations[-1][: len(own)] = own[: len(units)]
        arrays = {"units": np.concatenate(found), "lengths": np.array([len(units) for units in found])}
        if durations:
            arrays["durations"] = np.concatenate(durations)
        return [item.id for item in items], arrays

    def _prompt(self, number: int) -> np.ndarray:
        """The units (N,) that a sequence begins with."""
        if self.prompts is None:
            return np.zeros(0, np.int32)
        units = self.prompts.units(number)[: self.options.prompt_units]
        if len(units) >= self.options.max_units:
            raise InputError(
                f"{self.options.prompts}: {self.prompts.utterances[number]}: a prompt of {len(units)} units leaves none"
                f" of --max_units {self.options.max_units}; give --prompt_units"
            )
        return units

    def join(self, stage: StageDir, planned: Work) -> None:
        """Write the directory."""
        from steps.data.unit_sequences import UnitsInfo, UnitsWriter, deduplicate
        from utils.data_dir import write_data_dir

        own, n_full = self.description, 0
        with_durations = own.of_frames or self._knows_durations()
        about = {"sampled_from": str(self.options.model.name)}
        info = UnitsInfo(own.vocabulary.n_units, own.frame_seconds, own.model, about)
        with UnitsWriter(stage.dir, stage.final, info, with_durations) as writer:
            for shard in range(planned.n_shards):
                ids, arrays = read_part(planned.part(shard))
                ends = np.cumsum(arrays["lengths"])[:-1]
                units = np.split(arrays["units"], ends)
                n_full += sum(len(one) >= self.options.max_units for one in units)
                durations: list[Any] = [None] * len(ids)
                if own.of_frames:
                    units, durations = zip(*map(deduplicate, units), strict=True)
                elif with_durations:
                    durations = np.split(arrays["durations"], ends)
                for key, one, lasting in zip(ids, units, durations, strict=True):
                    writer.add(key, one, lasting)
        utt2spk = {item.id: self._speaker(item.content) for item in self.items()}
        write_data_dir(stage.dir, {"utt2spk": dict(sorted(utt2spk.items())), **writer.tables()})
        cut = f", {n_full} of them ended by --max_units" if n_full else ""
        log.info("%s: %d sequences%s", stage.final, len(utt2spk), cut)

    def _knows_durations(self) -> bool:
        from steps.unit_lm.lm_files import DURATION_COUNTS

        return (self.options.model / DURATION_COUNTS).is_file()

    def _speaker(self, prompt: int) -> str:
        return self.options.name if self.prompts is None else self.prompts.speakers[prompt]

    def check(self) -> None:
        """Nothing: what is there is good."""


def _entropy(name: str) -> tuple[int, ...]:
    """Numbers that stand for an id."""
    import hashlib

    digest = hashlib.sha256(name.encode()).digest()
    return tuple(int.from_bytes(digest[at : at + 4], "big") for at in (0, 4))


def work(options: Options) -> None:
    """Draw the share of this job, or all, and commit the directory."""
    inputs = [options.model, *([] if options.prompts is None else [options.prompts])]
    run_part_jobs(options, inputs, UnitSamples(options), FREE)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
