"""Train one generator of the list in `conf/generators.txt`: stage 4 runs one such job for each line.

Writes <out>/<name>: the generator, the files of the reader of its texts, the means of its training speakers, a
classifier of their genders, and for a network its checkpoints, `metrics.jsonl` and a curve. On USR1 or TERM a network
saves its state between two updates, and the command ends with the status of `utils.run_again`; the same command
continues from that state.
"""

import multiprocessing
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from steps.text.read import ENCODER, FILES
from steps.training.options import PRECISIONS
from steps.training.workplace import Workplace, find_device
from utils.command import logger, run_command
from utils.errors import InputError
from utils.names import check_name
from utils.option_values import as_dict, convert, own_names
from utils.options import MAX_SEED, option
from utils.registry import Registry
from utils.run_again import RunAgain, StopRequest
from utils.settings import read_conf
from utils.shards import MOST_JOBS
from utils.stage_dir import StageDir
from utils.tables import read_lines

log = logger(__name__)
# directories of an experiment that are no generators
RESERVED = ("attributes", "embed", "index", "log", "samples", "score", "sweep", "text", "verify")

# each a `steps.generators.contract.Fit`
FITS = Registry(
    "fit",
    {
        "mdn": "steps.generators.mdn.fit:MDN",
        "gaussian": "steps.generators.linear_generator:GAUSSIAN",
        "ridge": "steps.generators.linear_generator:RIDGE",
        "group_gaussian": "steps.generators.group_generator:GROUP_GAUSSIAN",
        "gmm": "steps.generators.group_generator:GMM",
        "pool": "steps.generators.rivals.pool_generator:POOL",
        "pca_gmm": "steps.generators.rivals.pca_gmm:PCA_GMM",
        "flow": "steps.generators.rivals.flow:FLOW",
        "tacospawn": "steps.generators.rivals.tacospawn:TACOSPAWN",
        "nearest_text": "steps.generators.rivals.resampled_generator:NEAREST_TEXT",
    },
    needs=("Options", "fit", "shared"),
)


def listed_options(values: dict[str, Any]) -> list[type]:
    """The dataclasses of the options of all generators of the list, or of the one that `--name` asks for."""
    fits = [entry.fit for entry in read_list(values["generators"]) if values["name"] in (None, entry.name)]
    return [FITS.load(fit).Options for fit in dict.fromkeys(fits)]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    index: Path = option(help="exp/<corpus>/index: train and dev are read")
    descriptions: Path = option(help="data/<corpus>/descriptions")
    text_vectors: Path = option(help="exp/<corpus>/text")
    out: Path = option(help="directory to write the generator's own directory into, exp/<corpus>")
    generators: Path = option(Path("conf/generators.txt"), "list of generators: name, fit, options")
    job: int = option(1, "which line of the list to train, from 1", least=1, most=MOST_JOBS)
    name: str | None = option(None, "train the generator of this name instead")
    set: tuple[tuple[str, Any], ...] = option((), "the generators' own options too", inner=listed_options)
    seed: int | None = option(None, "override the generator's seed, where it has one", least=0, most=MAX_SEED)
    use_gpu: str = option("auto", "train networks on a GPU", choices=("auto", "true", "false"))
    precision: str | None = option(
        None, "override the generator's precision, where it has one: of matrix products", choices=PRECISIONS
    )
    num_gpus: int = option(
        1, "processes that train a network together, a GPU each if there are GPUs", least=1, most=1024
    )
    nuisance: str | None = option(
        None, "source: what tells the sources of utt2source apart is learnt, and no text says it", choices=("source",)
    )
    nuisance_mix: str = option(
        "group",
        "samples have the sources of the training speakers of their group | of all, whatever the text",
        choices=("group", "corpus"),
    )
    store_speaker_means: bool = option(True, "keep the mean embedding of each training speaker beside the weights")
    force: bool = option(False, "train again even if nothing has changed")


class Entry(NamedTuple):
    """A line of the list of generators."""

    name: str
    fit: str
    conf: Path | None


def work(options: Options) -> None:
    """Train one generator and commit its directory."""
    entry = choose(read_list(options.generators), options)
    n = options.num_gpus if FITS.load(entry.fit).shared else 1
    with StopRequest(multiprocessing.RawValue("b", 0) if n > 1 else None) as stop_requested:
        train(entry, options, n, stop_requested)


