"""Pointers of Git LFS and git-annex are told from the files that they stand for."""

import pytest

from utils.errors import InputError
from utils.pointer_files import pointer_problem, refuse_pointer

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 123456\n" % (b"a" * 64)
ANNEX = b"/annex/objects/SHA256E-s123456--%s.wav\n" % (b"a" * 64)


@pytest.mark.field_case("A pointer of Git LFS or git-annex in place of a file")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LFS, "a Git LFS pointer in place of the file (123456 bytes); run 'git lfs pull'"),
        (LFS.replace(b"\n", b"\r\n"), "a Git LFS pointer in place of the file (123456 bytes)"),
        (LFS[:60], "a Git LFS pointer in place of the file; run"),
        (ANNEX, "a git-annex pointer"),
        (b"../" + ANNEX.replace(b"/annex", b".git/annex").strip(), "a git-annex pointer"),
    ],
)
def test_pointers(tmp_path, content, message):
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    assert message in pointer_problem(path)
    with pytest.raises(InputError, match="x.wav: a git-annex|x.wav: a Git LFS"):
        refuse_pointer(path)


@pytest.mark.parametrize("content", [b"", b"version 3\n", b"RIFF1234WAVE", b"utt /annex/objects/x\n"])
def test_other_files_are_no_pointers(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    refuse_pointer(tmp_path / "x")
    assert pointer_problem(tmp_path / "x", content) is None
