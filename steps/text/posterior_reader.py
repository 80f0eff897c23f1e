"""The reader that adds a posterior over the values of each attribute to the sentence vector of a text.

Rules read first (`steps.text.claims`): what they claim of an attribute is its posterior. Where they are silent, a
classifier of sentence vectors may speak (`steps.text.text_classifier`), but only where words are left that no rule
understands, and by the parts of the text that have these. Otherwise the attribute is unsaid.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from steps.data.arrays import read_arrays
from steps.text.claims import TextRules, Understanding, posterior
from steps.text.encode import SentenceEncoder
from steps.text.language import LANGUAGES
from steps.text.layout import READER, TextLayout
from steps.text.lexicon_files import CUES, ENGLISH, LEXICON
from steps.text.paraphrase import LabelledText
from steps.text.phrasebook import PEOPLE
from steps.text.read import LEARNED, Reader, Reading, write_json
from steps.text.text_classifier import TextClassifier
from steps.text.text_parts import unknown_parts, words_within
from utils.command import logger
from utils.errors import InputError, brief
from utils.json_files import read_json

log = logger(__name__)
SURE = 0.5  # least posterior of the likeliest where a classifier has understood what rules have not
LONGEST_LIST = 8  # words that a warning names


class PosteriorReader(Reader):
    """Sentence vectors beside posteriors over the values of attributes, `unsaid` among them.

    Attributes:
        rules: what reads first. learned: what reads the rest; None where the rules read alone.
    """

    kind = "posterior"

    def __init__(self, encoder: SentenceEncoder, layout: TextLayout, learned: TextClassifier | None = None):
        self.encoder, self.layout, self.learned = encoder, layout, learned
        self.rules = TextRules(layout.attributes)

    @classmethod
    def of_attributes(
        cls,
        encoder: SentenceEncoder,
        attributes: Mapping[str, Sequence[str]],
        own: Sequence[LabelledText] = (),
        number: int = 0,
        seed: int = 0,
    ) -> "PosteriorReader":
        """A reader of these attributes, whose classifier learns from at most `number` texts; none for 0."""
        from steps.text.teaching import teach

        layout = TextLayout(encoder.dim, {name: tuple(sorted(values)) for name, values in attributes.items()})
        return cls(encoder, layout, teach(encoder, layout.attributes, own, number, seed) if number else None)

    def read(self, texts: Sequence[str]) -> Reading:
        """Encode the texts, and read what they say about each attribute."""
        sentence = self.encoder.encode(texts)
        understood = [self.rules.understand(text) for text in texts]
        posteriors, silent = by_rules(understood, self.layout.attributes)
        parts = [self._parts(text, one) for text, one in zip(texts, understood, strict=True)]
        known = all_said(silent) | self._ask_learned(posteriors, silent, parts)
        warnings = [
            (*warnings_of(self.rules, text, one, enough), *_unread(self.encoder.unread(text)))
            for text, one, enough in zip(texts, understood, known, strict=True)
        ]
        return Reading(self.layout.join(sentence, posteriors), warnings)

    def _parts(self, text: str, understood: Understanding) -> list[str]:
        """The parts of a text that the classifier is asked about."""
        about_no_voice = bool(understood.problems) and not understood.claims
        if self.learned is None or understood.language != ENGLISH or about_no_voice:
            return []
        return unknown_parts(text, understood.unknown)

    def _ask_learned(
        self, posteriors: dict[str, np.ndarray], silent: dict[str, np.ndarray], parts: Sequence[Sequence[str]]
    ) -> np.ndarray:
        """Put the classifier's posteriors where the rules are silent; return for each text (T,) whether it is sure.

        Of several parts the one counts that says most. Unknown words in which no value is found are not understood.
        """
        asked = [part for several in parts for part in several]
        sure = np.zeros(len(parts), dtype=bool)
        if not asked:
            return sure
        learned = self.learned.posteriors(self.encoder.encode(asked))
        row = 0
        for text, several in enumerate(parts):
            rows, row = slice(row, row + len(several)), row + len(several)
            if not several:
                continue
            best = {name: found[rows][found[rows][:, -1].argmin()] for name, found in learned.items()}
            open_ones = [name for name in best if silent[name][text]]
            for name in open_ones:
                posteriors[name][text] = best[name]
            found = any(best[name][:-1].max() >= SURE for name in open_ones)
            sure[text] = found and all(best[name].max() >= SURE for name in open_ones)
        return sure

    def save(self, directory: Path) -> None:
        """Write encoder.json, reader.json and, where there is a classifier, reader.safetensors."""
        super().save(directory)
        content = {"kind": self.kind, **self.layout.as_dict(), "rules": rules_hash(), "learned": bool(self.learned)}
        write_json(directory / READER, content)
        if self.learned:
            from safetensors.numpy import save

            (directory / LEARNED).write_bytes(save(self.learned.arrays()))

    @classmethod
    def from_files(cls, directory: Path, encoder: SentenceEncoder) -> "PosteriorReader":
        """The reader that `save` has written. Raises InputError where its files do not belong together."""
        path = directory / READER
        content = read_json(path, ("sentence_dim", "attributes", "rules", "learned"))
        layout = TextLayout.of_file(path)
        if content["rules"] != rules_hash():
            log.info("%s: the rules for words have changed since; texts are read by those of today", path)
        if layout.sentence_dim != encoder.dim or not isinstance(content["learned"], bool):
            raise InputError(
                f"{path}: expected sentence_dim {encoder.dim}, that of the encoder, and learned true or false, found"
                f" {layout.sentence_dim} and {brief(content['learned'])}; run stages 1 and 4 again"
            )
        if not content["learned"]:
            return cls(encoder, layout)
        path = directory / LEARNED
        if not path.is_file():
            raise InputError(
                f"{path}: no such file; copy it from the directory of the text vectors, or run stage 4 again"
            )
        arrays = read_arrays(path, "run stages 1 and 4 again")
        learned = TextClassifier.from_arrays(layout.attributes, layout.sentence_dim, arrays, path)
        return cls(encoder, layout, learned)


def by_rules(
    understood: Sequence[Understanding], attributes: Mapping[str, Sequence[str]]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Attribute -> posteriors (T, values + 1) of T texts by rules alone, and where (T,) they are silent: unsaid."""
    found, silent = {}, {}
    for name, values in attributes.items():
        claimed = [posterior(one, name, values) for one in understood]
        silent[name] = np.array([one is None for one in claimed])
        found[name] = np.stack([np.eye(len(values) + 1)[-1] if one is None else one for one in claimed])
    return found, silent