def train(entry: Entry, options: Options, n: int, stop_requested: StopRequest) -> None:
    """Train one generator in `n` processes, which stop when `stop_requested`, and commit its directory."""
    own = generator_options(FITS.load(entry.fit).Options, entry, options)
    resolved = {
        "name": entry.name,
        "fit": entry.fit,
        **as_dict(own),
        "store_speaker_means": options.store_speaker_means,
    }
    if options.nuisance:
        resolved |= {"nuisance": options.nuisance, "nuisance_mix": options.nuisance_mix}
    inputs = [options.index / "train", options.index / "dev", options.descriptions, options.text_vectors]
    out = options.out / entry.name
    with StageDir(out, resolved, inputs, options.force, resume=True, command="steps.generators.train") as stage:
        if stage.done:
            return
        from steps.generators.gender_classifier import write_gender_classifier
        from steps.generators.speaker_means import write_speaker_means

        network = FITS.load(entry.fit).shared  # else torch, which takes a second to load, is not needed
        workplace = Workplace(stage.dir, find_device(options.use_gpu, n) if network else "cpu")
        fit = partial(fit_and_save, options, entry.fit, own)
        if n == 1:
            fit(workplace._replace(stop_requested=stop_requested))
        else:
            from steps.training.torchrun import fit_in_processes

            fit_in_processes(n, fit, workplace, stop_requested.flag)
        copy_reader(options.text_vectors, stage.dir)
        write_gender_classifier(options.index, stage.dir)
        if options.store_speaker_means:
            write_speaker_means(options.index / "train", stage.dir)
        log.info("%s: trained", stage.final)


def fit_and_save(options: Options, fit: str, own: Any, workplace: Workplace) -> None:
    """Fit one generator with its `own` options; the first process saves it in the directory of `workplace`."""
    from steps.generators.calibration import calibrate, with_cosines, write_calibration
    from steps.generators.conditioning import fit_generator
    from steps.generators.imputation import impute
    from steps.generators.manifold import AUTO, Manifold
    from steps.generators.manifold_generator import ManifoldGenerator
    from steps.generators.pairs import load_pairs
    from steps.generators.validation import check_varied
    from steps.generators.within_cosines import match_cosines
    from steps.generators.within_speaker import WithinSpeaker

    train, dev = (
        load_pairs(options.index / part, options.descriptions, options.text_vectors, options.nuisance)
        for part in ("train", "dev")
    )
    if workplace.stop_requested():
        raise RunAgain(f"{workplace.directory}: asked to stop before the fit")
    check_varied(train.x)
    log.info("fitting %d embeddings of %d speakers", len(train.x), train.speakers.max() + 1)
    embeddings = train.x
    manifold = Manifold.find(embeddings) if own.manifold == AUTO else None
    if manifold:
        log.info("all embeddings have %s; so will samples (--set train.manifold=none: they need not)", manifold)
        train, dev = impute(manifold, train, dev, getattr(own, "seed", 0))
    nuisance = (options.nuisance, options.nuisance_mix) if options.nuisance else None
    generator = fit_generator(FITS.load(fit), train, dev, own, workplace, options.text_vectors, nuisance)
    if workplace.first:
        seed = getattr(own, "seed", 0)
        generator, told = calibrate(generator, dev, seed)
        generator = ManifoldGenerator(generator, manifold) if manifold else generator
        generator.save(workplace.directory)
        if within := WithinSpeaker.fit(train.x, embeddings, train.speakers):
            within, alike = match_cosines(within, generator, train, embeddings, seed)
            within.save(workplace.directory)
            told = with_cosines(told, alike)
        write_calibration(told, workplace.directory)


def copy_reader(text_vectors: Path, directory: Path) -> None:
    """Copy the files of the reader of the texts, so that sampling needs nothing but the model."""
    for name in FILES:
        if name == ENCODER or (text_vectors / name).is_file():
            (directory / name).write_bytes((text_vectors / name).read_bytes())


def read_list(path: Path) -> list[Entry]:
    """Read the list of generators: `name fit conf` a line, # comments, - for no conf."""
    entries = []
    for number, line in enumerate(read_lines(path), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 3 or not (words[1] in FITS.entries or ":" in words[1]):
            raise InputError(
                f"{path}:{number}: expected 'name fit conf' with a fit of {', '.join(FITS.entries)}, or module:Fit,"
                f" found {line!r}"
            )
        check_name(words[0], f"{path}:{number}", RESERVED)
        if words[0] in [entry.name for entry in entries]:
            raise InputError(f"{path}:{number}: a second generator named {words[0]!r}")
        entries.append(Entry(words[0], words[1], None if words[2] == "-" else Path(words[2])))
    return entries


def choose(entries: list[Entry], options: Options) -> Entry:
    """The entry that `--name` or `--job` asks for."""
    names = [entry.name for entry in entries]
    if options.name is not None and options.name not in names:
        raise InputError(f"{options.generators}: no generator {options.name!r}; it lists {', '.join(names)}")
    if options.name is None and not 1 <= options.job <= len(entries):
        raise InputError(f"--job {options.job}: {options.generators} has {len(entries)} generators")
    return entries[options.job - 1 if options.name is None else names.index(options.name)]


def generator_options(cls: type, entry: Entry, options: Options) -> Any:
    """Options of one generator: its defaults, its YAML, those of `--conf` and `--set` that it has, `--seed`, ..."""
    values = read_conf(cls, entry.conf) if entry.conf else {}
    known = own_names(cls)
    values |= {key: convert(cls, key, value, key) for key, value in options.set if key in known}
    given = {"seed": options.seed, "precision": options.precision}
    values |= {name: value for name, value in given.items() if value is not None and name in known}
    return cls(**values)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
