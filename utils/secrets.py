"""Passwords and keys, kept out of logs, messages and files: `hide(text)` puts HIDDEN in their place.

    remember(settings.api_key)               # hidden from now on, in every form that it may take
    log.warning("%s", error)                 # logs, messages and run_info.json are hidden by those who write them
    cut = hide(body)[:200]                   # hide first: half of a key is no longer known

Hidden by value: what `remember` was given, environment variables with names of secrets, and the passwords of proxies;
as they are, percent-encoded, escaped as in JSON, and in base64, as in the header of basic authentication. Hidden by
place: what stands before the @ of an address, behind `api_key=` and the like, and behind `Authorization:`.
"""

import base64
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote, urlsplit

HIDDEN = "<hidden>"
SHORTEST = 4  # characters of a value that is hidden within words; shorter ones are hidden where they are words
SHORTEST_OF_ENVIRONMENT = 8  # of a variable that only its name makes a secret, and of a user without a password
SHORTEST_BASE64 = 6
NAME = r"(?:api_?key|access_?key|secret_?key|secret|token|passw(?:or)?d|passphrase)"
VARIABLE = re.compile(rf"(?:^|_){NAME}$", re.IGNORECASE)
PROXIES = re.compile(r"(?:https?|all|ftp)_proxy$", re.IGNORECASE)
COUNT = r"(?<!most[_-])"  # most_tokens is a number of tokens
WORDS = rf"(?:[\w-]{{0,40}}[_-])?{COUNT}{NAME.replace('_', '[_-]')}s?"  # as --openai-api-key; of a length, for speed
PLACES = (  # each with what stays in front of what is hidden
    re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/?#'\"<>@][^\s'\"<>]{0,1000}(?=@)", re.IGNORECASE),
    re.compile(
        rf"((?:\b|_|-){WORDS}['\"]?\s{{0,9}}[=:]\s{{0,9}}['\"]?)"
        r"(?!<hidden>|(?:expected|unknown|no)\b)[^\s'\"&#,;]*[^\s'\"&#,;:]",
        re.IGNORECASE,
    ),
    re.compile(rf"(--{WORDS}\s+)(?!<hidden>|--)\S+", re.IGNORECASE),
    re.compile(
        r"(\bauthorization['\"]?\s{0,9}[:=]\s{0,9}(?:b?['\"])?(?:(?:bearer|basic|token)\s{1,9})?)[^\s'\",]+",
        re.IGNORECASE,
    ),
    re.compile(r"(\bbearer\s{1,9})[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"()\bsk-[\w-]{12,}"),  # the keys of OpenAI and others
)

_known: set[str] = set()


def remember(secret: str | None) -> None:
    """Hide this value from now on, in this process."""
    if secret and secret.strip():
        _known.add(secret.strip())


def remember_address(address: str | None) -> None:
    """Hide the user and the password of an address from now on."""
    _known.update(_of_address(address or ""))


def remember_values(content: object) -> None:
    """Hide what stands at the names of secrets in plain values, such as those of a YAML file."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            if VARIABLE.search(str(name).replace("-", "_")):
                for text in _texts(value):
                    remember(text)
            else:
                remember_values(value)
    elif isinstance(content, list | tuple):
        for value in content:
            remember_values(value)
    elif isinstance(content, str):
        remember_address(content)


def hide(text: str) -> str:
    """The text with HIDDEN in place of all secrets."""
    text = hide_values(text)
    for pattern in PLACES:
        text = pattern.sub(lambda match: match[1] + HIDDEN, text)
    return text


def hide_values(text: str) -> str:
    """The text with HIDDEN in place of what is known to be a secret, wherever it stands."""
    pattern = _pattern(frozenset(_known | _of_environment()))
    return pattern.sub(HIDDEN, text) if pattern else text


def _of_environment() -> set[str]:
    found: set[str] = set()
    for name, value in os.environ.items():
        if PROXIES.search(name):
            found |= _of_address(value if "://" in value else f"http://{value}")
        elif VARIABLE.search(name) and len(value.strip()) >= SHORTEST_OF_ENVIRONMENT:
            found.add(value.strip())
    return found


@lru_cache(maxsize=64)
def _of_address(address: str) -> frozenset[str]:
    """The pair of user and password, and the password alone, as they are and decoded; a user alone may be a token."""
    try:
        user_info, at, _ = urlsplit(address).netloc.rpartition("@")
    except ValueError:
        user_info, at, _ = address.partition("://")[2].rpartition("@")
    if not at:
        return frozenset()
    _, colon, password = user_info.partition(":")
    own = [user_info, password] if colon else [user_info] * (len(user_info) >= SHORTEST_OF_ENVIRONMENT)
    return frozenset(form for one in own for form in (one, unquote(one)) if form)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif value is not None and not isinstance(value, Mapping | bool):
        yield str(value)


@lru_cache(maxsize=16)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    """Any form of any of these, the longest first."""
    forms = {form for secret in secrets for form in _forms(secret)}
    words = [_as_pattern(form) for form in sorted(forms, key=lambda form: (-len(form), form))]
    return re.compile("|".join(words)) if words else None


def _as_pattern(form: str) -> str:
    if len(form) < 2:
        return r"(?!)"  # a single character is no secret: every text has it
    return re.escape(form) if len(form) >= SHORTEST else rf"(?<!\w){re.escape(form)}(?!\w)"


def _forms(secret: str) -> set[str]:
    """A secret as it is, escaped, percent-encoded in either case, and in base64, at any place."""
    encoded = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    forms = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], *encoded}
    forms |= {re.sub("%..", lambda match: match[0].lower(), form) for form in encoded}
    raw = secret.encode("utf-8", "surrogateescape")
    for before in range(3):  # bytes in front of it, as of the user's name
        text = base64.b64encode(bytes(before) + raw).decode()
        core = text[math.ceil(8 * before / 6) : 8 * (before + len(raw)) // 6]
        if len(core) >= SHORTEST_BASE64:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms
