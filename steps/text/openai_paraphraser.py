"""Paraphrases from any OpenAI-compatible chat endpoint, with structured output, back-off and a cache of answers.

Writes one file per answer in the cache directory, so that no answered request is sent again. The key is sent to the
endpoint only: it is in no log, cache or error message.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path

from steps.text.endpoint_settings import NO_KEY, EndpointSettings
from utils.command import logger
from utils.durable import write_whole
from utils.errors import InputError, brief
from utils.json_files import json_text, parse_json, read_json
from utils.secrets import hide, remember, remember_address

log = logger(__name__)

MOST_SENTENCES = 1000  # of an answer
RETRIED_STATUS = {408, 409, 429}  # and every 5xx
INSTRUCTIONS = (
    "You write English descriptions of voices, as different people write them. Vary the register: plain sentences, "
    "requests, questions, orders to a speech synthesiser, casting calls, reports, a line of a story, key words, fields "
    "such as 'pitch: low', messages to a friend. Vary the length from three words to three sentences, the order of "
    "the attributes, the wording and the construction; use idioms and comparisons where nobody can misunderstand them. "
    "Each description stands on one line. It says every attribute that is asked for, in words that leave no doubt, and "
    "no other value of it. One in five may mention how loud the voice is, its mood or its recording too; none mentions "
    "age or accent unless asked for. Never write a description that you are told to avoid."
)
SCHEMA = {
    "type": "object",
    "properties": {"descriptions": {"type": "array", "items": {"type": "string"}}},
    "required": ["descriptions"],
    "additionalProperties": False,
}


class Paraphraser:
    """Asks one endpoint for descriptions of groups.

    Args:
        settings: from `read_settings`.
        cache: directory of the answers so far; made if need be.
    """

    def __init__(self, settings: EndpointSettings, cache: Path):
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        self.settings, self.cache = settings, Path(cache)
        if settings.api_key != NO_KEY:
            remember(settings.api_key)
        remember_address(settings.base_url)
        self.shown = hide(settings.base_url)  # the address in messages
        self.cache.mkdir(parents=True, exist_ok=True)

    def variants(self, description: str, number: int, accept: Callable[[str], bool]) -> list[str]:
        """Ask until `number` sentences are accepted.

        Args:
            description: what to paraphrase: "woman, low pitch, slow speaking rate".
            accept: returns whether a sentence is accepted.
        Raises:
            InputError: the endpoint does not deliver, within the settings' rounds and tries.
        """
        accepted: list[str] = []
        offered: list[str] = []
        for round_number in range(self.settings.rounds):
            answer = self._answer(description, number - len(accepted), offered, round_number)
            for sentence in answer:
                if len(accepted) < number and accept(sentence):
                    accepted.append(sentence)
            offered += answer
            if len(accepted) == number:
                return accepted
        raise InputError(
            f"{self.settings.model} at {self.shown}: {len(accepted)} usable sentences of {number} for "
            f"'{description}' after {self.settings.rounds} answers, {len(offered)} offered; try another model"
        )

    def _answer(self, description: str, number: int, avoid: list[str], round_number: int) -> list[str]:
        """One answer, from the cache if this request was answered before."""
        request = self._request(description, number, avoid)
        identity = json.dumps([self.settings.base_url, request, round_number], sort_keys=True)
        path = self.cache / f"{hashlib.sha256(identity.encode()).hexdigest()}.json"
        if path.is_file():
            try:
                return clean_sentences(read_json(path, ("request", "answer"))["answer"])
            except ValueError as error:
                raise InputError(f"{path}: {error}; remove the file, and the endpoint is asked again") from error
        answer = self._ask(request)
        write_whole(path, json_text({"request": request, "answer": answer}, path, indent=1).encode(), shared=True)
        return answer

    def _request(self, description: str, number: int, avoid: list[str]) -> dict:
        wanted = f"Write {number} different descriptions of this voice: {description}."
        avoided = "\nAvoid these sentences:\n" + "\n".join(avoid) if avoid else ""
        return {
            "model": self.settings.model,
            "temperature": self.settings.temperature,
            "messages": [
                {"role": "system", "content": INSTRUCTIONS},
                {"role": "user", "content": wanted + avoided},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "descriptions", "strict": True, "schema": SCHEMA},
            },
        }

    def _ask(self, request: dict) -> list[str]:
        """Send a request until a well-formed answer comes. Raises InputError for an error that no retry can solve."""
        import openai

        from steps.text.endpoint import send, told

        for attempt in range(1, self.settings.tries + 1):
            wait = min(self.settings.first_wait * 2 ** min(attempt - 1, 60), self.settings.max_wait)
            try:
                body = send(self.settings, request)
            except InputError:
                raise
            except openai.APIStatusError as error:
                trouble = told(error)
                self._require_retry(error, trouble)
                wait = max(wait, self._asked_wait(error.response.headers))
            except (openai.APIConnectionError, ValueError) as error:
                trouble = told(error)
            else:
                try:
                    return parse_answer(body)
                except ValueError as error:
                    trouble = str(error)
            if attempt < self.settings.tries:
                log.warning("%s; try %d of %d in %.1f s", trouble, attempt + 1, self.settings.tries, wait)
                time.sleep(wait)
        raise InputError(
            f"{self.shown}: no answer in {self.settings.tries} tries, the last time {trouble}; "
            "run again later, what was answered so far is kept"
        )

    def _require_retry(self, error, trouble: str) -> None:
        """Raise InputError for an HTTP error that no retry can solve."""
        status = error.status_code
        if status in (401, 403):
            raise InputError(f"{self.shown}: the endpoint refuses the key (HTTP {status})")
        retried = status in RETRIED_STATUS or status >= 500
        if not retried or getattr(error, "code", None) == "insufficient_quota":
            raise InputError(f"{self.shown}: {trouble}")

    def _asked_wait(self, headers: Mapping[str, str]) -> float:
        """The seconds that the server asks to wait. Raises InputError if they are more than the settings allow."""
        wait = retry_after(headers.get("retry-after"))
        if wait > self.settings.max_wait:
            raise InputError(
                f"{self.shown}: asks to wait {wait:.0f} s (max_wait is {self.settings.max_wait:.0f}); "
                "run again then, what was answered so far is kept"
            )
        return wait


def retry_after(value: str | None) -> float:
    """The seconds of a Retry-After header, a number or a date (RFC 9110, 10.2.3); 0 for none or a malformed one."""
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def parse_answer(body: str) -> list[str]:
    """The sentences in the body of a chat completion. Raises ValueError if it is not of the asked form."""
    try:
        content = parse_json(body, "answer")["choices"][0]["message"]["content"]
        if not isinstance(content, str):
            raise TypeError
        sentences = parse_json(content, "answer")["descriptions"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"malformed answer ({type(error).__name__})") from error
    return clean_sentences(sentences)


def clean_sentences(sentences: object) -> list[str]:
    """The sentences of an answer, with single blanks, at most MOST_SENTENCES. Raises ValueError for anything else."""
    if not isinstance(sentences, list) or not all(isinstance(sentence, str) for sentence in sentences):
        raise ValueError(f"malformed answer (descriptions is not a list of strings: {brief(sentences)})")
    return [" ".join(sentence.split()) for sentence in sentences[:MOST_SENTENCES]]
