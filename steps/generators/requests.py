"""Requests for samples: texts with ids and numbers of speakers, from an argument, a file or groups; and settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steps.generators.gender import gender_of, parse_cell
from steps.text.check import require_text
from steps.text.descriptions import Descriptions
from utils.errors import InputError, brief
from utils.table_values import CONTROL_CHARACTERS
from utils.tables import check_key, read_lines, read_table

if TYPE_CHECKING:
    import numpy as np

    from steps.text.read import Reader

CHUNK = 8192  # utterances drawn at once: bounds the memory
LONGEST_ID = 200  # characters of a text's id, which all ids of its speakers repeat
MOST_SAMPLES = 9_999_999  # of one text: ids have seven digits
MOST_UTTERANCES = 9999  # of one speaker: ids have four digits
MOST_VECTORS = 99_999_999  # of one text: its speakers times their utterances


BY_TRANSPORT, BY_TEXT = WAYS = ("transport", "text")


class SecondText(NamedTuple):
    """A second description, and how far the voices are on the way to it (`interpolation.py`).

    Attributes:
        text: verbatim. share: 0 for the first description alone, 1 for the second. by: one of `WAYS`.
        warnings: of the reader.
    """

    text: str
    share: float
    by: str = BY_TRANSPORT
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SamplingSettings:
    """How samples are drawn.

    Attributes:
        seed: of all random streams.
        weight_temperature, spread_temperature: 1 is the model's own density; see `Mixture.tempered`.
        distance_to_train: least cosine distance of a sample from every training speaker; 0 for no limit.
        distance_to_others: least cosine distance between two samples of one text; 0 for no limit.
        max_tries: rounds of rejection, each of as many draws as samples, after which a distance is an error.
        utts_per_speaker: utterances of each sampled speaker.
    """

    seed: int = 0
    weight_temperature: float = 1.0
    spread_temperature: float = 1.0
    distance_to_train: float = 0.0
    distance_to_others: float = 0.0
    max_tries: int = 100
    utts_per_speaker: int = 1

    @property
    def speakers_at_once(self) -> int:
        """How many speakers a chunk has."""
        return max(CHUNK // self.utts_per_speaker, 1)


class SampleRequest(NamedTuple):
    """A text, and how many speakers are sampled for it.

    Attributes:
        text_id: id of the text.
        text: the description, verbatim.
        n: number of speakers.
        group: the group that the text describes; None for a text of the user's.
        prefix: of the speakers' ids, `<prefix>-0000001`, `<prefix>-0000002`, ...; see `steps.generators.sample_ids`.
        gender: m or f where it is known: of the group, or given by the user.
        warnings: of the reader, what a person should know of how it understood the text.
        mix: the second description that the voices are between; None for those of one.
    """

    text_id: str
    text: str
    n: int
    group: str | None = None
    prefix: str = ""
    gender: str | None = None
    warnings: tuple[str, ...] = ()
    mix: SecondText | None = None

    @property
    def drawn_as(self) -> str:
        """The text whose random streams the speakers have: the first, of a mix the second where that is all of it."""
        return self.mix.text if self.mix and self.mix.share == 1 else self.text

    @property
    def description(self) -> str:
        """What the speakers are samples of, in words."""
        if self.mix is None or self.mix.share in (0, 1):
            return self.drawn_as
        return f"{1 - self.mix.share:.4g} {self.text} + {self.mix.share:.4g} {self.mix.text}"


def chunks_of(request: SampleRequest, settings: SamplingSettings) -> list[range]:
    """The speakers of a request, numbered from 0, in chunks that are drawn at once, each with its own random stream.

    Raises InputError for more speakers that must keep a distance from each other than a chunk has.
    """
    most = settings.speakers_at_once
    if request.n > most and settings.distance_to_others:
        several = "" if settings.utts_per_speaker == 1 else f" with {settings.utts_per_speaker} utterances each"
        raise InputError(
            f"{request.text_id}: distance_to_others is possible for up to {most} samples of a text{several}"
        )
    return [range(first, min(first + most, request.n)) for first in range(0, request.n, most)]


def checked_mix(text: str | None, share: float, by: str) -> SecondText | None:
    """The second description of a mix; None where there is none. Raises InputError for what is none."""
    if text is None:
        return None
    if by not in WAYS:
        raise InputError(f"mix_by {brief(by)}: expected {' or '.join(WAYS)}")
    if not 0 <= share <= 1:
        raise InputError(f"mix {brief(share)}: expected a share, 0 to 1")
    return SecondText(require_text(text, "mix_text"), float(share), by)


def read_requests(reader: "Reader", requests: Sequence[SampleRequest]) -> tuple[list[SampleRequest], "np.ndarray"]:
    """Read the texts of requests: with what the reader warns of, and vectors (T, E), of mixes (T, 2, E)."""
    texts = [text for request in requests for text in (request.text, *([request.mix.text] if request.mix else []))]
    reading = reader.read(texts)
    mixed = len(texts) > len(requests)
    warned = [tuple(own) for own in reading.warnings]
    if not mixed:
        return [one._replace(warnings=own) for one, own in zip(requests, warned, strict=True)], reading.vectors
    told = [
        one._replace(warnings=own, mix=one.mix and one.mix._replace(warnings=others))
        for one, own, others in zip(requests, warned[::2], warned[1::2], strict=True)
    ]
    return told, reading.vectors.reshape(len(requests), 2, -1)


def from_text(text: str, n: int, gender: str | None = None) -> list[SampleRequest]:
    """One text of the user's."""
    return [SampleRequest("text", require_text(text, "--text"), n, gender=gender)]


