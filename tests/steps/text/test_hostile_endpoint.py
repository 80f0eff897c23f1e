"""The paraphraser against endpoints that send what no endpoint should."""

import base64
import contextlib
import gzip
import json
import logging
import re
import socket
import threading
import time

import pytest

from steps.text.augment import main
from steps.text.endpoint_settings import EndpointSettings, read_settings
from steps.text.openai_paraphraser import Paraphraser
from tests.steps.conftest import write_corpus
from utils import secrets
from utils.errors import InputError

KEY, PASSWORD = "sk-secret-0123456789", "open/sesame"
GOOD = "A woman with a deep voice."


def answer(sentences: object) -> bytes:
    """The body of a proper answer."""
    return json.dumps({"choices": [{"message": {"content": json.dumps({"descriptions": sentences})}}]}).encode()


def response(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole response of HTTP."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


class Raw:
    """A server that sends the given bytes to whoever asks, one item of `pieces` after the other."""

    def __init__(self, pieces):
        self.pieces, self.requests = pieces, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with contextlib.suppress(OSError), connection:
            head, body = b"", b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1 << 20)
            head, _, body = head.partition(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
            while len(body) < length:  # else the connection would be reset
                body += connection.recv(1 << 20)
            self.requests.append(head)
            for piece in self.pieces():
                connection.sendall(piece)


@pytest.fixture
def serve():
    """Starts servers, and ends them after the test."""
    servers = []

    def start(pieces):
        servers.append(Raw(pieces if callable(pieces) else lambda: [pieces]))
        return servers[-1]

    yield start
    for one in servers:
        one.listener.close()


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """Each test begins without secrets."""
    monkeypatch.setattr(secrets, "_known", set())


def ask(server, tmp_path, url=None, **settings):
    quick = {"first_wait": 0.0, "tries": 1, "rounds": 1, "timeout": 5.0}
    options = EndpointSettings(base_url=url or server.url, api_key=KEY, **quick | settings)
    return Paraphraser(options, tmp_path / "cache").variants("woman", 1, lambda text: True)


def forever(piece: bytes, pause: float = 0.0):
    """A head, then the same piece again and again."""
    yield b"HTTP/1.1 200 OK\r\n\r\n"
    while True:
        yield piece
        time.sleep(pause)


def header_forever():
    """A header that does not end."""
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    while True:
        yield b"a"
        time.sleep(0.05)


@pytest.mark.hostile("An endpoint's answer of any number of bytes, or a compressed bomb")
@pytest.mark.parametrize(
    "pieces",
    [
        lambda: forever(b"x" * (1 << 20)),
        lambda: [response(gzip.compress(bytes(40 << 20)), headers="Content-Encoding: gzip\r\n")],
        lambda: [response(b"", "500 Oh", "Transfer-Encoding: chunked\r\n"), *[b"100000\r\n" + b"x" * (1 << 20)] * 40],
    ],
    ids=["endless", "bomb", "endless error"],
)
def test_too_large_an_answer(serve, tmp_path, pieces):
    with pytest.raises(InputError, match="no answer in 1 tries, the last time .*(an answer of more than|rotocol)"):
        ask(serve(pieces), tmp_path)


@pytest.mark.hostile("An endpoint's answer that drips, in its head or its body, or never begins")
@pytest.mark.parametrize("pieces", [lambda: forever(b" ", 0.05), header_forever, lambda: time.sleep(3) or []])
def test_too_slow_an_answer(serve, tmp_path, pieces):
    begin = time.monotonic()
    with pytest.raises(InputError, match="no whole answer in 0.4 s|Timeout"):
        ask(serve(pieces), tmp_path, timeout=0.4)
    assert time.monotonic() - begin < 3


@pytest.mark.hostile("An endpoint that redirects, which would take the key elsewhere")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(serve, tmp_path, status):
    other = serve(response(answer([GOOD])))
    first = serve(response(b"", f"{status} Moved", f"Location: {other.url}?api_key={KEY}\r\n"))
    with pytest.raises(InputError, match=rf"HTTP {status}: redirects to {other.url}\?api_key=<hidden>") as caught:
        ask(first, tmp_path, tries=3)
    assert not other.requests and len(first.requests) == 1 and KEY not in str(caught.value)


@pytest.mark.hostile("An endpoint's answer that is deep, not UTF-8, of wrong types, or holds what no text does")
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"choices": ' + b"[" * 200_000,
        answer([GOOD]).replace(b"deep", b"d\xe9ep"),
        b'{"choices": {"0": 1}}',
        b'{"choices": [{"message": {"content": {"descriptions": []}}}]}',
        b'{"choices": [{"message": {"content": [1]}}]}',
        b'{"choices": [[[]]]}',
        b'{"choices": [' + b"9" * 5000 + b"]}",
        b"null",
        answer({"0": GOOD}),
        answer(GOOD),
        answer([[GOOD]]),
        answer(None),
        answer(["half of \ud800 a character"]),
    ],
)
def test_malformed_answers(serve, tmp_path, body):
    with pytest.raises(InputError, match="no answer in 1 tries, the last time (malformed answer|UnicodeDecodeError)"):
        ask(serve(response(body)), tmp_path)
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.hostile("An error of an endpoint that echoes the key or the password, in any form, or steers the terminal")
@pytest.mark.parametrize("status", ["400 Bad", "500 Oh", "429 Slow"])
def test_an_error_that_echoes_the_key(serve, tmp_path, caplog, status):
    pair = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    told = f"{'x' * 195} {KEY[:-3]}{KEY[-3:]} {KEY} Basic {pair} open%2Fsesame \x1b[2J"
    server = serve(response(json.dumps({"error": {"message": told}}).encode(), status))
    url = server.url.replace("//", "//user:open%2Fsesame@")
    with caplog.at_level(logging.DEBUG), pytest.raises(InputError) as caught:
        ask(server, tmp_path, url=url, tries=2)
    shown = str(caught.value) + caplog.text
    assert "<hidden>" in shown and "\x1b" not in shown
    assert not [part for part in (KEY, KEY[:10], pair[:12], "sesame") if part in shown]


