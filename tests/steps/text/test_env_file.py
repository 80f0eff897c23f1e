"""Files of NAME=value, as dotenv reads them."""

import pytest

from steps.text.env_file import read_env
from utils.errors import InputError


@pytest.mark.hostile("A comment behind the key in .env; quotes, escapes, export, carriage returns")
@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=sk-1 # my key", "sk-1"),
        ("KEY=sk-1\t#my key", "sk-1"),
        ("KEY=sk#1", "sk#1"),
        ("KEY='sk # 1' # mine", "sk # 1"),
        ('KEY="sk # 1"# mine', "sk # 1"),
        ('  export KEY = "a\\"b\\\\c\\n"  ', 'a"b\\c\n'),
        ("KEY='it\\'s \\n'", "it's \\n"),
        ("KEY=it's", "it's"),
        ("KEY=", ""),
        ("KEY= # none", ""),
        ("KEY=''", ""),
        ("KEY=a b  ", "a b"),
        ("KEY=a=b==", "a=b=="),
        ("KEY=sk-1\r", "sk-1"),
        ("KEY='two\nlines'", "two\nlines"),
        ("\ufeffKEY=bom", "bom"),
        ("OTHER=x\nKEY=${OTHER}/${NONE:-y}${NONE}$OTHER", "x/y$OTHER"),
        ("KEY=first\nKEY=second", "second"),
    ],
)
def test_values(tmp_path, monkeypatch, line, value):
    monkeypatch.delenv("OTHER", raising=False)
    (tmp_path / ".env").write_text(f"# all\n\n{line}\n\nLAST=1 # end", newline="")
    found = read_env(tmp_path / ".env")
    assert (found["KEY"], found["LAST"]) == (value, "1")


def test_the_environment_stands_behind_references(tmp_path, monkeypatch):
    monkeypatch.setenv("OTHER", "there")
    (tmp_path / ".env").write_text("OTHER=here\nKEY=${OTHER}\nBARE\n")
    assert read_env(tmp_path / ".env") == {"OTHER": "here", "KEY": "there", "BARE": ""}
    assert read_env(tmp_path / "nowhere") == {}


@pytest.mark.hostile("A line of .env that is none, which may hold a key")
@pytest.mark.parametrize("line", ["KEY='sk-1", 'KEY="sk-1', "KEY='sk-1' sk-2", "KEY sk-1", "=sk-1", '"KEY"=sk-1'])
def test_lines_that_are_none_are_named_and_not_shown(tmp_path, line):
    (tmp_path / ".env").write_text(f"A=1\n\n{line}\n")
    with pytest.raises(InputError, match=r"\.env:3: expected NAME=value") as caught:
        read_env(tmp_path / ".env")
    assert "sk-" not in str(caught.value)
