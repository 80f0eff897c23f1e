"""Print how texts are understood: for a person as tables of posteriors, for a program as JSON.

A woman with a deep voice
  gender         female     99%  ####################
  pitch          low        99%  ####################
  speaking_rate  unsaid    100%  ####################
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from steps.data.groups import ATTRIBUTES
from steps.text.check import require_text
from steps.text.layout import UNSAID
from utils.command import logger
from utils.errors import InputError, cut
from utils.json_files import json_text
from utils.tables import iterate_lines

if TYPE_CHECKING:
    from steps.text.read import Options

log = logger(__name__)
# the values that the rules know of the attributes that they read without a corpus
KNOWN = {
    "gender": ("female", "male"),
    "pitch": ("high", "low", "medium"),
    "speaking_rate": ("fast", "measured", "slow"),
    "age": ("child", "elderly", "middle-aged-adult", "teenager", "young-adult"),
}
WIDTH, LEAST = 20, 0.01  # signs of a whole bar; least posterior that has a line


class ReadText(NamedTuple):
    """How a text is understood: attribute -> value or `unsaid` -> posterior, and warnings."""

    text: str
    read_as: Mapping[str, Mapping[str, float]]
    warnings: tuple[str, ...]


def read_and_print(options: "Options") -> None:
    """Read the texts that the options name, and print them."""
    texts = list(_texts(options))
    if options.model is None:
        wanted = _wanted(options.attributes or ATTRIBUTES, KNOWN, "the rules know {}; give a --model")
        log.info("no --model: read by the rules alone, which know no idiom that the lexicon does not have")
        found = _by_rules(texts, {name: KNOWN[name] for name in wanted})
    else:
        found = _by_model(texts, options)
    for one in found:
        print(json_text(one._asdict(), "--json", ensure_ascii=False) if options.json else "\n".join(_table(one)))


def _wanted(names: Sequence[str], known: Collection[str], told: str) -> tuple[str, ...]:
    """The attributes to tell of, each once. Raises InputError for one that is not known, with what `told` says."""
    if unknown := next((name for name in names if name not in known), None):
        raise InputError(f"--attributes {cut(unknown)}: {told.format(', '.join(known))}")
    return tuple(dict.fromkeys(names))


def _texts(options: "Options") -> Iterator[str]:
    if options.text is not None:
        yield require_text(options.text, "--text")
        return
    empty = True
    for number, line in enumerate(iterate_lines(options.text_file), 1):
        if line.strip():
            text_id, _, text = line.removesuffix("\r").partition("\t")
            head, tab, last = text.rpartition("\t")
            text = head if tab and len(last.split()) < 2 else text  # a gender, as sampling takes it
            yield require_text(text or text_id, f"{options.text_file}:{number}")
            empty = False
    if empty:
        raise InputError(f"{options.text_file}: empty; expected a description a line")


def _by_rules(texts: list[str], attributes: Mapping[str, tuple[str, ...]]) -> Iterator[ReadText]:
    from steps.text.claims import TextRules
    from steps.text.posterior_reader import all_said, by_rules, warnings_of

    rules = TextRules(attributes)
    understood = [rules.understand(text) for text in texts]
    posteriors, silent = by_rules(understood, attributes)
    complete = all_said(silent)
    for row, (text, one) in enumerate(zip(texts, understood, strict=True)):
        read_as = {
            name: dict(zip((*values, UNSAID), map(float, posteriors[name][row]), strict=True))
            for name, values in attributes.items()
        }
        yield ReadText(text, _rounded(read_as), warnings_of(rules, text, one, bool(complete[row])))


def _by_model(texts: list[str], options: "Options") -> Iterator[ReadText]:
    from steps.text.read import Reader

    model = options.model
    reader = Reader.load(model, options.encoder)
    if not reader.layout.attributes:
        raise InputError(
            f"{model}: its texts are sentence vectors alone, without a posterior over attributes; leave --model out,"
            " or run stage 1 with --set text.reader=posterior"
        )
    known = reader.layout.attributes
    wanted = _wanted(options.attributes or tuple(known), known, f"{model} reads {{}}")
    reading = reader.read(texts)
    for text, vector, warnings in zip(texts, reading.vectors, reading.warnings, strict=True):
        read_as = reader.layout.read_as(vector)
        yield ReadText(text, _rounded({name: read_as[name] for name in wanted}), warnings)


def _rounded(read_as: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """The same with the digits that a person can use."""
    return {name: {value: round(share, 4) for value, share in found.items()} for name, found in read_as.items()}


def _table(one: ReadText) -> Iterator[str]:
    """The lines of a text: its likeliest values first."""
    yield one.text
    names = max(map(len, one.read_as), default=0)
    values = max((len(value) for posterior in one.read_as.values() for value in posterior), default=0)
    for name, posterior in one.read_as.items():
        shown = sorted((-share, value) for value, share in posterior.items() if share >= LEAST)
        for number, (share, value) in enumerate(shown):
            bar = "#" * round(-share * WIDTH)
            yield f"  {'' if number else name:<{names}}  {value:<{values}}  {-share:4.0%}  {bar}".rstrip()
    for warning in one.warnings:
        yield f"  warning: {warning}"
