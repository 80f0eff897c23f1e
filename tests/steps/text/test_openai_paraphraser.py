"""The paraphraser against a server on loopback that misbehaves as endpoints do."""

import itertools
import json
import logging
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from steps.text.augment import main
from steps.text.check import Checker
from steps.text.endpoint_settings import EndpointSettings, read_settings
from steps.text.grammar import Grammar
from steps.text.openai_paraphraser import Paraphraser, retry_after
from tests.steps.conftest import write_corpus
from utils.errors import InputError
from utils.tables import read_table

KEY = "sk-secret-0123456789"
VALUES = {"gender": ("female", "male"), "pitch": ("high", "low")}


def usable_texts(group):
    """Texts that stage 1 accepts of an endpoint."""
    checker = Checker()
    return (
        text
        for text in Grammar().variants(group, 5)
        if checker.is_english(text) and not checker.contradictions(text, group)
    )


class Server(ThreadingHTTPServer):
    """Answers by the steps of `script`: an HTTP status, a status with headers, a raw body, or a list of sentences.

    When the script is exhausted, it answers properly: with sentences of the grammar.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self.script, self.requests, self.keys = [], [], []
        groups = [dict(zip(VALUES, values, strict=True)) for values in itertools.product(*VALUES.values())]
        self.sentences = {Grammar().describe(group): usable_texts(group) for group in groups}

    def proper(self, request):
        wanted = request["messages"][1]["content"].splitlines()[0]
        number, description = int(wanted.split()[1]), wanted.rstrip(".").partition("voice: ")[2]
        return list(itertools.islice(self.sentences[description], number))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        self.server.keys.append(self.headers["Authorization"])
        step = self.server.script.pop(0) if self.server.script else self.server.proper(request)
        headers = {}
        if isinstance(step, tuple):
            step, headers = step
        if isinstance(step, int):
            status, body = (
                step,
                json.dumps({"error": {"message": f"trouble with {KEY}", "code": headers.pop("code", None)}}),
            )
        elif isinstance(step, bytes):
            status, body = 200, step.decode()
        else:
            content = json.dumps({"descriptions": step})
            status, body = 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]})
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def paraphraser(server, tmp_path, **settings):
    quick = {"first_wait": 0.01, "max_wait": 5.0, "tries": 3, "rounds": 4, "timeout": 5.0}
    return Paraphraser(EndpointSettings(base_url=server.url, api_key=KEY, **quick | settings), tmp_path / "cache")


def ask(server, tmp_path, number=3, accept=lambda text: True, **settings):
    return paraphraser(server, tmp_path, **settings).variants("woman, low pitch", number, accept)


def test_a_proper_answer(server, tmp_path):
    assert len(ask(server, tmp_path)) == 3
    [request] = server.requests
    assert request["model"] == "gpt-4o-mini"
    assert request["response_format"]["json_schema"]["strict"] is True
    assert server.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize(
    "trouble",
    [
        429,
        500,
        503,
        b"<html>not json</html>",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": null, "refusal": "no"}}]}',
        b'{"choices": [{"message": {"content": "{\\"descriptions\\": [\\"cut o"}}]}',
        b'{"choices": [{"message": {"content": "{\\"descriptions\\": [1, 2]}"}}]}',
    ],
)
def test_a_passing_trouble_is_retried(server, tmp_path, trouble):
    server.script = [trouble, trouble]
    assert len(ask(server, tmp_path)) == 3
    assert len(server.requests) == 3


@pytest.mark.parametrize("trouble", [429, 500, b"garbage"])
def test_a_lasting_trouble_ends_in_one_error(server, tmp_path, trouble):
    server.script = [trouble] * 9
    with pytest.raises(InputError, match="no answer in 3 tries") as caught:
        ask(server, tmp_path)
    assert len(server.requests) == 3 and KEY not in str(caught.value)
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("step", [400, 401, 403, 404, (429, {"code": "insufficient_quota"})])
def test_what_no_retry_can_mend_is_not_retried(server, tmp_path, step):
    server.script = [step]
    with pytest.raises(InputError) as caught:
        ask(server, tmp_path)
    assert len(server.requests) == 1 and KEY not in str(caught.value) and server.url in str(caught.value)


def test_retry_after_is_honoured(server, tmp_path):
    server.script = [(429, {"Retry-After": "0.6"})]
    start = time.monotonic()
    ask(server, tmp_path)
    assert time.monotonic() - start >= 0.6


def test_a_wait_beyond_the_limit_ends_the_run(server, tmp_path):
    server.script = [(429, {"Retry-After": "3600"})]
    with pytest.raises(InputError, match="asks to wait 3600 s"):
        ask(server, tmp_path)
    assert len(server.requests) == 1


def test_retry_after_header():
    assert retry_after("2.5") == 2.5
    assert 50 < retry_after(formatdate(time.time() + 60, usegmt=True)) <= 60
    assert [retry_after(value) for value in (None, "", "soon", "-3")] == [0, 0, 0, 0]


def test_waits_grow(server, tmp_path, caplog):
    server.script = [500, 500, 500]
    with caplog.at_level(logging.WARNING):
        ask(server, tmp_path, tries=4, first_wait=0.1)
    assert [record.getMessage().split()[-2] for record in caplog.records] == ["0.1", "0.2", "0.4"]


def test_a_server_that_is_not_there(tmp_path):
    url = "http://127.0.0.1:9/v1"
    with pytest.raises(InputError, match=f"^{url}: no answer in 3 tries"):
        Paraphraser(EndpointSettings(base_url=url, api_key=KEY, tries=3, first_wait=0.01), tmp_path).variants(
            "x", 1, bool
        )


def test_too_few_sentences_are_completed(server, tmp_path):
    server.script = [["A woman with a deep voice."], []]
    sentences = ask(server, tmp_path, number=4)
    assert len(sentences) == 4 and sentences[0] == "A woman with a deep voice."
    assert [int(request["messages"][1]["content"].split()[1]) for request in server.requests] == [4, 3, 3]
    assert "Avoid these sentences:\nA woman with a deep voice." in server.requests[1]["messages"][1]["content"]


def test_refused_sentences_are_replaced(server, tmp_path):
    server.script = [["Eine Frau mit tiefer Stimme.", "A girl with a deep voice.", "A woman with a deep voice."]]
    checker, refused = Checker(), []

    def accept(text):
        good = checker.is_english(text) and not checker.contradictions(text, {"gender": "female", "pitch": "low"})
        refused.extend([] if good else [text])
        return good

    assert len(ask(server, tmp_path, accept=accept)) == 3
    assert refused == ["Eine Frau mit tiefer Stimme.", "A girl with a deep voice."]


def test_giving_up_on_a_model_that_never_says_anything_usable(server, tmp_path):
    server.script = [["Nein."]] * 9
    with pytest.raises(InputError, match="0 usable sentences of 3 .*after 4 answers"):
        ask(server, tmp_path, accept=lambda text: False)
    assert len(server.requests) == 4


def test_a_rerun_asks_nothing(server, tmp_path):
    server.script = [500, ["A woman with a deep voice."]]
    first = ask(server, tmp_path)
    asked = len(server.requests)
    assert ask(server, tmp_path) == first and len(server.requests) == asked
    assert ask(server, tmp_path, model="other") != first and len(server.requests) > asked


# The command, against the same server.


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "all", VALUES)


def run_stage(tmp_path, corpus, server, name="one", **conf):
    settings = {"base_url": server.url, "first_wait": 0.01, "tries": 2, "rounds": 4} | conf
    (tmp_path / "openai.yaml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
    options = {"data": corpus, "out": tmp_path / name / "descriptions", "vec_out": tmp_path / name / "text"}
    options |= {"augment": "openai", "openai_conf": tmp_path / "openai.yaml", "openai_cache": tmp_path / "cache"}
    options |= {"attributes": ",".join(VALUES), "variants_per_group": 10, "reader_texts": 0}
    return main([word for key, value in options.items() for word in (f"--{key}", str(value))])


def test_a_crash_keeps_the_answers(server, tmp_path, corpus, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    ten = [list(itertools.islice(stream, 10)) for stream in server.sentences.values()]
    server.script = [ten[0], ten[1], 500, 500]
    assert run_stage(tmp_path, corpus, server) == 1
    assert "no answer in 2 tries" in capsys.readouterr().err
    assert not (tmp_path / "one" / "descriptions").exists()
    assert run_stage(tmp_path, corpus, server) == 0
    assert len(server.requests) == 4 + 2
    assert run_stage(tmp_path, corpus, server, name="two") == 0
    assert len(server.requests) == 4 + 2
    texts = [(tmp_path / name / "descriptions" / "text").read_bytes() for name in ("one", "two")]
    assert texts[0] == texts[1] and texts[0].count(b"\n") == 40


def test_rejected_sentences_are_listed_with_their_reason(server, tmp_path, corpus, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.script = [
        ["Une femme à la voix aiguë.", "A high-pitched girl.", "A woman of low pitch.", "A woman of high pitch."]
    ]
    assert run_stage(tmp_path, corpus, server) == 0
    rows = [
        json.loads(line) for line in (tmp_path / "one" / "descriptions" / "rejected.jsonl").read_text().splitlines()
    ]
    assert [row["text"] for row in rows] == [
        "Une femme à la voix aiguë.",
        "A high-pitched girl.",
        "A woman of low pitch.",
    ]
    assert [row["reason"].split(" ")[0] for row in rows] == ["not", "'girl'", "'low"]
    assert {row["group"] for row in rows} == {"female_high"}
    assert "A woman of high pitch." in read_table(tmp_path / "one" / "descriptions" / "text").values()


def test_the_key_is_in_no_file_and_no_log(server, tmp_path, corpus, monkeypatch, caplog, capfd):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.script = [500, 429, 500]
    with caplog.at_level(logging.DEBUG):
        assert run_stage(tmp_path, corpus, server) == 1
        server.script = [429]
        assert run_stage(tmp_path, corpus, server) == 0
    captured = capfd.readouterr()
    assert server.keys and KEY not in caplog.text + captured.out + captured.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 10 and not [path for path in files if KEY.encode() in path.read_bytes()]


def test_where_settings_come_from(tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        read_settings(None)
    (tmp_path / ".env").write_text("# keys\nexport OPENAI_API_KEY='from-env-file'\nOPENAI_BASE_URL=http://a/v1\n\n")
    settings = read_settings(None)
    assert (settings.api_key, settings.base_url, settings.model) == ("from-env-file", "http://a/v1", "gpt-4o-mini")
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    assert read_settings(None).api_key == "from-environment"
    (tmp_path / "conf.yaml").write_text("api_key: from-conf\nmodel: llama\nenv_file: other.env\n")
    with pytest.raises(InputError, match="other.env: no such file"):
        read_settings(tmp_path / "conf.yaml")
    (tmp_path / "other.env").write_bytes(b"# clef priv\xe9e\n")
    with pytest.raises(InputError, match=r"other.env:1: not UTF-8 \(byte 0xe9\)"):
        read_settings(tmp_path / "conf.yaml")
    (tmp_path / "other.env").write_text("OPENAI_BASE_URL=http://b/v1\n")
    settings = read_settings(tmp_path / "conf.yaml")
    assert (settings.api_key, settings.base_url, settings.model) == ("from-conf", "http://b/v1", "llama")
    assert "from-conf" not in repr(settings)


@pytest.mark.parametrize("line", ["tries: 0", "rounds: -1", "first_wait: -1", "timeout: 0"])
def test_settings_out_of_range(tmp_path, line):
    (tmp_path / "conf.yaml").write_text(f"api_key: x\n{line}\n")
    with pytest.raises(InputError, match=f"conf.yaml: {line.partition(':')[0]}: expected"):
        read_settings(tmp_path / "conf.yaml")


def test_an_unknown_setting(tmp_path):
    (tmp_path / "conf.yaml").write_text("modell: gpt\n")
    with pytest.raises(InputError, match="conf.yaml: modell: unknown option; valid ones are model,"):
        read_settings(tmp_path / "conf.yaml")