@pytest.mark.hostile("Sentences of an endpoint that echo the key: no file holds it")
def test_an_answer_that_echoes_the_key(serve, tmp_path):
    assert ask(serve(response(answer([f"A woman with the key {KEY}."]))), tmp_path) == [
        "A woman with the key <hidden>."
    ]
    assert KEY not in "".join(file.read_text() for file in (tmp_path / "cache").iterdir())


def test_a_cached_answer_that_is_none(serve, tmp_path):
    server = serve(response(answer([GOOD])))
    assert ask(server, tmp_path) == [GOOD] == ask(server, tmp_path) and len(server.requests) == 1
    [file] = (tmp_path / "cache").iterdir()
    file.write_text(json.dumps({"request": {}, "answer": [1]}))
    with pytest.raises(InputError, match=r"\.json: malformed answer .*remove the file"):
        ask(server, tmp_path)


@pytest.mark.hostile("base_url that is no address, in the conf or the environment")
@pytest.mark.parametrize(
    "url",
    [
        "::::", "http://", "ftp://host/v1", "http://host:port/v1", "http://host:99999/v1", "http://[::1/v1", "host/v1",
        "http://a b/v1", "http://user:open-sesame@host:x/v1", "file:///etc/passwd", "http://host\x00/v1",
    ],
)  # fmt: skip
def test_addresses_that_are_none(tmp_path, monkeypatch, url):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    if "\x00" not in url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        with pytest.raises(InputError, match="^OPENAI_BASE_URL: .* is no address; expected http") as caught:
            read_settings(None)
        assert "sesame" not in str(caught.value)
    (tmp_path / "conf.yaml").write_text(f"base_url: {json.dumps(url)}\n")
    with pytest.raises(InputError, match="conf.yaml: base_url: .* is no address|conf.yaml:1: not a YAML file"):
        read_settings(tmp_path / "conf.yaml")


@pytest.mark.hostile("Times, tries and temperatures of an endpoint that are infinite, NaN, negative or huge")
@pytest.mark.parametrize("name", ["timeout", "first_wait", "max_wait", "temperature", "tries", "rounds"])
@pytest.mark.parametrize("value", [".inf", ".nan", "-1", "1000000000", "-.inf", "[1]", "many"])
def test_settings_that_are_none(tmp_path, name, value):
    (tmp_path / "conf.yaml").write_text(f"api_key: x\n{name}: {value}\n")
    with pytest.raises(InputError, match=f"conf.yaml: {name}: expected"):
        read_settings(tmp_path / "conf.yaml")


@pytest.mark.hostile("A key with a comment or a newline in it, which no header can hold")
@pytest.mark.parametrize("key", ["sk-1234567 # my key", "sk-1234567\nsk-2", "clé-1234567", "sk\t1234567"])
def test_keys_that_are_none(tmp_path, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="^OPENAI_API_KEY: no key: among its") as caught:
        read_settings(None)
    assert "1234567" not in str(caught.value)


@pytest.mark.hostile("A proxy that cannot be used, with a password in its address")
def test_a_proxy_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "nonsense://user:open-sesame@host")
    with pytest.raises(InputError, match="the proxy that HTTP_PROXY") as caught:
        ask(None, tmp_path, url="http://127.0.0.1:9/v1")
    assert "sesame" not in str(caught.value)


@pytest.mark.hostile("The key of .env with a comment, the password of base_url: in no file and no log of stage 1")
def test_stage_1_hides_them(serve, tmp_path, monkeypatch, capfd):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    server = serve(response(json.dumps({"error": f"bad key {KEY}"}).encode(), "500 Oh"))
    url = server.url.replace("//", "//user:open-sesame@")
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY} # my key\nOPENAI_BASE_URL={url}\n")
    (tmp_path / "conf.yaml").write_text("tries: 2\nfirst_wait: 0\n")
    corpus = write_corpus(tmp_path / "all", {"gender": ("female", "male")})
    options = {"data": corpus, "out": "texts", "vec_out": "vectors", "augment": "openai", "attributes": "gender"}
    options |= {"openai_conf": "conf.yaml"}
    assert main([word for name, value in options.items() for word in (f"--{name}", str(value))]) == 1
    sent = server.requests[0].decode().lower()
    assert "my key" not in sent and base64.b64encode(b"user:open-sesame").decode().lower() in sent
    shown = "".join(capfd.readouterr())
    assert "http://<hidden>@127.0.0.1" in shown and not [one for one in (KEY, "sesame", "my key") if one in shown]
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".env"]
    assert not [path for path in files if b"sesame" in path.read_bytes() or KEY.encode() in path.read_bytes()]
