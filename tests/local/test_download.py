"""LibriSpeech's archives, in small, from a server on the loopback device."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from local import download
from local.download import Options, work
from local.librispeech_parts import PARTS, CorpusPart
from tests.utils.web_server import Site, serve
from utils.errors import InputError

NAMES = ("dev-clean", "test-clean")


def archive(part: str, *more: tarfile.TarInfo, size: int = 3000) -> bytes:
    """An archive as OpenSLR has it: two utterances of one speaker, and a line of SPEAKERS.TXT."""
    number = str(len(part))
    files = {f"LibriSpeech/{part}/{number}/7/{number}-7-000{take}.flac": os.urandom(size) for take in range(2)}
    files["LibriSpeech/SPEAKERS.TXT"] = f";ID |SEX\n{number} | F | {part}\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in more:
            tar.addfile(member)
    return packed.getvalue()


def part_of(content: bytes) -> CorpusPart:
    return CorpusPart(hashlib.md5(content).hexdigest(), len(content), 2, 1)


@pytest.fixture
def site():
    with serve(Site({f"/{name}.tar.gz": archive(name) for name in NAMES})) as site:
        yield site


def get(site: Site, out: Path, **more) -> Path:
    parts = {name[1:].removesuffix(".tar.gz"): part_of(content) for name, content in site.files.items()}
    work(Options(**{"parts": NAMES, "out": out, "mirrors": (site.url,), "retry_seconds": 0, "tries": 3} | more), parts)
    return out / "LibriSpeech"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_parts_are_unpacked_and_their_speakers_joined(site, tmp_path):
    corpus = get(site, tmp_path)
    assert [len(list(corpus.glob(f"{name}/*/7/*.flac"))) for name in NAMES] == [2, 2]
    assert (corpus / "SPEAKERS.TXT").read_text() == ";ID |SEX\n9 | F | dev-clean\n10 | F | test-clean\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LibriSpeech", *(f"{name}.tar.gz" for name in NAMES)]


def test_a_second_call_does_nothing(site, tmp_path, caplog):
    caplog.set_level("INFO")
    get(site, tmp_path, keep_archives=False)
    before, n_asked = tree(tmp_path), len(site.asked)
    assert not list(tmp_path.glob("*.tar.gz"))
    get(site, tmp_path)
    assert tree(tmp_path) == before and len(site.asked) == n_asked == 2
    assert "has dev-clean, test-clean, as before" in caplog.text


def test_a_damaged_archive_is_named_and_fetched_again_alone(site, tmp_path, caplog):
    for name, content in site.files.items():
        (tmp_path / name[1:]).write_bytes(content if "dev" in name else b"\0" + content[1:])
    get(site, tmp_path)
    assert site.asked == [("/test-clean.tar.gz", None)]
    assert "test-clean.tar.gz: damaged, its md5 is" in caplog.text
    assert "dev-clean.tar.gz: damaged" not in caplog.text


def test_what_another_program_has_begun_is_gone_on_with(site, tmp_path):
    (tmp_path / "dev-clean.tar.gz").write_bytes(site.files["/dev-clean.tar.gz"][:1000])
    get(site, tmp_path)
    assert site.asked[0] == ("/dev-clean.tar.gz", "bytes=1000-")


def test_a_part_that_cannot_be_fetched_leaves_the_others(site, tmp_path):
    parts = {name: part_of(site.files["/dev-clean.tar.gz"]) for name in ("dev-clean", "nowhere")}
    with pytest.raises(InputError, match="nowhere.tar.gz: not fetched after 3 tries: .*nowhere.tar.gz: HTTP 404"):
        work(Options(("dev-clean", "nowhere"), tmp_path, (site.url,), tries=3, retry_seconds=0), parts)
    assert (tmp_path / "LibriSpeech/dev-clean").is_dir()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    one = tarfile.TarInfo(name)
    one.type, one.linkname = kind, link
    return one


@pytest.mark.hostile("An archive whose files or links lead out of the directory that it is unpacked into")
@pytest.mark.parametrize(
    "bad, message",
    [
        (member("../../evil"), "would lie outside"),
        (member("/tmp/evil"), "would lie outside"),
        (member("LibriSpeech/link", tarfile.SYMTYPE, "/etc/passwd"), "is a link or a device"),
        (member("LibriSpeech/hard", tarfile.LNKTYPE, "LibriSpeech/SPEAKERS.TXT"), "is a link or a device"),
        (member("LibriSpeech/pipe", tarfile.FIFOTYPE), "is a link or a device"),
        (member("LibriSpeech/SPEAKERS.TXT"), "is there twice"),
    ],
)
def test_nothing_escapes(site, tmp_path, bad, message):
    site.files["/dev-clean.tar.gz"] = archive("dev-clean", bad)
    with pytest.raises(InputError, match=message):
        get(site, tmp_path / "in", parts=("dev-clean",))
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["dev-clean.tar.gz"]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_no_archive_at_all(site, tmp_path):
    site.files["/dev-clean.tar.gz"] = b"no archive" * 100
    with pytest.raises(InputError, match="dev-clean.tar.gz: not a readable tar.gz file: .*; remove it"):
        get(site, tmp_path, parts=("dev-clean",))


def test_the_disk_is_asked_first(tmp_path):
    part = PARTS["dev-clean"]._replace(size=10**18)
    with pytest.raises(InputError, match="dev-clean need 2050000000.0 GB .* but .* GB are free"):
        work(Options(("dev-clean",), tmp_path, ("http://127.0.0.1:1",)), {"dev-clean": part})


def test_a_part_that_somebody_has_half_copied_is_named(site, tmp_path):
    next(get(site, tmp_path).glob("dev-clean/*/7/*.flac")).unlink()
    with pytest.raises(InputError, match="dev-clean: has 1 of 2 utterances; complete it, or remove it"):
        get(site, tmp_path)


@pytest.mark.parametrize(
    "words, message",
    [
        ("--parts dev-clean,train-clean-200", "--parts train-clean-200: expected some of train-clean-100"),
        ("--mirrors file:///etc", "--mirrors file:///etc: expected addresses that begin with http"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, capsys, words, message):
    assert download.main([*words.split(), "--out", str(tmp_path / "x")]) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "x").exists()


RUN = """
import sys
from pathlib import Path
from local.download import Options, work
from local.librispeech_parts import CorpusPart
url, out, md5, size = sys.argv[1:]
work(Options(("dev-clean",), Path(out), (url,)), {"dev-clean": CorpusPart(md5, int(size), 2, 1)})
"""


def test_a_kill_while_it_fetches_loses_nothing(tmp_path):
    content = archive("dev-clean", size=200_000)
    with serve(Site({"/dev-clean.tar.gz": content}, pause=0.02, piece=4096)) as site:
        words = [sys.executable, "-c", RUN, site.url, str(tmp_path), part_of(content).md5, str(len(content))]
        partial = tmp_path / "dev-clean.tar.gz.partial"
        process = subprocess.Popen(words)
        while not (partial.exists() and partial.stat().st_size > 50_000):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        come = partial.stat().st_size
        site.pause = 0
        get(site, tmp_path, parts=("dev-clean",))
    assert site.asked[1] == ("/dev-clean.tar.gz", f"bytes={come}-") and come >= 50_000
    assert len(list((tmp_path / "LibriSpeech/dev-clean").rglob("*.flac"))) == 2


def test_what_a_kill_has_left_of_unpacking_goes(site, tmp_path):
    left = tmp_path / ".dev-clean.unpacking/LibriSpeech/dev-clean/9"
    left.mkdir(parents=True)
    (left / "half.flac").write_bytes(b"x")
    corpus = get(site, tmp_path)
    assert not (corpus / "dev-clean/9/half.flac").exists() and not (tmp_path / ".dev-clean.unpacking").exists()
