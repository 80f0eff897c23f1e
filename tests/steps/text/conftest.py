"""The installed encoder, loaded once."""

import pytest

from steps.text.encode import SentenceEncoder


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    """all-MiniLM-L6-v2 as installed."""
    return SentenceEncoder()
