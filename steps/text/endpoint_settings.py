"""Settings of an OpenAI-compatible endpoint: a YAML file, the environment (OPENAI_API_KEY, OPENAI_BASE_URL), `.env`.

The first that has a value decides. Key and password are hidden from then on (`utils.secrets`).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from steps.text.env_file import read_env
from utils.errors import InputError, cut
from utils.extras import require
from utils.options import option
from utils.secrets import hide, remember, remember_address, remember_values
from utils.settings import read_conf
from utils.yaml_files import read_yaml

OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "unused"  # what a server without keys is sent


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
    timeout: float = option(60.0, "seconds to wait for a whole answer", above=0, most=86400)


def read_settings(conf: Path | None) -> EndpointSettings:
    """The settings of a conf file, completed from the environment and the .env file.

    Raises InputError where there is no key, or a key or an address that cannot be one.
    """
    require("--augment openai", "openai")
    if conf:
        remember_values(read_yaml(conf))  # before anything of it is shown
    given = read_conf(EndpointSettings, conf) if conf else {}
    env_file = given.get("env_file")
    if env_file and not env_file.is_file():
        raise InputError(f"{env_file}: no such file (env_file of {conf})")
    from_file = read_env(env_file or Path(".env"))
    remember_values(from_file)
    env = from_file | os.environ
    url = given.get("base_url") or env.get("OPENAI_BASE_URL")
    key = given.get("api_key") or env.get("OPENAI_API_KEY")
    remember(key)
    remember_address(url)
    if not key and not url:
        raise InputError(
            "no key for OpenAI: set OPENAI_API_KEY in the environment or a .env file, or api_key in the conf file"
        )
    check_address(url or OPENAI_URL, f"{conf}: base_url" if given.get("base_url") else "OPENAI_BASE_URL")
    check_key(key or NO_KEY, f"{conf}: api_key" if given.get("api_key") else "OPENAI_API_KEY")
    return EndpointSettings(**given | {"base_url": url or OPENAI_URL, "api_key": key or NO_KEY})


def check_address(url: str, where: str) -> None:
    """Raise InputError for an address that no endpoint can have."""
    import httpx2

    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(httpx2.URL(url).host) and parts.port != 0
    except (ValueError, httpx2.InvalidURL):  # a port that is no number, brackets that do not close
        good = False
    if not good or not url.isprintable() or " " in url:
        raise InputError(f"{where}: {cut(hide(repr(url)))} is no address; expected http://HOST[:PORT]/PATH, or https")


def check_key(key: str, where: str) -> None:
    """Raise InputError for a key that no header can hold; it is not shown."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(
            f"{where}: no key: among its {len(key)} characters are blanks, or some that are not ASCII; is there a"
            " comment behind it, or are quotes missing?"
        )
