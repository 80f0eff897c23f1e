"""Stage 0 for CapSpeech in tests of its tables of rows: what it prepares, and its counts of the rows."""

from pathlib import Path

import pytest

from local.capspeech.__main__ import Options, work
from tests.local.corpus import Corpus
from utils.data_dir import DataDir
from utils.errors import InputError


def corpus_without_rows(folder: Path) -> Corpus:
    """A corpus whose embeddings are written; the test writes tables of its rows."""
    corpus = Corpus(folder)
    corpus.data.mkdir()
    corpus.write_embeddings("scp")
    return corpus


def prepare(corpus: Corpus, **more) -> DataDir:
    work(Options(corpus.data, corpus.embeddings, corpus.folder / "all", force=True, **more))
    return DataDir(corpus.folder / "all")


def counts(data: DataDir) -> dict[tuple[str, str], int]:
    lines = (data.path / "row_counts.tsv").read_text().splitlines()[1:]
    return {(source, reason): int(count) for source, reason, count in (line.split("\t") for line in lines)}


def accounted(data: DataDir) -> int:
    """The rows that row_counts.tsv says are kept and left out."""
    return sum(
        count
        for (source, reason), count in counts(data).items()
        if source != "all sources" and (reason == "kept" or reason.startswith("left out: "))
    )


def fails(corpus: Corpus, message: str, **more) -> None:
    with pytest.raises(InputError, match=message):
        prepare(corpus, **more)
