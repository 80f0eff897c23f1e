"""Fixtures of all tests."""

import os
import signal
from pathlib import Path

import pytest

# In the background and under nohup some signals are ignored, and so they would be by all that the tests start. Those
# processes shall start as in a terminal, while the tests themselves go on ignoring them: no process inherits a handler.
for ignored in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, lambda number, frame: None)


# Files that look at one run of a recipe, the fixture `finished` of tests/recipes: in one process, so that it runs once.
ONE_RUN = ("tests/recipes/test_capspeech.py", "tests/recipes/test_full_disk.py", "tests/recipes/test_kill.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With --dist loadfile, the tests of a file run in one process, and those of all files of ONE_RUN too."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileAndRun(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "one run" if file in ONE_RUN else file

    return ByFileAndRun(config, log) if config.getoption("dist") == "loadfile" else None


def real_data(name: str) -> Path:
    """A directory of PSEUDOSPEAKERS_DATA; without it the test is skipped."""
    folder = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere")) / name
    if not folder.is_dir():
        pytest.skip(f"no real data: set PSEUDOSPEAKERS_DATA to the directory that has {name}")
    return folder


@pytest.fixture(scope="session")
def capspeech_libri() -> Path:
    """Real embeddings with attributes, laid out as CapSpeech-real is."""
    return real_data("capspeech-libri")


@pytest.fixture(scope="session")
def librispeech_251() -> Path:
    """Real speech, one flac file each of 251 speakers."""
    return real_data("librispeech-251")
