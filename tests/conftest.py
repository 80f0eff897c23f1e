"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def capspeech_libri() -> Path:
    """Real embeddings with attributes, laid out as CapSpeech-real is; PSEUDOSPEAKERS_DATA says where they are."""
    folder = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere")) / "capspeech-libri"
    if not folder.is_dir():
        pytest.skip("no real embeddings: set PSEUDOSPEAKERS_DATA to the directory that has capspeech-libri")
    return folder


@pytest.fixture(scope="session")
def librispeech_251() -> Path:
    """Real speech, one flac file each of 251 speakers; PSEUDOSPEAKERS_DATA says where it is."""
    folder = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere")) / "librispeech-251"
    if not folder.is_dir():
        pytest.skip("no real speech: set PSEUDOSPEAKERS_DATA to the directory that has librispeech-251")
    return folder
