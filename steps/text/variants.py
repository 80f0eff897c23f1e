"""Variants, the paraphrases of a group's description: collect them from the grammar, an endpoint or a file, and
check each of them. Rejected texts are left out and listed with the reason.
"""

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from steps.data.groups import Grouping
from steps.text.check import Checker, normalise, require_text, text_problem
from steps.text.grammar import Grammar
from steps.text.openai_paraphraser import Paraphraser
from utils.errors import InputError, brief
from utils.json_files import read_json

MOST_OFFERS = 20  # of the grammar, for each text that is asked for


@dataclass
class Variants:
    """Accepted texts by group, all distinct after normalisation, and the rejected ones with their reasons."""

    grouping: Grouping
    checker: Checker = field(default_factory=Checker)
    accepted: dict[str, list[str]] = field(default_factory=dict)
    rejected: list[dict[str, str]] = field(default_factory=list)
    owner: dict[str, str] = field(default_factory=dict)  # normalised text -> group

    def offer(self, group: str, text: str, english: bool = False) -> bool:
        """Accept a text for a group, or record the reason why not. `english`: the text must look like English."""
        reason = self.rejection(group, text, english)
        if reason:
            self.rejected.append({"group": group, "reason": reason, "text": text})
            return False
        self.accept(group, text)
        return True

    def accept(self, group: str, text: str) -> None:
        """Accept a text of which `rejection` has nothing to say."""
        self.owner[normalise(text)] = group
        self.accepted.setdefault(group, []).append(text)

    def rejection(self, group: str, text: str, english: bool = False) -> str | None:
        """Why a text may not be used for a group; None where it may."""
        problem = text_problem(text)
        if problem:
            return problem
        plain = normalise(text)
        if not plain:
            return "no words"
        if plain in self.owner:
            return f"the same words as a text of {self.owner[plain]}"
        if english and not self.checker.is_english(text):
            return "not English"
        return "; ".join(self.checker.contradictions(text, self.grouping.values(group))) or None


def fill_from_grammar(variants: Variants, number: int, seed: int) -> None:
    """Fill each group with `number` texts of the offline paraphraser that the checker does not refuse."""
    grammar = Grammar()
    for group in variants.grouping.groups:
        accepted, reason = 0, None
        texts = grammar.variants(variants.grouping.values(group), seed)
        for text in itertools.islice(texts, MOST_OFFERS * number):
            refused = variants.rejection(group, text)
            if refused:
                reason = refused
                continue
            variants.accept(group, text)
            accepted += 1
            if accepted == number:
                break
        else:
            raise InputError(
                f"group {group}: the grammar has {accepted} usable texts, {number} asked; lower --variants_per_group"
                f" or give texts of your own by --augment file{f'; {brief(reason)}' if reason else ''}"
            )


def fill_from_endpoint(variants: Variants, number: int, paraphraser: Paraphraser) -> None:
    """Fill each group with `number` sentences of an OpenAI-compatible endpoint."""
    grammar = Grammar()
    for group in variants.grouping.groups:
        description = grammar.describe(variants.grouping.values(group))
        paraphraser.variants(description, number, lambda text, group=group: variants.offer(group, text, english=True))


def fill_from_file(variants: Variants, number: int, path: Path) -> None:
    """Fill each group with the texts of a JSON file {group: [texts]}, of which at least `number` must be accepted."""
    texts = read_variants_file(path)
    groups = variants.grouping.groups
    unknown, missing = sorted(set(texts) - set(groups)), sorted(set(groups) - set(texts))
    if unknown or missing:
        raise InputError(
            f"{path}: {_some('unknown groups', unknown)}{_some('missing groups', missing)}"
            f"the groups of the data are {' '.join(groups)}"
        )
    for group in groups:
        accepted = sum(variants.offer(group, text) for text in texts[group])
        if accepted < number:
            reasons = "".join(
                f"; {brief(row['text'])}: {row['reason']}" for row in variants.rejected if row["group"] == group
            )
            raise InputError(
                f"{path}: {group}: {accepted} usable texts, expected at least {number}; "
                f"add texts or lower --variants_per_group{reasons}"
            )


def _some(label: str, names: list[str]) -> str:
    return f"{label} {' '.join(names[:5])}{' ...' if len(names) > 5 else ''}; " if names else ""


def read_variants_file(path: Path) -> dict[str, list[str]]:
    """Read {group: [texts]}. Raises InputError with the line of a syntax error, or the group and number of a text."""
    content = read_json(path)
    for group, texts in content.items():
        if not isinstance(texts, list):
            raise InputError(f"{path}: {group}: expected a list of texts, found {brief(texts)}")
    return {
        group: [require_text(text, f"{path}: {group}: text {index}") for index, text in enumerate(texts, 1)]
        for group, texts in content.items()
    }