def all_said(silent: Mapping[str, np.ndarray]) -> np.ndarray:
    """For which texts (T,) the rules have found every attribute, given where (T,) they are silent on each."""
    return ~np.logical_or.reduce(list(silent.values()))


def warnings_of(rules: TextRules, text: str, understood: Understanding, known: bool) -> tuple[str, ...]:
    """What a person should know of how a text was understood.

    A word is not understood where the rules find nothing in its part of the text but who speaks.

    Args:
        known: unknown words do not matter: the rules have found every attribute, or a classifier has understood them.
    """
    if known or not understood.unknown:
        return understood.problems
    parts = [part for part in unknown_parts(text, understood.unknown) if _only_persons(rules.understand(part))]
    words = list(dict.fromkeys(words_within(understood.unknown, text, parts)))
    more = f" and {len(words) - LONGEST_LIST} more" if len(words) > LONGEST_LIST else ""
    unknown = (f"not understood: {', '.join(words[:LONGEST_LIST])}{more}",) if words else ()
    return (*understood.problems, *unknown)


def _only_persons(understood: Understanding) -> bool:
    return all(claim.attribute in PEOPLE for claim in understood.claims)


def _unread(rest: str) -> tuple[str, ...]:
    """A warning on the end of a text that the encoder does not read."""
    words = re.findall(r"\w[\w'’-]*", rest)
    return (f"beyond the encoder's length: the last {len(words)} words, from '{words[0]}' on",) if words else ()


def rules_hash() -> str:
    """A hash of all rules for words."""
    digest = hashlib.sha256()
    for path in (CUES, LANGUAGES, *sorted(LEXICON.glob("*.yaml"))):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
