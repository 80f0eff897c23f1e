"""Stage 1: texts for every attribute group, checked, marked as seen or held out, and encoded.

Reads a data directory (`utt2<attribute>`, `utt2caption`), and perhaps a table of captions. Writes, in two directories,

    out:      text (text id -> words), text2group, text2set (seen | heldout; heldout texts are never trained on),
              text2utt (caption -> its utterances, where captions are used), rejected.jsonl (texts left out, and why)
    vec_out:  text_vec.{ark,scp} (text id -> vector), encoder.json {name, sha256, dim}, the reader's files (`read.py`),
              read_as.tsv (how each text was understood), consensus.safetensors (of describers),
              nearest_group.tsv (the group whose mean sentence vector is nearest to each variant)

A variant's id is `<group>-v01` ..., a caption's is its utterance's, or `<utterance or speaker>-c01` in a table.
With captions instead of variants all variants are held out, so that groups can still be sampled and scored by them.
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.data.groups import ATTRIBUTES, Grouping, read_groups
from steps.text.caption_file import FileCaption, read_caption_file
from steps.text.captions import Captions
from steps.text.describers import read_describers, write_consensus
from steps.text.encode import SentenceEncoder
from steps.text.endpoint_settings import read_settings
from steps.text.openai_paraphraser import Paraphraser
from steps.text.paraphrase import LabelledText
from steps.text.read import READERS
from steps.text.variants import Variants, fill_from_endpoint, fill_from_file, fill_from_grammar
from utils.archive_writer import write_vectors
from utils.command import doing, logger, run_command
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.json_files import json_text
from utils.options import MAX_SEED, option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.shards import MOST_JOBS
from utils.stage_dir import StageDir
from utils.tables import read_table, write_table

log = logger(__name__)
VARIANTS, FEWEST_OF_FILE = 30, 10  # in each group, by default


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.text.augment"
    data: Path = option(help="data directory with the attribute tables")
    out: Path = option(help="directory for the texts")
    vec_out: Path = option(help="directory for the sentence vectors")
    attributes: tuple[str, ...] = option(ATTRIBUTES, "attributes that make the groups")
    augment: str = option("grammar", "where variants come from", choices=("grammar", "openai", "file"))
    augment_file: Path | None = option(None, "JSON {group: [texts]}, for --augment file")
    variants_per_group: int | None = option(
        None, "variants of each group, by default 30; of a file, the least number, by default 10", least=2, most=10_000
    )
    heldout_fraction: float = option(0.2, "share of a group's variants that is never trained on", least=0, most=1)
    captions: str = option(
        "none", "use utt2caption in addition to the variants?", choices=("none", "beside", "instead")
    )
    caption_file: Path | None = option(
        None, "table of more captions: csv, tsv or jsonl with a text, and an utterance, speaker or group"
    )
    caption_columns: tuple[str, ...] = option((), "its columns with other names, as in text=words")
    describers: Path | None = option(
        None,
        "table of texts of several annotators about the same persons: speaker, annotator, text",
    )
    describer_columns: tuple[str, ...] = option((), "its columns with other names, as in annotator=listener")
    seed: int = option(0, "seed of the grammar and of the held-out marks", least=0, most=MAX_SEED)
    reader: str = option(
        "posterior",
        "what makes a vector of a text: its sentence vector alone, or beside a posterior over the attributes' values",
        choices=tuple(READERS.entries),
    )
    reader_texts: int = option(
        2000, "texts that teach the reader words which its rules do not know; 0: rules alone", least=0, most=100_000
    )
    encoder: Path | None = option(
        None, "directory of a sentence-transformers model; by default the installed package's"
    )
    nj: int = option(1, "processes that encode texts; the vectors do not depend on it", least=1, most=MOST_JOBS)
    openai_conf: Path | None = option(None, "YAML settings of the endpoint, for --augment openai")
    openai_cache: Path | None = option(None, "directory of the endpoint's answers; by default .openai_cache beside out")
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo a finished stage")


def work(options: Options) -> None:
    """Write the texts, then their vectors; a directory that is up to date is left as it is."""
    if options.heldout_fraction == 1:
        raise InputError("--heldout_fraction 1 leaves no text to train on; give a share below 1")
    if (options.augment == "file") != (options.augment_file is not None):
        raise InputError("--augment file and --augment_file FILE go together")
    grouping = read_groups(DataDir(options.data), options.attributes)
    describers = read_describers(options.describers, options.describer_columns) if options.describers else None
    encoder = SentenceEncoder(options.encoder, options.nj)
    with StageDir(options.out, options, text_inputs(options), options.force) as stage:
        if not stage.done:
            with doing("write texts"):
                write_texts(stage.dir, options, grouping)
    texts = [options.out / name for name in ("text", "text2group", "text2utt") if (options.out / name).exists()]
    tables = [options.describers] if options.describers else []
    with StageDir(options.vec_out, options, [*texts, *tables, encoder.path], options.force) as stage:
        if not stage.done:
            write_text_vectors(stage.dir, stage.final, options, encoder, grouping)
            if describers:
                write_consensus(stage.dir, describers, encoder)


def text_inputs(options: Options) -> list[Path]:
    """The files that decide the texts."""
    names = ["utt2spk", *(f"utt2{attribute}" for attribute in options.attributes)]
    names += ["utt2caption"] if options.captions != "none" else []
    settings = options.openai_conf if options.augment == "openai" else None
    conf = [path for path in (options.augment_file, options.caption_file, settings) if path]
    return [options.data / name for name in names] + conf


def write_texts(out: Path, options: Options, grouping: Grouping) -> None:
    """Collect the variants and captions and write their tables."""
    log.info("%d groups; %d utterances without a group", len(grouping.groups), grouping.n_ungrouped)
    data = DataDir(options.data)
    rows, rejected = [], []
    if options.caption_file:
        rows, rejected = read_caption_file(options.caption_file, options.caption_columns, data, grouping)
    variants = collect_variants(options, grouping)
    add_variants(variants, [row for row in rows if row.kind == "group"])
    ids = variant_ids(variants.accepted)
    text = {key: variants.accepted[group][index] for key, (group, index) in ids.items()}
    text2group = {key: group for key, (group, _) in ids.items()}
    text2set = mark_heldout(
        text2group, 1.0 if options.captions == "instead" else options.heldout_fraction, options.seed
    )
    captions = collect_captions(options, grouping, data, [row for row in rows if row.kind != "group"])
    if captions is not None:
        clash = sorted(set(captions.accepted) & set(text))
        if clash:
            raise InputError(
                f"{options.data / 'utt2caption'}: utterance {clash[0]!r} has the id of a variant; rename it"
            )
        text |= {key: caption.text for key, caption in captions.accepted.items()}
        text2group |= {key: caption.group for key, caption in captions.accepted.items()}
        text2set |= dict.fromkeys(captions.accepted, "seen")
        write_table(out / "text2utt", {key: " ".join(one.utterances) for key, one in captions.accepted.items()})
    rejected = variants.rejected + (captions.rejected if captions else []) + rejected
    write_table(out / "text", text)
    write_table(out / "text2group", text2group)
    write_table(out / "text2set", text2set)
    listed = out / "rejected.jsonl"
    lines = (json_text(row, listed, ensure_ascii=False) + "\n" for row in rejected)
    listed.write_text("".join(lines), encoding="utf-8")
    log.info("%d texts, %d left out (rejected.jsonl)", len(text), len(rejected))


def collect_variants(options: Options, grouping: Grouping) -> Variants:
    """The variants of every group, from the source that the options name."""
    variants = Variants(grouping)
    number = options.variants_per_group or (FEWEST_OF_FILE if options.augment == "file" else VARIANTS)
    if options.augment == "grammar":
        fill_from_grammar(variants, number, options.seed)
    elif options.augment == "file":
        fill_from_file(variants, number, options.augment_file)
    else:
        cache = options.openai_cache or options.out.absolute().parent / ".openai_cache"
        fill_from_endpoint(variants, number, Paraphraser(read_settings(options.openai_conf), cache))
    return variants


def add_variants(variants: Variants, rows: Sequence[FileCaption]) -> None:
    """Offer the captions that a table has of groups; the accepted ones are variants as any other."""
    accepted = sum(variants.offer(row.key, row.text) for row in rows)
    if rows:
        log.info("%d of %d captions of groups used, each as a variant of its group", accepted, len(rows))


def collect_captions(
    options: Options, grouping: Grouping, data: DataDir, rows: Sequence[FileCaption]
) -> Captions | None:
    """The captions of utterances and speakers, of the corpus and in the rows of a table; None where none are used."""
    if options.captions == "none" and not rows:
        return None
    captions = Captions(grouping)
    if options.captions != "none" and (data.has("utt2caption") or not rows):
        captions.add_of_corpus(options.data / "utt2caption")
    if rows:
        captions.add_of_file(options.caption_file, rows, data)
    if not captions.accepted:
        raise InputError(f"{options.caption_file}: all of its {len(rows)} captions contradict the labels of the data")
    return captions


def variant_ids(accepted: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, int]]:
    """Text id -> (group, index of its text): `female_low_slow-v01`, with as many digits as the largest group needs."""
    digits = max(2, *(len(str(len(texts))) for texts in accepted.values()))
    return {f"{g}-v{index + 1:0{digits}d}": (g, index) for g, texts in accepted.items() for index in range(len(texts))}


def mark_heldout(text2group: Mapping[str, str], fraction: float, seed: int) -> dict[str, str]:
    """Mark `fraction` of each group's texts "heldout", chosen by a hash of seed and text id, and the others "seen".

    At least one text is held out unless `fraction` is 0, and at least one is seen unless `fraction` is 1.
    """
    by_group: dict[str, list[str]] = {}
    for key in sorted(text2group, key=lambda key: hashlib.sha256(f"{seed} {key}".encode()).hexdigest()):
        by_group.setdefault(text2group[key], []).append(key)
    marks = dict.fromkeys(text2group, "seen")
    for keys in by_group.values():
        number = round(fraction * len(keys))
        if 0 < fraction < 1:
            number = min(max(number, 1), len(keys) - 1)
        marks |= dict.fromkeys(keys[:number], "heldout")
    return marks


def write_text_vectors(out: Path, final: Path, options: Options, encoder: SentenceEncoder, grouping: Grouping) -> None:
    """Read each text; write the vectors, the reader's files, how texts are understood, and the nearest groups."""
    from steps.text.nearest import write_nearest_groups
    from steps.text.read_as import write_read_as

    text, text2group = (read_table(options.out / name) for name in ("text", "text2group"))
    captions = read_table(options.out / "text2utt") if (options.out / "text2utt").exists() else {}
    own = [  # a caption of a speaker, who has utterances in several groups, says none of their values for sure
        LabelledText(words, said_by(grouping.values(text2group[key])))
        for key, words in text.items()
        if len(captions.get(key, "").split()) < 2
    ]
    reader = READERS.load(options.reader).of_attributes(
        encoder, grouping.all_values(), own, options.reader_texts, options.seed
    )
    reading = reader.read(list(text.values()))
    vectors = reading.vectors
    write_vectors(out / "text_vec.ark", out / "text_vec.scp", list(text), vectors, ark_name=final / "text_vec.ark")
    reader.save(out)
    if reader.layout.attributes:
        write_read_as(out / "read_as.tsv", reading, reader.layout, {key: text2group[key] for key in text}, grouping)
    variants = {key: group for key, group in text2group.items() if key not in captions}
    sentence = dict(zip(text, reader.layout.sentence(vectors), strict=True))
    own_share = write_nearest_groups(out / "nearest_group.tsv", variants, sentence)
    log.info("SentenceBERT's nearest group is the variant's own for %.0f %% of them (not enforced)", 100 * own_share)


def said_by(values: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Attribute -> value -> weight of a text that says all values of its group."""
    return {name: {value: 1.0} for name, value in values.items()}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
