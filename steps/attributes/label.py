"""Label the utterances of a corpus: decide genders, cut F0 and speaking rate into bins, audit by the embeddings.

Inputs: the data directory (or tree) of audio with the tables that it has (spk2gender or utt2gender, text, utt2phones),
the measurements of `steps.attributes.measure`, embeddings, and the rules of the bins. Output, a directory: utt2f0 and
spk2f0 (Hz), utt2rate (its unit is in summary.json), utt2pitch, utt2speaking_rate, utt2gender, spk2gender, failures.tsv,
audit.tsv, histograms.png, summary.json, gender.safetensors, measurements.tsv.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steps.attributes import measurements
from steps.audio.failures import check_failures
from steps.audio.recordings import read_utterances
from utils.archives import read_vectors
from utils.command import logger, run_command
from utils.errors import InputError
from utils.option_values import raw_values
from utils.options import MAX_SEED, option
from utils.parts import Work, merged_shards, remove_parts
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)
KNOWN = ("spk2gender", "utt2gender", "text", "utt2phones")  # optional tables of a data directory


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|wav|ogg>")
    embeddings: Path = option(help="directory with xvector.scp, or a script file, of all or some of the utterances")
    out: Path = option(help="directory of attributes to write")
    rules: Path = option(help="YAML file of the bins, such as local/rules/attributes.yaml")
    rate_from: str = option(
        "auto", "source of the rate; auto: the first of them that the data have", ("auto", "phones", "text", "audio")
    )
    lexicon: Path | None = option(None, "pronunciations as in Kaldi's lexicon.txt, for the words of text")
    gender_model: Path | None = option(None, "gender.safetensors of another corpus with embeddings of this network")
    gender_threshold: float = option(0.9, "least posterior of a gender; below, it is unknown", least=0.5, most=1)
    audit_lines: int = option(200, "most utterances that the audit lists for each attribute", least=0, most=10**7)
    max_fail: float = option(0.01, "largest share of utterances that cannot be read", least=0, most=1)
    seed: int = option(0, "decides the folds of the held-out judgements", least=0, most=MAX_SEED)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Join the measurements, label the utterances, and commit the directory."""
    from steps.attributes.bins import read_rule
    from steps.attributes.rates import UNITS, source_of

    utterances = read_utterances(options.data)
    identity = measurements.identity_of(options.data, utterances)
    source = source_of(options.data, options.rate_from)
    pitch = read_rule(options.rules, "pitch", "hertz")
    rate = read_rule(options.rules, "speaking_rate", UNITS[source])
    decides = raw_values(options) | {"measured": identity, "rate_from": source}
    with StageDir(options.out, decides, _inputs(options), options.force, command="steps.attributes.label") as stage:
        if not stage.done:
            measured = measurements.collect(options.out, identity)
            planned = Work.find(options.out, identity)
            stage.n_shards = planned.n_shards if planned else merged_shards(options.out)
            unreadable = [one.failure for one in measured if one.reason not in ("", measurements.UNVOICED)]
            check_failures(unreadable, len(measured), options.max_fail, options.out)
            corpus = _corpus(options, {one.id: one.speaker for one in utterances}, measured, source)
            _label(options, corpus, pitch, rate, stage)
            measurements.write_measurements(stage.dir / measurements.MEASUREMENTS, measured)
            (stage.dir / measurements.SIGNATURE).write_text(f"{identity}\n")
    remove_parts(options.out)


def _script(options: Options) -> Path:
    return options.embeddings / "xvector.scp" if options.embeddings.is_dir() else options.embeddings


def _inputs(options: Options) -> list[Path]:
    """The files that decide the result, apart from the audio."""
    script = _script(options)
    possible = [script.with_suffix(".ark"), *(options.data / table for table in KNOWN)]
    given = [path for path in (options.lexicon, options.gender_model) if path is not None]
    return [options.rules, script, *given, *filter(Path.is_file, possible)]


def _corpus(options: Options, utt2spk: dict[str, str], measured: Sequence[measurements.Measurement], source: str):
    from steps.attributes.labels import Corpus, known_genders
    from steps.attributes.rates import rates

    script = _script(options)
    listed = read_table(script)
    keys = sorted(listed.keys() & utt2spk.keys())
    if not keys:
        raise InputError(f"{script}: has no utterance of {options.data}; give the embeddings of this audio")
    if len(keys) < len(utt2spk):
        log.info("%d of %d utterances have no embedding", len(utt2spk) - len(keys), len(utt2spk))
    found = rates(options.data, source, measured, options.lexicon)
    known = known_genders(options.data, utt2spk)
    return Corpus(utt2spk, known, measured, found, *read_vectors(script, keys))


def _label(options: Options, corpus, pitch, rate, stage: StageDir) -> None:
    from threadpoolctl import threadpool_limits

    from steps.attributes.attribute_dir import write_attribute_dir
    from steps.attributes.gender import decide
    from steps.attributes.labels import label_corpus

    with threadpool_limits(1):  # sums must not depend on the number of threads
        embedded = (corpus.utt2spk, corpus.known, corpus.keys, corpus.x)
        genders = decide(*embedded, options.gender_threshold, options.seed, options.gender_model)
        labels = label_corpus(corpus, genders, pitch, rate)
        summary = write_attribute_dir(stage.dir, corpus, labels, options.audit_lines, options.seed)
    failures = "".join(f", {count} {reason}" for reason, count in summary["failures"].items())
    log.info("%s: %d utterances of %d speakers%s", stage.final, summary["utterances"], summary["speakers"], failures)
    if labels.whisperers:
        log.warning(
            "%d speakers have no pitch, since most of their utterances are unvoiced, as whispering is: %s",
            len(labels.whisperers),
            ", ".join(sorted(labels.whisperers)[:5]),
        )
    log.info("rate in %s a second, counted from %s", summary["rate_unit"], corpus.rates.source)
    if corpus.rates.not_counted:
        faults = ", ".join(f"{count} {fault}" for fault, count in sorted(corpus.rates.not_counted.items()))
        log.warning(
            "transcripts that English spelling does not count, so that there is no rate: %s; give --lexicon, or "
            "--rate_from audio",
            faults,
        )
    log.info("gender: %s", summary["gender"])


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
