"""Secrets are hidden in every form and place, and nothing else is."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.effort import at_most
from utils import secrets
from utils.secrets import HIDDEN, hide, remember, remember_address, remember_values

ROOT = Path(__file__).parents[2]
VALUES = ["sk-plain-0123456789", "a/b c+d&e=é%", "quo\"te\\back's", "fourteen", "umlaut-ä-ß"]
FORMS = {
    "plain": lambda value: value,
    "percent": lambda value: quote(value, safe=""),
    "form": quote_plus,
    "json": json.dumps,
    "repr": repr,
    "basic": lambda value: base64.b64encode(f"user:{value}".encode()).decode(),
    "basic of a longer name": lambda value: base64.b64encode(f"users:{value}".encode()).decode(),
    "basic of another name": lambda value: base64.urlsafe_b64encode(f"someone:{value}".encode()).decode(),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """Each test begins without secrets."""
    monkeypatch.setattr(secrets, "_known", set())


@pytest.mark.hostile("A key or password in a message: as it is, percent-encoded, escaped, or in base64")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_hidden_in_all_its_forms(value, form):
    remember(value)
    for sentence in ("{}", "error: '{}' is wrong", "x{}y", "https://host/{}/v1"):
        text = hide(sentence.format(FORMS[form](value)))
        assert HIDDEN in text and value not in text
        assert len(text) <= len(sentence) + len(HIDDEN) + 14  # what is left of a name in front, in base64


@pytest.mark.hostile("A password, token or key in an address, a header, an option, a variable or JSON")
@pytest.mark.parametrize(
    "text",
    [
        "POST http://user:VALUE@host:80/v1 failed",
        "http://VALUE@host/v1",
        "socks5://a:p@VALUE@host",
        "https://host/v1?api_key=VALUE&model=x",
        "https://host/v1?model=x&access_token=VALUE#top",
        "Authorization: Bearer VALUE",
        "{'authorization': 'Basic VALUE=='}",
        "Headers({'Authorization': b'VALUE'})",
        "a bearer VALUE0123",
        "--api_key VALUE --n 3",
        "--openai-api-key=VALUE",
        "python3 -m x --set api_key=VALUE,tries=3",
        "OPENAI_API_KEY=VALUE ./run.sh",
        "export HF_TOKEN='VALUE' # mine",
        '{"api_key": "VALUE"}',
        "password: VALUE",
        "DB_PASSWD=VALUE",
        "the key sk-VALUE0123456789 is not valid",
    ],
)
def test_what_stands_where_secrets_do_is_hidden(text):
    shown = hide(text)
    assert HIDDEN in shown and "VALUE" not in shown and hide(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "python3 -m steps.text.augment --data data/demo/all --out data/demo/descriptions --seed 0",
        "text2token = 5 of 7 tokens, keyword: value, monkey=banana, --set beams=1,most_tokens=10",
        "a woman with a secret smile; mail me@example.org about key 'utt1'",
        "http://127.0.0.1:8000/v1: no answer in 3 tries",
        "basic attributes, bearer of news, sk-1",
        "conf.yaml: api_key: expected str, found 3",
        "OPENAI_API_KEY: no key: it has blanks",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert hide(text) == text


def test_what_stands_behind_a_secret_stays():
    assert hide("--set api_key=abc: unknown option") == f"--set api_key={HIDDEN}: unknown option"
    assert hide("{api_key: abc}, http://u:p@h: no answer") == f"{{api_key: {HIDDEN}, http://{HIDDEN}@h: no answer"


@pytest.mark.hostile("Messages of 100 kB are searched for keys in a moment")
@pytest.mark.parametrize(
    "part",
    ["a_", "a.", "-", "--a-", "http://", "api_key", "api_key= ", "bearer ", "sk-", "authorization: ", "x://a", " "],
)
def test_long_messages_cost_nothing(part):
    with at_most(4):
        hide(part * (100_000 // len(part)))


def test_secrets_of_the_environment(monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "from-the-environment")
    monkeypatch.setenv("SOME_TOKEN", "short")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter%202@proxy:3128")
    monkeypatch.setenv("all_proxy", "other:tiger77@proxy")
    text = hide("from-the-environment short hunter%202 'hunter 2' tiger77 proxy:3128")
    assert text == f"{HIDDEN} short {HIDDEN} '{HIDDEN}' {HIDDEN} proxy:3128"


def test_secrets_of_addresses_and_values():
    remember_address("http://user:PW@host/v1")
    assert hide("user:PW, PW and PWA") == f"{HIDDEN}, {HIDDEN} and PWA"
    remember_address("http://[not an address")
    remember_address(None)
    remember(" ")
    remember_values({"api_key": ["first-key", 12345], "url": "http://u:letmein@h", "inner": [{"hf-token": "third"}]})
    assert hide("first-key 12345 letmein third user") == " ".join([HIDDEN] * 4 + ["user"])


COMMAND = """
import sys
from dataclasses import dataclass
from typing import ClassVar
from utils.command import run_command
from utils.options import option
from utils.stage_dir import StageDir

@dataclass(frozen=True)
class Options:
    COMMAND: ClassVar[str] = "steps.x"
    out: str = option()
    address: str = option()

def work(options):
    with StageDir(options.out, options):
        pass
    raise RuntimeError(options.address)

sys.exit(run_command(Options, work, None))
"""


@pytest.mark.hostile("A password on the command line, in the log, in run_info.json and in config.yaml")
def test_no_file_and_no_log_of_a_command_has_it(tmp_path):
    words = ["--out", str(tmp_path / "out"), "--address", "http://user:open-sesame@host"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert "RuntimeError: http://<hidden>@host" in done.stderr and "sesame" not in done.stderr + done.stdout
    files = [path.read_text() for path in (tmp_path / "out").iterdir()]
    assert len(files) == 3 and not [text for text in files if "sesame" in text]
    assert json.loads((tmp_path / "out/run_info.json").read_text())["options"]["address"] == "http://<hidden>@host"
