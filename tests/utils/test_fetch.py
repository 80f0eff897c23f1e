"""Files from a server on the loopback device: each way in which it can fail ends in the whole file or a named error."""

import hashlib
import resource

import numpy as np
import pytest

from tests.utils.web_server import Site, serve
from utils.errors import InputError
from utils.fetch import FetchPlan, fetch

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


def plan(*sites: Site, **more) -> FetchPlan:
    return FetchPlan([f"{site.url}/file" for site in sites], MD5, **{"tries": 4, "pause": 0, "timeout": 5} | more)


def test_a_whole_file(tmp_path):
    with serve(Site({"/file": CONTENT})) as site:
        fetch(tmp_path / "file", plan(site))
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_bytes() == CONTENT
    assert site.asked == [("/file", None)]


def test_what_breaks_off_is_resumed(tmp_path):
    with serve(Site({"/file": CONTENT}, breaks=[100_000, 50_000])) as site:
        fetch(tmp_path / "file", plan(site))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [asked for _, asked in site.asked] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_server_without_ranges_begins_anew(tmp_path):
    with serve(Site({"/file": CONTENT}, ranges=False, breaks=[100_000])) as site:
        fetch(tmp_path / "file", plan(site))
    assert (tmp_path / "file").read_bytes() == CONTENT and site.asked[1] == ("/file", "bytes=100000-")


def test_a_partial_file_of_an_earlier_run_is_resumed_or_recognised_as_whole(tmp_path):
    with serve(Site({"/file": CONTENT})) as site:
        (tmp_path / "file.partial").write_bytes(CONTENT[:1234])
        fetch(tmp_path / "file", plan(site))
        (tmp_path / "file").rename(tmp_path / "file.partial")
        fetch(tmp_path / "file", plan(site))
    assert site.asked == [("/file", "bytes=1234-"), ("/file", "bytes=300000-")]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_partial_file_that_is_longer_than_the_file_is_fetched_anew(tmp_path):
    (tmp_path / "file.partial").write_bytes(CONTENT + b"more")
    with serve(Site({"/file": CONTENT})) as site:
        fetch(tmp_path / "file", plan(site))
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_wrong_bytes_are_named_and_fetched_again(tmp_path, caplog):
    with serve(Site({"/file": CONTENT}, damaged=1)) as site:
        fetch(tmp_path / "file", plan(site))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert "the file is damaged: its md5 is" in caplog.text and f"expected {MD5}" in caplog.text


def test_a_mirror_that_has_only_wrong_bytes_is_given_up(tmp_path):
    with serve(Site({"/file": CONTENT}, damaged=99)) as site, pytest.raises(InputError, match="the file is damaged"):
        fetch(tmp_path / "file", plan(site))
    assert len(site.asked) == 3 and not list(tmp_path.iterdir())


def test_mirrors_are_tried_in_turn(tmp_path):
    with (
        serve(Site({})) as empty,
        serve(Site({"/file": CONTENT}, breaks=[1000])) as weak,
        serve(Site({"/file": CONTENT})) as good,
    ):
        fetch(tmp_path / "file", plan(empty, weak, good))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert good.asked == [("/file", "bytes=1000-")]


def test_after_too_many_tries_the_partial_file_stays(tmp_path):
    with serve(Site({"/file": CONTENT}, breaks=[1000] * 99)) as site:
        message = (
            f"file: not fetched after 4 tries: {site.url}/file: broke off after 4000 of 300000 bytes; 4000 bytes are"
        )
        with pytest.raises(InputError, match=message):
            fetch(tmp_path / "file", plan(site))
    assert (tmp_path / "file.partial").read_bytes() == CONTENT[:4000]


def test_nobody_there(tmp_path):
    with serve(Site({})) as gone:
        pass
    with (
        serve(Site({})) as empty,
        pytest.raises(InputError, match=f"{gone.url}/file: .*refused; {empty.url}/file: HTTP 404"),
    ):
        fetch(tmp_path / "file", plan(gone, empty))


def test_a_page_for_people_does_not_replace_what_has_come(tmp_path):
    (tmp_path / "file.partial").write_bytes(CONTENT[:5000])
    page = Site({"/file": CONTENT}, ranges=False, page=b"<html>log in</html>")
    with serve(page), serve(Site({"/file": CONTENT})) as good:
        fetch(tmp_path / "file", plan(page, good))
    assert good.asked == [("/file", "bytes=5000-")] and (tmp_path / "file").read_bytes() == CONTENT


def test_a_server_that_falls_silent_is_left(tmp_path):
    slow = Site({"/file": CONTENT}, pause=1.0, piece=1000)
    with serve(slow), serve(Site({"/file": CONTENT})) as good:
        fetch(tmp_path / "file", plan(slow, good, timeout=0.2))
    assert good.asked == [("/file", "bytes=1000-")] and (tmp_path / "file").read_bytes() == CONTENT


def test_a_full_disk_is_no_fault_of_the_server(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serve(Site({"/file": CONTENT})) as site:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                fetch(tmp_path / "file", plan(site))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(site.asked) == 1 and (tmp_path / "file.partial").read_bytes() == CONTENT[:100_000]
