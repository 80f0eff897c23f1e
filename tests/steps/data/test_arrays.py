"""Files of arrays."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from steps.data.arrays import read_arrays
from utils.errors import InputError


def test_arrays_are_read_by_name(tmp_path):
    save_file({"a": np.arange(3.0)}, str(tmp_path / "x"))
    assert read_arrays(tmp_path / "x", "make it again")["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not readable"),
        (b"\x02\0\0\0\0\0\0\0{}1", "not readable"),
        (
            b'\x38\0\0\0\0\0\0\0{"a":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]}}\0',
            "not readable",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
            "Git LFS",
        ),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, problem):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=problem) as caught:
        read_arrays(tmp_path / "x", "make it again")
    assert str(tmp_path / "x") in str(caught.value) and "\n" not in str(caught.value)
