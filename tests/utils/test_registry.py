"""The registry: names, classes that are imported when they are asked for, their options and files."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from utils.errors import InputError
from utils.options import option
from utils.registry import Registry, files_of, make_options

ENTRIES = {"fraction": "fractions:Fraction", "absent": "no_such_package_at_all:Thing", "wrong": "fractions:Nothing"}
REGISTRY = Registry("number", ENTRIES, needs=("numerator",))


@dataclass(frozen=True)
class Options:
    weights: Path = option(help="weights")
    size: int = option(3, "size", least=1)


def test_a_class_is_loaded_when_it_is_asked_for():
    sys.modules.pop("fractions", None)
    assert REGISTRY.load("fraction").__name__ == "Fraction"
    assert REGISTRY.load("builtins:int") is int


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other", "'other' is no number; expected one of fraction, absent, wrong, or module:Class"),
        ("absent", "number 'absent': No module named 'no_such_package_at_all'"),
        ("wrong", "number 'wrong': module 'fractions' has no attribute 'Nothing'$"),
        ("no_such_package_at_all:Thing", "No module named"),
        *((name, f"'{name}' is no number; expected one of") for name in (":X", "..:X", "a.:X", "math:", "")),
        ("fractions:Decimal", "'fractions:Decimal' is no number: it has no numerator"),
        ("wrong_import:X", "number 'wrong_import:X': cannot import name 'Nothing'"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_a_line(name, message, tmp_path, monkeypatch):
    (tmp_path / "wrong_import.py").write_text("from fractions import Nothing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=message):
        REGISTRY.load(name)


def test_options_come_from_defaults_a_file_and_changes(tmp_path):
    conf = tmp_path / "conf.yaml"
    conf.write_text("weights: a.pt\nsize: 4\n")
    assert make_options(Options, conf) == Options(Path("a.pt"), 4)
    options = make_options(Options, conf, {"size": "5", "weights": "b=c.pt"})
    assert options == Options(Path("b=c.pt"), 5)
    assert files_of(options) == {"weights": Path("b=c.pt")}


def test_wrong_and_missing_options_are_told():
    with pytest.raises(InputError, match="net: weights: no value"):
        make_options(Options, where="net")
    with pytest.raises(InputError, match="--set size: expected 1 or more"):
        make_options(Options, changes={"weights": "x", "size": "0"})
    with pytest.raises(InputError, match="unknown option; valid ones are weights, size"):
        make_options(Options, changes={"sise": "1"})
