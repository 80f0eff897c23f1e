"""One sampling job, or all of them together: its options, its texts with their vectors, and how its parts become one.

Used by `steps.generators.sample`, which draws, and `steps.generators.merge_samples`, which joins what jobs have drawn.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from steps.generators.requests import Manner, Request, from_file, from_groups, from_text
from utils.archives import read_vectors
from utils.command import logger
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    import numpy as np

    from steps.generators.sampling import Voices

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.generators.sample_job"
    model: Path = option(help="directory of a trained generator")
    out: Path = option(help="data directory to write")
    text: str | None = option(None, "description of a voice")
    text_file: Path | None = option(None, "descriptions, a line each: id<tab>text, or the text alone")
    descriptions: Path | None = option(None, "data/<corpus>/descriptions: sample for each of its groups")
    text_vectors: Path | None = option(None, "exp/<corpus>/text: vectors of the descriptions, encoded before")
    n_samples: int = option(100, "speakers for each text, or for each group", short="-n", least=1)
    seed: int = option(Manner.seed, "seed of the random streams")
    temperature: float = option(
        Manner.weight_temperature, "sets both temperatures; 1 is the model's own density", above=0
    )
    weight_temperature: float | None = option(None, "of the component weights: above 1 evens them out", above=0)
    spread_temperature: float | None = option(None, "factor on the variances of the components", above=0)
    distance_to_train: float = option(
        Manner.distance_to_train, "smallest cosine distance from every training speaker", least=0
    )
    distance_to_others: float = option(
        Manner.distance_to_others, "smallest cosine distance between two speakers of one text", least=0
    )
    max_tries: int = option(Manner.max_tries, "rounds of rejection before a distance is given up", least=1)
    save_params: bool = option(False, "also write the mixture of each text in the space of the embeddings")
    encoder: Path | None = option(None, "directory of the sentence encoder, if it is not the installed one")
    nj: int = option(1, "number of jobs that share the work", least=1)
    job: int = option(0, "draw only the part of this job, from 1; 0 draws all and writes --out", least=0)
    force: bool = option(False, "sample again even if nothing has changed")


def check(options: Options) -> None:
    """Refuse what contradicts itself. Raises InputError with the names of the options."""
    sources = [options.text is not None, options.text_file is not None, options.descriptions is not None]
    if sum(sources) != 1:
        raise InputError("give one of --text, --text_file and --descriptions")
    if options.text_vectors is not None and options.descriptions is None:
        raise InputError("--text_vectors has the vectors of --descriptions; other texts are encoded anew, leave it out")
    if options.job > options.nj:
        raise InputError(f"--job {options.job}: there are --nj {options.nj} jobs")


def inputs(options: Options) -> list[Path]:
    """What decides the samples."""
    places = (options.model, options.text_file, options.descriptions, options.text_vectors)
    return [place for place in places if place is not None]


def requests_of(options: Options) -> list[Request]:
    """The texts to sample for."""
    if options.text is not None:
        return from_text(options.text, options.n_samples)
    if options.text_file is not None:
        return from_file(options.text_file, options.n_samples)
    return from_groups(options.descriptions, options.n_samples)


def vectors_of(options: Options, requests: list[Request], voices: "Voices") -> "np.ndarray":
    """Sentence vectors (T, E): read where stage 1 has encoded them with the model's encoder, else encoded now."""
    if options.text_vectors is None:
        return voices.encoder.encode([request.text for request in requests])
    if (options.text_vectors / "encoder.json").read_bytes() != (options.model / "encoder.json").read_bytes():
        raise InputError(f"{options.text_vectors}: encoded by another encoder than {options.model} was trained with")
    return read_vectors(options.text_vectors / "text_vec.scp", [request.text_id for request in requests])[1]


def manner_of(options: Options) -> Manner:
    """How to draw, from the options."""
    return Manner(
        seed=options.seed,
        weight_temperature=options.weight_temperature or options.temperature,
        spread_temperature=options.spread_temperature or options.temperature,
        distance_to_train=options.distance_to_train,
        distance_to_others=options.distance_to_others,
        max_tries=options.max_tries,
    )


def finish(options: Options, parts: list[Path], stage: StageDir) -> None:
    """Write the data directory of all samples into the directory of the stage."""
    from steps.generators.sample_dir import merge_parts, write_parameters
    from steps.generators.sampling import Voices

    requests = requests_of(options)
    count = merge_parts(parts, requests, stage.dir, stage.final)
    if count != sum(request.n for request in requests):
        raise InputError(f"{stage.final}: {count} samples in the parts, expected another number; sample again")
    if options.save_params:
        voices = Voices(options.model, options.encoder)
        mixtures = voices.generator.mixtures(vectors_of(options, requests, voices))
        write_parameters(stage.dir, mixtures, requests)
    for part in parts:
        if part.parent == stage.dir:
            shutil.rmtree(part)
    log.info("%s: %d speakers for %d texts", stage.final, count, len(requests))
