"""Paraphrases from any OpenAI-compatible chat endpoint, with structured output, back-off and a cache of answers.

Reads: a YAML file of `EndpointSettings`, the environment (OPENAI_API_KEY, OPENAI_BASE_URL), a `.env` file; in this
order of precedence. Writes: one file per answer in the cache directory, so that no answered request is sent again.
The key is sent to the endpoint only: it is in no log, cache or error message.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from utils.command import logger
from utils.durable import write_whole
from utils.errors import InputError
from utils.json_files import read_json
from utils.options import option
from utils.settings import read_conf
from utils.tables import read_text

log = logger(__name__)

OPENAI_URL = "https://api.openai.com/v1"
RETRIED_STATUS = {408, 409, 429}  # and every 5xx
INSTRUCTIONS = (
    "You write short English descriptions of voices. Each description is one natural sentence on one line. It says "
    "every attribute that is asked for, in words that leave no doubt, and no other: no age, accent, emotion or quality "
    "unless asked for. Vary wording and construction. Never write a sentence that you are told to avoid."
)
SCHEMA = {
    "type": "object",
    "properties": {"descriptions": {"type": "array", "items": {"type": "string"}}},
    "required": ["descriptions"],
    "additionalProperties": False,
}


@dataclass(frozen=True, repr=False)  # no repr: it would show the key
class EndpointSettings:
    """Settings of the endpoint, the content of the conf file."""

    model: str = option("gpt-4o-mini", "name of the model")
    base_url: str | None = option(None, "address of the endpoint; else OPENAI_BASE_URL, else OpenAI's own")
    api_key: str | None = option(None, "key; better kept in OPENAI_API_KEY or a .env file")
    env_file: Path | None = option(None, "file of lines NAME=value; by default .env in the working directory, if there")
    temperature: float = option(1.0, "sampling temperature of the model", least=0, most=10)
    rounds: int = option(8, "answers to ask for a group before giving up", least=1, most=1000)
    tries: int = option(6, "times to send one request", least=1, most=100)
    first_wait: float = option(1.0, "seconds before the second try; doubled for each further one", least=0, most=3600)
    max_wait: float = option(
        60.0, "longest wait in seconds; a server that asks for more ends the run", least=0, most=86400
    )
    timeout: float = option(60.0, "seconds to wait for an answer", above=0, most=86400)


def read_settings(conf: Path | None) -> EndpointSettings:
    """The settings of a conf file, completed from the environment and the .env file. Raises InputError if no key."""
    given = read_conf(EndpointSettings, conf) if conf else {}
    env_file = given.get("env_file")
    if env_file and not env_file.is_file():
        raise InputError(f"{env_file}: no such file (env_file of {conf})")
    env = read_env(env_file or Path(".env")) | os.environ
    url = given.get("base_url") or env.get("OPENAI_BASE_URL")
    key = given.get("api_key") or env.get("OPENAI_API_KEY")
    if not key and not url:
        raise InputError(
            "no key for OpenAI: set OPENAI_API_KEY in the environment or a .env file, or api_key in the conf file"
        )
    settings = EndpointSettings(**given | {"base_url": url or OPENAI_URL, "api_key": key or "unused"})
    if (
        min(settings.rounds, settings.tries) < 1
        or min(settings.first_wait, settings.max_wait) < 0
        or settings.timeout <= 0
    ):
        raise InputError(f"{conf}: rounds and tries must be 1 or more, waits 0 or more, timeout above 0")
    return settings


def read_env(path: Path) -> dict[str, str]:
    """Read lines `NAME=value`, with or without `export` and quotes. A file that is not there has no lines."""
    lines = read_text(path).splitlines() if path.is_file() else []
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, equals, value in pairs if equals}


class Paraphraser:
    """Asks one endpoint for descriptions of groups.

    Args:
        settings: from `read_settings`.
        cache: directory of the answers so far; made if need be.
    """

    def __init__(self, settings: EndpointSettings, cache: Path):
        from openai import OpenAI

        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.settings, self.cache = settings, Path(cache)
        self.cache.mkdir(parents=True, exist_ok=True)
        self.client = OpenAI(
            api_key=settings.api_key, base_url=settings.base_url, timeout=settings.timeout, max_retries=0
        )

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
            f"{self.settings.model} at {self.settings.base_url}: {len(accepted)} usable sentences of {number} for "
            f"'{description}' after {self.settings.rounds} answers, {len(offered)} offered; try another model"
        )

    def _answer(self, description: str, number: int, avoid: list[str], round_number: int) -> list[str]:
        """One answer, from the cache if this request was answered before."""
        request = self._request(description, number, avoid)
        identity = json.dumps([self.settings.base_url, request, round_number], sort_keys=True)
        path = self.cache / f"{hashlib.sha256(identity.encode()).hexdigest()}.json"
        if path.is_file():
            return read_json(path, ("request", "answer"))["answer"]
        answer = self._ask(request)
        write_whole(path, json.dumps({"request": request, "answer": answer}, indent=1).encode(), shared=True)
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

        for attempt in range(1, self.settings.tries + 1):
            wait = min(self.settings.first_wait * 2 ** (attempt - 1), self.settings.max_wait)
            try:
                response = self.client.chat.completions.with_raw_response.create(**request)
                return parse_answer(response.http_response.text)
            except openai.APIStatusError as error:
                trouble = self._retried(error)
                wait = max(wait, self._asked_wait(error.response.headers))
            except (openai.APIConnectionError, ValueError) as error:
                trouble = self._without_key(f"{type(error).__name__}: {error}")
            if attempt < self.settings.tries:
                log.warning("%s; try %d of %d in %.1f s", trouble, attempt + 1, self.settings.tries, wait)
                time.sleep(wait)
        raise InputError(
            f"{self.settings.base_url}: no answer in {self.settings.tries} tries, the last time {trouble}; "
            "run again later, what was answered so far is kept"
        )

    def _retried(self, error) -> str:
        """The message of an HTTP error that is worth a retry. Raises InputError for any other."""
        status = error.status_code
        if status in (401, 403):
            raise InputError(f"{self.settings.base_url}: the endpoint refuses the key (HTTP {status})")
        message = self._without_key(f"HTTP {status}: {' '.join(str(error.message).split())[:200]}")
        retried = status in RETRIED_STATUS or status >= 500
        if not retried or getattr(error, "code", None) == "insufficient_quota":
            raise InputError(f"{self.settings.base_url}: {message}")
        return message

    def _asked_wait(self, headers: Mapping[str, str]) -> float:
        """The seconds that the server asks to wait. Raises InputError if they are more than the settings allow."""
        wait = retry_after(headers.get("retry-after"))
        if wait > self.settings.max_wait:
            raise InputError(
                f"{self.settings.base_url}: asks to wait {wait:.0f} s (max_wait is {self.settings.max_wait:.0f}); "
                "run again then, what was answered so far is kept"
            )
        return wait

    def _without_key(self, message: str) -> str:
        return message.replace(self.settings.api_key, "<key>")


def retry_after(value: str | None) -> float:
    """The seconds of a Retry-After header, a number or a date (RFC 9110, 10.2.3); 0 for none or a malformed one."""
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def parse_answer(body: str) -> list[str]:
    """The sentences in the body of a chat completion. Raises ValueError if it is not of the asked form."""
    try:
        content = json.loads(json.loads(body)["choices"][0]["message"]["content"])
        sentences = content["descriptions"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"malformed answer ({type(error).__name__})") from error
    if not isinstance(sentences, list) or not all(isinstance(sentence, str) for sentence in sentences):
        raise ValueError("malformed answer (descriptions is not a list of strings)")
    return [" ".join(sentence.split()) for sentence in sentences]
