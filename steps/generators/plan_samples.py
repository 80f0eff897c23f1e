"""Read the texts and divide their samples into shards, once, before the jobs of `steps.generators.sample`.

Takes the options of the sampling jobs. Writes, beside --out:

    .<out>.parts/<identity>/texts.npz       the texts with their numbers of samples, and text vectors (T, E) float32
    .<out>.parts/<identity>/mixtures/       their mixtures as a generator, if the model has a network: jobs need none
    .<out>.parts/<identity>/xvector.ark     the archive of all samples, without content: jobs fill it
    .<out>.parts/<identity>/shards.jsonl    a line a chunk: [text id, shard, [row of the text, number of the chunk]]

The identity stands for options and inputs, so that no part is merged with those of another model, seed or text.
"""

import sys
from typing import TYPE_CHECKING

from steps.generators.gender import parse_gender
from steps.generators.requests import (
    CHUNK,
    SampleRequest,
    chunks_of,
    from_file,
    from_groups,
    from_text,
    read_requests,
)
from steps.generators.sample_ids import id_prefix, model_hash, set_name
from steps.generators.sample_job import (
    Options,
    Texts,
    check,
    identity_of,
    inputs,
    is_up_to_date,
    mix_of,
    sampling_settings,
    write_mixtures,
)
from steps.generators.text_source import texts_at_hand
from steps.generators.text_warnings import heed_warnings
from utils.command import logger, run_command
from utils.errors import InputError
from utils.out_dir import check_out
from utils.parts import Item, Work, remove_parts
from utils.shards import shards_of
from utils.stage_dir import parts_root

if TYPE_CHECKING:
    import numpy as np

log = logger(__name__)
LEAST = 256  # utterances in a shard: few enough that the samples of a corpus's groups make several shards


def work(options: Options) -> None:
    """Write texts and table, unless they exist, or the result does."""
    check(options)
    with texts_at_hand(options) as options:
        plan(options)


def plan(options: Options) -> None:
    """The same for texts that can be read several times."""
    if is_up_to_date(options):
        return
    check_out(options.out, options.COMMAND, inputs(options))
    identity = identity_of(options)
    if options.force:
        remove_parts(options.out, identity)
    if Work.find(options.out, identity) is None:
        from steps.generators.contract import dim_of
        from steps.generators.sample_archive import Layout, make_archive

        texts = read_texts(options)
        items, directory = divide(options, texts.requests), parts_root(options.out) / identity
        make_archive(directory, Layout(texts.requests, dim_of(options.model), options.utts_per_speaker))
        write_mixtures(options.model, texts, directory)
        texts.write(directory)
        Work.write(options.out, identity, items)
        log.info("%d texts, %d chunks in %d shards", len(texts.requests), len(items), items[-1].shard + 1)


def read_texts(options: Options) -> Texts:
    """The texts with their vectors, as stage 1 has read them, or read here; with what the reader warns of.

    Raises InputError where the options are strict, for a text with a warning, and for a model that cannot warn.
    """
    requests = with_prefixes(options, requests_of(options))
    if options.text_vectors is not None:
        return Texts(requests, _vectors_of_stage_1(options, [request.text_id for request in requests]))
    from steps.text.read import Reader

    reader = Reader.load(options.model, options.encoder)
    if options.strict and not reader.layout.attributes:
        raise InputError(
            f"{options.model}: nobody reads its texts, which are sentence vectors alone (text.reader=sentence), so none"
            " can be refused; leave out --strict, or train on texts of text.reader=posterior"
        )
    requests, vectors = read_requests(reader, requests)
    heed_warnings(requests, options.strict)
    return Texts(requests, vectors)


def _vectors_of_stage_1(options: Options, ids: list[str]) -> "np.ndarray":
    """The text vectors (T, E) of descriptions. Raises InputError where another reader or encoder has made them."""
    from steps.text.read import FILES
    from utils.archives import read_vectors

    for name in FILES:
        files = [folder / name for folder in (options.text_vectors, options.model)]
        theirs, ours = [file.read_bytes() if file.is_file() else None for file in files]
        if theirs != ours:
            raise InputError(
                f"{options.text_vectors}: encoded by another encoder or reader than {options.model} was trained with"
                f" ({name} differs); train it again"
            )
    return read_vectors(options.text_vectors / "text_vec.scp", ids)[1]


def requests_of(options: Options) -> list[SampleRequest]:
    """The texts to sample for."""
    gender = None if options.gender is None else parse_gender(options.gender, "--gender")
    if options.descriptions is not None:
        return from_groups(options.descriptions, options.n_samples)
    if options.text is not None:
        requests = from_text(options.text, options.n_samples, gender)
    else:
        requests = from_file(options.text_file, options.n_samples, gender)
    return [request._replace(mix=mix_of(options)) for request in requests]


def with_prefixes(options: Options, requests: list[SampleRequest]) -> list[SampleRequest]:
    """The same requests with the prefixes of their speakers' ids."""
    if options.id_prefix is not None:
        return [request._replace(prefix=f"{options.id_prefix}-{request.text_id}") for request in requests]
    name, settings = set_name(options.out), sampling_settings(options)
    model = model_hash(options.model, several=settings.utts_per_speaker > 1)
    return [request._replace(prefix=id_prefix(name, model, settings, request)) for request in requests]


def divide(options: Options, requests: list[SampleRequest]) -> list[Item]:
    """The table of shards: an item a chunk of a text, with the row of the text and the number of the chunk."""
    settings = sampling_settings(options)
    chunks = [
        (row, number, len(speakers) * settings.utts_per_speaker)
        for row, request in enumerate(requests)
        for number, speakers in enumerate(chunks_of(request, settings))
    ]
    shards = shards_of([size for _, _, size in chunks], LEAST, CHUNK)
    return [
        Item(requests[row].text_id, shard, [row, number])
        for (row, number, _), shard in zip(chunks, shards, strict=True)
    ]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
