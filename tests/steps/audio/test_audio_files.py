"""Lists of files: what is audio, what is left out and counted, and folders that must not vanish."""

import os
from pathlib import Path

import pytest

from steps.audio.audio_files import HIDDEN, UNREAD_FOLDER, find_audio, printable
from utils.errors import InputError

NAMES = ("s/a.wav", "s/b.FLAC", "s/c.mp3", "s/d.opus", "s/e.sph")
OTHERS = {"s/f.m4a": ".m4a", "s/g.M4A": ".m4a", "s/notes.txt": ".txt", "s/README": "no suffix", "s/x.tar.gz": ".gz"}
LEFT_BY_SYSTEMS = ("s/._a.wav", "s/.DS_Store", "Thumbs.db", "s/desktop.ini", "__MACOSX", ".git")


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.field_case("Files of audio that are not read, such as m4a")
def test_each_file_is_found_or_left_out_with_the_reason(tmp_path, caplog):
    touch(tmp_path, *NAMES, *OTHERS)
    files = find_audio(tmp_path)
    assert files.found == [tmp_path / name for name in NAMES]
    assert {str(path.relative_to(tmp_path)): reason for path, reason in files.left_out} == OTHERS
    assert "5 files are left out: 1 .gz, 2 .m4a, 1 .txt, 1 no suffix" in caplog.text


@pytest.mark.field_case("A speaker of whose files none is read")
def test_a_folder_of_other_audio_alone_is_named(tmp_path):
    touch(tmp_path, "s/a.wav", "s/b.m4a", "t/c.m4a", "t/d.wma", "u/notes.txt")
    files = find_audio(tmp_path)
    assert (tmp_path / "t", UNREAD_FOLDER) in files.left_out
    assert files.counts() == {".m4a": 2, ".txt": 1, ".wma": 1, UNREAD_FOLDER: 1}


@pytest.mark.field_case("Files that a Mac or Windows leaves among others")
def test_files_of_systems(tmp_path):
    touch(tmp_path, "s/a.wav", *LEFT_BY_SYSTEMS[:4], "__MACOSX/s/a.wav", ".git/a.wav")
    files = find_audio(tmp_path)
    assert files.found == [tmp_path / "s/a.wav"]
    assert files.left_out == sorted((tmp_path / name, HIDDEN) for name in LEFT_BY_SYSTEMS)


@pytest.mark.field_case("A folder of a speaker that cannot be read")
def test_a_folder_that_cannot_be_read(tmp_path):
    touch(tmp_path, "s/a.wav")
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(17):  # a folder whose path is too long to be listed
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
        touch(Path(), "a.wav")
    finally:
        os.chdir(here)
    with pytest.raises(InputError, match="ddd: File name too long; let it be read, or move it elsewhere"):
        find_audio(tmp_path)


@pytest.mark.field_case("A folder of a speaker that cannot be read")
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_without_permission(tmp_path):
    touch(tmp_path, "s/a.wav", "t/b.wav")
    (tmp_path / "t").chmod(0)
    with pytest.raises(InputError, match="t: Permission denied; let it be read"):
        find_audio(tmp_path)


@pytest.mark.field_case("A folder of a speaker that cannot be read")
@pytest.mark.parametrize("target", ["nowhere", "loop"])
def test_a_folder_that_is_a_broken_link(tmp_path, target):
    touch(tmp_path, "s/a.wav")
    (tmp_path / "loop").symlink_to(tmp_path / target)
    with pytest.raises(InputError, match="loop: a link that leads nowhere; if it was a folder of audio, repair it"):
        find_audio(tmp_path)


@pytest.mark.field_case("A name of a file that is not in UTF-8")
def test_names_that_are_not_utf_8(tmp_path):
    touch(tmp_path, "s/a.wav", os.fsdecode(b"s/caf\xe9.txt"))
    ((path, reason),) = find_audio(tmp_path).left_out
    assert reason == ".txt" and printable(path) == f"{tmp_path}/s/caf\\xe9.txt"
    for name in (b"caf\xe9.wav", b"caf\xe9/a.wav"):
        touch(tmp_path / "t", os.fsdecode(name))
        with pytest.raises(InputError, match=r"caf\\xe9.*: the name is not in UTF-8; rename it"):
            find_audio(tmp_path / "t")
        (tmp_path / "t" / os.fsdecode(name)).unlink()


def test_names_with_control_characters_are_one_cell():
    assert printable(Path("a\tb\nc")) == "a\\tb\\nc"
