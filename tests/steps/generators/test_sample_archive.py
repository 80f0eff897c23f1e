"""Jobs that write stretches of one archive, in any order, leave the bytes of one process, and share no page."""

import numpy as np
import pytest

from steps.generators import sample_archive
from steps.generators.requests import SampleRequest
from steps.generators.sample_archive import ARK, Layout, Stretch, make_archive
from utils.archive_writer import write_vectors

REQUESTS = [SampleRequest("a", "one", 40, prefix="a"), SampleRequest("bé", "two", 25, prefix="bé")]
X = np.arange(65 * 3, dtype=np.float32).reshape(65, 3)
SHARDS = [(0, 0, 17), (0, 17, 18), (0, 18, 40), (1, 0, 25)]  # request, first, stop


def test_the_archive_is_that_of_the_writer(tmp_path):
    layout = Layout(REQUESTS, 3)
    keys = [f"{request.prefix}-{number:07d}" for request in REQUESTS for number in range(1, request.n + 1)]
    write_vectors(tmp_path / ARK, tmp_path / "scp", keys, X)
    records = [*layout.records(0, 0, X[:13]), *layout.records(0, 13, X[13:40]), *layout.records(1, 0, X[40:])]
    assert b"".join(record.tobytes() for record in records) == (tmp_path / ARK).read_bytes()
    assert layout.size == (tmp_path / ARK).stat().st_size
    offsets = [*layout.offsets(0, 0, 40), *layout.offsets(1, 0, 25)]
    assert offsets == [int(line.rpartition(":")[2]) for line in (tmp_path / "scp").read_text().splitlines()]
    with (tmp_path / ARK).open("rb") as archive:
        assert (layout.vectors(archive, 1, 3, 9) == X[43:49]).all()


@pytest.mark.parametrize("page", [16, 64, 100, 1024, 1 << 16])
def test_stretches_in_any_order_and_twice(tmp_path, monkeypatch, page):
    monkeypatch.setattr(sample_archive, "PAGE", page)
    monkeypatch.setattr(sample_archive, "ROWS", 7)
    layout = Layout(REQUESTS, 3)
    make_archive(tmp_path, layout)
    edges, pages = [], []
    with (tmp_path / ARK).open("r+b") as archive:
        for row, first, stop in [*SHARDS[::-1], SHARDS[2]]:
            stretch = Stretch(archive, layout.position(row, first), layout.position(row, stop))
            start = 40 * row
            for records in layout.records(row, first, X[start + first : start + stop]):
                stretch.write(records)
            edges.append(stretch.edges())
            own = stretch.low, stretch.high
            assert own[0] >= own[1] or (own[0] % page, own[1] % page) == (0, 0)
            pages.append(own)
        for one in edges:
            one.write(archive)
    wanted = [*layout.records(0, 0, X[:40]), *layout.records(1, 0, X[40:])]
    assert (tmp_path / ARK).read_bytes() == b"".join(record.tobytes() for record in wanted)
    own = sorted(pages[:-1])
    assert all(before[1] <= after[0] for before, after in zip(own, own[1:], strict=False))


def test_a_stretch_that_is_not_complete_has_no_edges(tmp_path):
    layout = Layout(REQUESTS, 3)
    make_archive(tmp_path, layout)
    with (tmp_path / ARK).open("r+b") as archive:
        stretch = Stretch(archive, 0, layout.size)
        stretch.write(next(layout.records(0, 0, X[:2])))
        with pytest.raises(ValueError, match="of a shard"):
            stretch.edges()
