"""Parts become one data directory, whatever the order of their ids."""

from pathlib import Path

import numpy as np

from steps.generators.gender import gender_of
from steps.generators.requests import SampleRequest
from steps.generators.sample_dir import make_part, write_samples
from steps.generators.sampling import Samples
from utils.archives import read_vectors
from utils.data_dir import validate
from utils.tables import read_table


def draw(request: SampleRequest, value: float) -> Samples:
    """All samples of a request, each with the same value throughout."""
    n = request.n
    x = np.full((n, 3), value, np.float32)
    return Samples(request, 0, x, np.zeros(n, int), np.zeros(n), None, None)


def merge(tmp_path: Path, requests: list[SampleRequest]) -> Path:
    """A part for each request, its samples holding its number, merged."""
    parts = [make_part([draw(request, number)], 0, None) for number, request in enumerate(requests)]
    target = tmp_path / "merged"
    target.mkdir()
    write_samples(target, target, requests, parts)
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
