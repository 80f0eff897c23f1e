"""Shared by the three commands of sampling: their options, the texts with their vectors, and the writing of the result.

`steps.generators.plan_samples` encodes the texts and divides their samples into shards, `steps.generators.sample` draws
them, and `steps.generators.merge_samples` joins what jobs have drawn.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from steps.generators.gender import parse_gender
from steps.generators.requests import (
    BY_TRANSPORT,
    MOST_SAMPLES,
    MOST_UTTERANCES,
    MOST_VECTORS,
    WAYS,
    SampleRequest,
    SamplingSettings,
    SecondText,
    checked_mix,
)
from steps.generators.sample_ids import check_prefix
from utils.command import logger
from utils.errors import InputError
from utils.options import MAX_SEED, option
from utils.parts import Work, read_part, write_part
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.shards import MOST_JOBS, SHARDS_HELP
from utils.stage_dir import StageDir, is_done, signature

if TYPE_CHECKING:
    import numpy as np

    from steps.generators.sample_archive import Layout

log = logger(__name__)
TEXTS = "texts.npz"  # beside the table of shards
MIXTURES = "mixtures"  # of the texts, beside it too
MOST_BYTES = 2**26  # of these mixtures
FORMAT = 2  # of the parts, which those of another one are not mixed with
MIX = 0.5  # the share of a second description, where none is given
TEMPERATURES = {"above": 0, "most": 1e6}


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.generators.sample_job"
    model: Path = option(help="directory of a trained generator")
    out: Path = option(help="data directory to write")
    text: str | None = option(None, "description of a voice")
    text_file: Path | None = option(
        None, "descriptions, a line each: id<tab>text, or <tab>m|f after it, or the text alone", stream=True
    )
    descriptions: Path | None = option(None, "data/<corpus>/descriptions: sample for each of its groups")
    text_vectors: Path | None = option(None, "exp/<corpus>/text: vectors of the descriptions, encoded before")
    mix_text: str | None = option(None, "a second description, that the voices of --text or --text_file are moved to")
    mix: float | None = option(None, "how far, 0 to 1: 0 is the first description, 1 the second", least=0, most=1)
    mix_by: str = option(
        BY_TRANSPORT,
        "transport: every voice moves | text: the descriptions are mixed, voices are of either",
        choices=WAYS,
    )
    n_samples: int = option(100, "speakers for each text, or for each group", short="-n", least=1, most=MOST_SAMPLES)
    utts_per_speaker: int = option(
        SamplingSettings.utts_per_speaker, "utterances of each speaker", least=1, most=MOST_UTTERANCES
    )
    seed: int = option(SamplingSettings.seed, "seed of the random streams", least=0, most=MAX_SEED)
    temperature: float = option(
        SamplingSettings.weight_temperature, "sets both temperatures; 1 is the model's own density", **TEMPERATURES
    )
    weight_temperature: float | None = option(None, "of the component weights: above 1 evens them out", **TEMPERATURES)
    spread_temperature: float | None = option(None, "factor on the variances of the components", **TEMPERATURES)
    distance_to_train: float = option(
        SamplingSettings.distance_to_train, "smallest cosine distance from every training speaker", least=0, most=2
    )
    distance_to_others: float = option(
        SamplingSettings.distance_to_others,
        "smallest cosine distance between two speakers of one text",
        least=0,
        most=2,
    )
    max_tries: int = option(
        SamplingSettings.max_tries, "rounds of rejection before a distance is given up", least=1, most=100_000
    )
    id_prefix: str | None = option(None, "begin of the ids, in place of the name of --out and a hash for each text")
    gender: str | None = option(None, "m or f, of --text, and of the texts of --text_file that have no third column")
    gender_threshold: float = option(
        0.5, "least posterior of a gender that the classifier tells; up to .5 the likelier one", least=0, most=1
    )
    text_as_transcript: bool = option(False, "also write the descriptions as Kaldi's text, which is for words spoken")
    npz: bool = option(False, "also write ids and vectors as xvector.npz, for numpy")
    save_params: bool = option(False, "also write the mixture of each text in the space of the embeddings")
    strict: bool = option(False, "a text that the reader warns of is an error: contradictory, foreign, not understood")
    encoder: Path | None = option(None, "directory of the sentence encoder, if it is not the installed one")
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(
        0, "draw only the shards of this job, from 1; 0 draws all and writes --out", least=0, most=MOST_JOBS
    )
    shards: str | None = option(None, SHARDS_HELP)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "sample again even if nothing has changed")


class Texts(NamedTuple):
    """All texts to sample for.

    Attributes:
        requests: (T) texts and numbers of samples. vectors: (T, E) float32, the text vectors; of mixes (T, 2, E).
    """

    requests: list[SampleRequest]
    vectors: "np.ndarray"

    def write(self, directory: Path) -> None:
        """Write `texts.npz` into `directory`, which is made."""
        directory.mkdir(parents=True, exist_ok=True)
        write_part(directory / TEXTS, self.requests, vectors=self.vectors)

    @classmethod
    def read(cls, directory: Path) -> "Texts":
        """Read what `write` has written. Raises InputError that names the command which writes it."""
        try:
            rows, arrays = read_part(directory / TEXTS)
        except InputError as error:
            again = "run python3 -m steps.generators.plan_samples again, with --force true"
            raise InputError(f"{directory / TEXTS}: missing, or not whole; {again}") from error
        requests = [SampleRequest(*row) for row in rows]
        requests = [request._replace(mix=request.mix and SecondText(*request.mix)) for request in requests]
        return cls(requests, arrays["vectors"])


def write_mixtures(model: Path, texts: Texts, directory: Path) -> None:
    """Write the mixtures that the model's network gives for the texts, so that jobs need no network; if it has one."""
    import numpy as np

    from steps.generators.contract import load_generator
    from steps.generators.interpolation import vectors_to_know
    from steps.text.layout import READER

    known = [vectors_to_know(request, own) for request, own in zip(texts.requests, texts.vectors, strict=True)]
    table = load_generator(model).in_table(np.concatenate(known), MOST_BYTES)
    if table is not None:
        (directory / MIXTURES).mkdir(parents=True, exist_ok=True)
        if (model / READER).is_file():
            shutil.copyfile(model / READER, directory / MIXTURES / READER)
        table.save(directory / MIXTURES)


