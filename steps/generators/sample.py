"""Sample new speakers from a trained generator into a Kaldi data directory: stage 5, and a command of its own.

    python3 -m steps.generators.sample --model exp/demo/mdn --text "A woman with a deep voice" -n 20 --out DIR

Texts come from --text, --text_file (`id<tab>text`, or plain lines) or the groups of --descriptions. With --nj and --job
only one part is drawn, into a hidden directory beside --out; `steps.generators.merge_samples` then makes --out of the
parts. The samples are the same bytes either way.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir, is_done

if TYPE_CHECKING:
    import numpy as np

    from steps.generators.requests import Request
    from steps.generators.sampling import Draw, Manner, Voices

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    model: Path = option(help="directory of a trained generator")
    out: Path = option(help="data directory to write")
    text: str | None = option(None, "description of a voice")
    text_file: Path | None = option(None, "descriptions, a line each: id<tab>text, or the text alone")
    descriptions: Path | None = option(None, "data/<corpus>/descriptions: sample for each of its groups")
    text_vectors: Path | None = option(None, "exp/<corpus>/text: vectors of the descriptions, encoded before")
    n_samples: int = option(100, "speakers for each text, or for each group", short="-n", least=1)
    seed: int = option(0, "seed of the random streams")
    temperature: float = option(1.0, "sets both temperatures; 1 is the model's own density", above=0)
    weight_temperature: float | None = option(None, "of the component weights: above 1 evens them out", above=0)
    spread_temperature: float | None = option(None, "factor on the variances of the components", above=0)
    distance_to_train: float = option(0.0, "smallest cosine distance from every training speaker", least=0)
    distance_to_others: float = option(0.0, "smallest cosine distance between two speakers of one text", least=0)
    max_tries: int = option(100, "rounds of rejection before a distance is given up", least=1)
    save_params: bool = option(False, "also write the mixture of each text in the space of the embeddings")
    encoder: Path | None = option(None, "directory of the sentence encoder, if it is not the installed one")
    nj: int = option(1, "number of jobs that share the work", least=1)
    job: int = option(0, "draw only the part of this job, from 1; 0 draws all and writes --out", least=0)
    force: bool = option(False, "sample again even if nothing has changed")


def work(options: Options) -> None:
    """Draw everything and commit it, or draw one part."""
    check(options)
    if options.job:
        write_job(options)
        return
    with StageDir(options.out, options, inputs(options), options.force) as stage:
        if stage.done:
            return
        from steps.generators.merge_samples import finish

        part = stage.dir / "part"
        part.mkdir()
        draw_part(options, 1, 1, part)
        finish(options, [part], stage)


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


def requests_of(options: Options) -> "list[Request]":
    """The texts to sample for."""
    from steps.generators.requests import from_file, from_groups, from_text

    if options.text is not None:
        return from_text(options.text, options.n_samples)
    if options.text_file is not None:
        return from_file(options.text_file, options.n_samples)
    return from_groups(options.descriptions, options.n_samples)


def vectors_of(options: Options, requests: "list[Request]", voices: "Voices") -> "np.ndarray":
    """Sentence vectors (T, E): read where stage 1 has encoded them with the model's encoder, else encoded now."""
    if options.text_vectors is None:
        return voices.encoder.encode([request.text for request in requests])
    from utils.tables import read_vectors

    if (options.text_vectors / "encoder.json").read_bytes() != (options.model / "encoder.json").read_bytes():
        raise InputError(f"{options.text_vectors}: encoded by another encoder than {options.model} was trained with")
    return read_vectors(options.text_vectors / "text_vec.scp", [request.text_id for request in requests])[1]


def parts_root(out: Path) -> Path:
    """Where jobs leave their parts until they are merged."""
    return out.absolute().with_name(f".{out.name}.parts")


def write_job(options: Options) -> None:
    """Draw the part of one job, unless all parts have been merged already."""
    if not options.force and is_done(options.out, options, inputs(options)):
        log.info("%s is up to date", options.out)
        return
    with StageDir(
        parts_root(options.out) / f"{options.job}of{options.nj}", options, inputs(options), options.force
    ) as stage:
        if not stage.done:
            draw_part(options, options.job, options.nj, stage.dir)


def draw_part(options: Options, job: int, nj: int, directory: Path) -> None:
    """Draw part `job` of `nj`: whole texts, in order, so that all parts have about as many samples."""
    from steps.generators.sample_dir import write_part
    from steps.generators.sampling import Voices

    requests = share(requests_of(options), job, nj)
    voices = Voices(options.model, options.encoder)
    vectors = vectors_of(options, requests, voices) if requests else []
    count = write_part(directory, draws(voices, requests, vectors, manner_of(options)), options.seed, voices.speakers)
    log.info("drew %d speakers for %d texts", count, len(requests))


def draws(voices: "Voices", requests: "list[Request]", vectors: "np.ndarray", manner: "Manner") -> "Iterator[Draw]":
    """All draws of all requests, in order."""
    pairs = zip(requests, vectors, strict=True)
    for request, vector in progress(pairs, len(requests), "sampling"):
        yield from voices.draw(request, vector, manner)


def share(requests: "list[Request]", job: int, nj: int) -> "list[Request]":
    """The requests of part `job` of `nj`: a contiguous run, cut where the sample count passes its share."""
    total = sum(request.n for request in requests)
    mine, before = [], 0
    for request in requests:
        if before * nj // total == job - 1:
            mine.append(request)
        before += request.n
    return mine


def manner_of(options: Options) -> "Manner":
    """How to draw, from the options."""
    from steps.generators.sampling import Manner

    return Manner(
        seed=options.seed,
        weight_temperature=options.weight_temperature or options.temperature,
        spread_temperature=options.spread_temperature or options.temperature,
        distance_to_train=options.distance_to_train,
        distance_to_others=options.distance_to_others,
        max_tries=options.max_tries,
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
