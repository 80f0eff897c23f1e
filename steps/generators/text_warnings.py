"""What a reader warns of in the texts to sample for: told in the log, and with --strict an error before any sample."""

from collections.abc import Sequence

from steps.generators.requests import SampleRequest
from utils.command import logger
from utils.errors import InputError, brief

log = logger(__name__)
MOST_TOLD = 20  # texts


def heed_warnings(requests: Sequence[SampleRequest], strict: bool) -> None:
    """Log the warnings of texts, with their ids. Raises InputError for the first of them where `strict`."""
    told = [request for request in requests if request.warnings]
    if strict and told:
        others = f" ({len(told)} of {len(requests)} texts have such warnings)" if len(requests) > 1 else ""
        raise InputError(f"{_line(told[0])}{others}; word it in another way, or leave out --strict")
    for request in told[:MOST_TOLD]:
        log.warning("%s", _line(request))
    if len(told) > MOST_TOLD:
        log.warning("%d more texts have such warnings; provenance.jsonl has them all", len(told) - MOST_TOLD)


def _line(request: SampleRequest) -> str:
    return f"{request.text_id}: {brief(request.text)}: {'; '.join(request.warnings)}"