def known_mixtures(directory: Path) -> Path | None:
    """What `write_mixtures` has written, if it has."""
    return directory / MIXTURES if (directory / MIXTURES).is_dir() else None


def check(options: Options) -> None:
    """Raise InputError where options contradict each other, with their names."""
    sources = [options.text is not None, options.text_file is not None, options.descriptions is not None]
    if sum(sources) != 1:
        raise InputError("give one of --text, --text_file and --descriptions")
    mix_of(options)
    if options.id_prefix is not None:
        check_prefix(options.id_prefix)
    if options.save_params or options.utts_per_speaker > 1:
        from steps.generators.contract import require_components

        require_components(options.model, "--save_params" if options.save_params else "--utts_per_speaker")
    if options.utts_per_speaker > 1:
        check_utterances(options)
    if options.gender is not None:
        parse_gender(options.gender, "--gender")
        if options.descriptions is not None:
            raise InputError("--gender is for --text and --text_file; the groups of --descriptions have their own")
    if options.text_vectors is not None and options.descriptions is None:
        raise InputError("--text_vectors has the vectors of --descriptions; other texts are encoded anew, leave it out")


def mix_of(options: Options) -> SecondText | None:
    """The second description. Raises InputError where the options contradict each other."""
    if options.mix_text is not None and options.descriptions is not None:
        raise InputError("--mix_text is for --text and --text_file; the groups of --descriptions are not mixed")
    if options.mix is not None and options.mix_text is None:
        raise InputError("--mix says how far voices are moved to a second description; give --mix_text too")
    return checked_mix(options.mix_text, MIX if options.mix is None else options.mix, options.mix_by)


def check_utterances(options: Options) -> None:
    """Raise InputError for more utterances than a text may have, and for a model that does not know how they differ."""
    if options.n_samples * options.utts_per_speaker > MOST_VECTORS:
        raise InputError(
            f"--n_samples {options.n_samples} with --utts_per_speaker {options.utts_per_speaker}: expected at most"
            f" {MOST_VECTORS} utterances of a text; sample into several directories, each with a --seed of its own"
        )
    if options.model.is_dir():  # else the message is that of models
        from steps.generators.within_speaker import require_within

        require_within(options.model)


def inputs(options: Options) -> list[Path]:
    """The files and directories that decide the samples."""
    paths = (options.model, options.text_file, options.descriptions, options.text_vectors)
    return [path for path in paths if path is not None]


def is_up_to_date(options: Options) -> bool:
    """Whether the result with these options and inputs exists; logs it if so."""
    done = not options.force and is_done(options.out, options, inputs(options))
    if done:
        log.info("%s is up to date", options.out)
    return done


def identity_of(options: Options) -> str:
    """The hash of options and inputs, with the format of the parts, that names their directory."""
    return f"{signature(options, inputs(options))}-{FORMAT}"


def find_work(options: Options) -> Work:
    """The table of shards. Raises InputError where none has been made for these options and inputs."""
    return Work.load(options.out, identity_of(options), "python3 -m steps.generators.plan_samples")


def sampling_settings(options: Options) -> SamplingSettings:
    """The settings that the options give."""
    return SamplingSettings(
        seed=options.seed,
        weight_temperature=options.weight_temperature or options.temperature,
        spread_temperature=options.spread_temperature or options.temperature,
        distance_to_train=options.distance_to_train,
        distance_to_others=options.distance_to_others,
        max_tries=options.max_tries,
        utts_per_speaker=options.utts_per_speaker,
    )


def finish(options: Options, texts: Texts, layout: "Layout", genders: "np.ndarray", stage: StageDir) -> None:
    """Write what stands beside archive and provenance into the directory of the stage.

    Args:
        genders: (N,) uint8, the letters m, f and UNKNOWN of all speakers, text after text.
    """
    from steps.generators.sample_dir import complete, write_parameters

    known = complete(stage.dir, stage.final, layout, genders, options.text_as_transcript, options.npz)
    if options.save_params:
        from steps.generators.contract import load_generator
        from steps.generators.interpolation import mixtures_of

        mixtures = mixtures_of(load_generator(options.model), texts.requests, texts.vectors)
        write_parameters(stage.dir, mixtures, texts.requests)
    each = "" if options.utts_per_speaker == 1 else f" with {options.utts_per_speaker} utterances each"
    log.info("%s: %d speakers for %d texts%s", stage.final, len(genders), len(texts.requests), each)
    tell_genders(known, len(genders), (options.model / "gender.json").is_file())


def tell_genders(known: int, count: int, judged: bool) -> None:
    """Say how many of `count` speakers spk2gender knows; `judged`: the model has a classifier."""
    if known == count:
        return
    if judged:
        remedy = "whose gender is not sure enough; give --gender, or --gender_threshold 0"
    else:
        reason = "as the model has no gender.json: an earlier revision trained it, or genders were unknown"
        remedy = f"{reason}; give --gender, or train it again with --force true"
    log.warning(
        "spk2gender has no line for %d of %d speakers, %s. Kaldi's validate_data_dir.sh wants all or none",
        count - known,
        count,
        remedy,
    )