def from_file(path: Path, n: int, gender: str | None = None) -> list[SampleRequest]:
    """Texts of a file: `id<tab>text` or `id<tab>text<tab>gender` lines, or plain lines, which are numbered.

    Args:
        gender: of the texts without a third column.
    """
    requests: dict[str, SampleRequest] = {}
    for number, line in enumerate(read_lines(path), 1):
        where = f"{path}:{number}"
        text_id, text, own = _columns(line.removesuffix("\r"), number, where)
        if text_id in requests:
            raise InputError(f"{where}: duplicate id {brief(text_id)}; ids name the sampled speakers and must differ")
        requests[text_id] = SampleRequest(text_id, require_text(text, where), n, gender=own or gender)
    if not requests:
        raise InputError(f"{path}: empty; expected a description a line")
    return [requests[text_id] for text_id in sorted(requests)]


def _columns(line: str, number: int, where: str) -> tuple[str, str, str | None]:
    """Id, text and gender of a line. A text may have tabs, but end neither in one nor in a tab and a single word."""
    text_id, tab, text = line.partition("\t")
    if not tab:
        return f"text{number:05d}", line, None
    if CONTROL_CHARACTERS.search(check_key(text_id, where)):
        raise InputError(f"{where}: the id {brief(text_id)} has a control character; remove it")
    if len(text_id) > LONGEST_ID:
        raise InputError(
            f"{where}: an id of {len(text_id)} characters, expected at most {LONGEST_ID}: {brief(text_id)}"
        )
    head, tab, last = text.rpartition("\t")
    if not tab or len(last.split()) > 1:
        return text_id, text, None
    return text_id, head, parse_cell(last, f"{where}: the third column")


def from_groups(descriptions: Path, n: int) -> list[SampleRequest]:
    """n speakers for each group of a corpus, dealt over its seen variants (over all, where only captions are seen)."""
    texts, known = read_table(descriptions / "text"), Descriptions.read(descriptions)
    variants: dict[str, list[str]] = {}
    for text_id in sorted(set(known.group_of) - set(known.captions)):
        variants.setdefault(known.group_of[text_id], []).append(text_id)
        if text_id not in texts:
            raise InputError(f"{descriptions / 'text'}: no text for {brief(text_id)} of text2group; run stage 1 again")
    if not variants:
        raise InputError(f"{descriptions}: no variants of any group; run stage 1, or name your texts with --text_file")
    requests = []
    for group, ids in sorted(variants.items()):
        ids = [text_id for text_id in ids if known.set_of[text_id] == "seen"] or ids
        for position, text_id in enumerate(ids):
            share = n // len(ids) + (position < n % len(ids))
            if share:
                text = require_text(texts[text_id], f"{descriptions / 'text'}: {text_id}")
                requests.append(SampleRequest(text_id, text, share, group, gender=gender_of(group)))
    return requests
