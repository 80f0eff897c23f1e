"""What a reader warns of in the texts to sample for: told in the log, and with --strict an error before any sample."""

from collections.abc import Sequence
from typing import NamedTuple

from steps.generators.requests import SampleRequest
from utils.command import logger
from utils.errors import InputError, brief

log = logger(__name__)
MOST_TOLD = 20  # texts


def heed_warnings(requests: Sequence[SampleRequest], strict: bool) -> None:
    """Log the warnings of texts, with their ids. Raises InputError for the first of them where `strict`."""
    both = [text for request in requests for text in _texts(request)]
    told = [text for text in both if text.warnings]
    if strict and told:
        others = f" ({len(told)} of {len(both)} texts have such warnings)" if len(both) > 1 else ""
        raise InputError(f"{_line(told[0])}{others}; word it in another way, or leave out --strict")
    for text in told[:MOST_TOLD]:
        log.warning("%s", _line(text))
    if len(told) > MOST_TOLD:
        log.warning("%d more texts have such warnings; provenance.jsonl has them all", len(told) - MOST_TOLD)


class _ToldText(NamedTuple):
    name: str
    text: str
    warnings: Sequence[str]


def _texts(request: SampleRequest) -> list[_ToldText]:
    """The texts of a request, of a mix both."""
    texts = [_ToldText(request.text_id, request.text, request.warnings)]
    return texts + [_ToldText("mix_text", request.mix.text, request.mix.warnings)] if request.mix else texts


def _line(text: _ToldText) -> str:
    return f"{text.name}: {brief(text.text)}: {'; '.join(text.warnings)}"
