"""Samples become one data directory, whatever the order of their ids."""

from pathlib import Path

import numpy as np
import pytest

from steps.generators.gender import gender_of
from steps.generators.requests import SampleRequest
from steps.generators.sample_archive import Layout
from steps.generators.sample_dir import complete
from steps.generators.sample_parts import Drawn, write_samples
from steps.generators.sample_tables import Run, key_order
from utils.archives import read_vectors
from utils.data_dir import validate
from utils.errors import InputError
from utils.tables import read_table


def merge(tmp_path: Path, requests: list[SampleRequest]) -> Path:
    """All samples of the requests, each holding the number of its request."""
    target, layout = tmp_path / "merged", Layout(requests, 3)
    target.mkdir()
    drawn = (
        Drawn(row, 0, np.full((n, 3), row, np.float32), b"", np.full(n, ord(request.gender or "-"), np.uint8))
        for row, request in enumerate(requests)
        for n in [request.n]
    )
    complete(target, target, layout, write_samples(target, layout, drawn))
    return target


def test_ids_that_sort_across_parts(tmp_path):
    # "a" sorts before "a!", but "a!-0000001" before "a-0000001"
    wanted = [("a", "one", 2, "female_low"), ("a!", "two", 2, "male_low"), ("b", "three", 1, "male_high")]
    target = merge(
        tmp_path, [SampleRequest(*fields, prefix=fields[0], gender=gender_of(fields[3])) for fields in wanted]
    )
    assert validate(target, text=False, feats=False, wav=False) == []
    keys, x = read_vectors(target / "xvector.scp")
    assert keys == ["a!-0000001", "a!-0000002", "a-0000001", "a-0000002", "b-0000001"]
    assert x[:, 0].tolist() == [1, 1, 0, 0, 2]
    assert list(read_table(target / "utt2description").values()) == ["two", "two", "one", "one", "three"]
    assert list(read_table(target / "utt2group").values()) == ["male_low"] * 2 + ["female_low"] * 2 + ["male_high"]
    assert list(read_table(target / "spk2gender").values()) == ["m", "m", "f", "f", "m"]
    assert (target / "spk_xvector.scp").read_bytes() == (target / "xvector.scp").read_bytes()


def test_texts_of_no_group_have_no_table_of_groups(tmp_path):
    target = merge(tmp_path, [SampleRequest("a", "one", 1, prefix="a"), SampleRequest("b", "two", 1, prefix="b")])
    assert validate(target, text=False, feats=False, wav=False) == []
    assert not (target / "utt2group").exists() and not (target / "spk2gender").exists()


def test_prefixes_within_the_ids_of_another_text(tmp_path):
    prefixes = ["x-a", "x-a-0000002", "x-a-0000002-0000001", "x-a-b", "x-a-", "x", "x-a-0000009"]
    requests = [SampleRequest(prefix, "one", n, prefix=prefix) for n, prefix in enumerate(prefixes, 1)]
    requests[0] = requests[0]._replace(n=12)
    target = merge(tmp_path, requests)
    assert validate(target, text=False, feats=False, wav=False) == []
    keys, x = read_vectors(target / "xvector.scp")
    wanted = sorted(
        (f"{one.prefix}-{number:07d}", row) for row, one in enumerate(requests) for number in range(1, one.n + 1)
    )
    assert list(zip(keys, x[:, 0].astype(int).tolist(), strict=True)) == wanted
    assert key_order(requests)[:3] == [Run(5, 0, 6), Run(4, 0, 5), Run(0, 0, 2)]


@pytest.mark.parametrize("prefix", ["a b", "", "a\n"])
def test_prefixes_that_no_key_can_have_are_refused(prefix):
    with pytest.raises(InputError, match="is not a usable key"):
        Layout([SampleRequest("a", "one", 1, prefix=prefix)], 3)
