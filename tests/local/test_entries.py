"""All corpora have the same entry: a command with a fixed name, and one name for options of one meaning."""

import importlib
from dataclasses import fields
from pathlib import Path

import pytest

ENTRIES = {"demo": "local.demo.__main__", "capspeech": "local.capspeech.__main__"}
ENTRIES |= {"librispeech": "local.librispeech", "folder": "local.folder", "synthetic": "local.synthetic"}
OWN = {"demo": {"n_voices", "seed", "nj"}, "synthetic": {"n_speakers", "seed"}}  # not corpora that others have made
OF_OTHER_RECIPES = {"synthetic"}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("corpus", ENTRIES)
def test_a_corpus_has_the_common_entry(corpus):
    entry = importlib.import_module(ENTRIES[corpus])
    options = {field.name: field for field in fields(entry.Options)}
    assert entry.Options.COMMAND.rpartition(".")[2] == f"prepare_{corpus}"  # a finished stage stays finished
    assert callable(entry.work) and callable(entry.main)
    assert {"out", "force"} <= options.keys() and ("data_dir" in options) == (corpus not in OWN)
    assert options["out"].default.parent == Path("data") / corpus
    assert OWN.get(corpus, set()) <= options.keys()


def test_options_of_several_corpora_have_one_help_text():
    texts: dict[str, set[str]] = {}
    for module in ENTRIES.values():
        for field in fields(importlib.import_module(module).Options):
            texts.setdefault(field.name, set()).add(field.metadata["help"])
    same = ("force", "segment_seconds", "hop_seconds", "max_fail", "rules")
    assert {name: texts[name] for name in same if len(texts[name]) > 1} == {}


@pytest.mark.parametrize("corpus", ENTRIES)
def test_run_sh_and_the_readme_know_the_corpus(corpus):
    assert corpus in (ROOT / "run.sh").read_text(encoding="utf-8") or corpus in OF_OTHER_RECIPES
    assert f"`{corpus}`" in (ROOT / "local/README.md").read_text(encoding="utf-8")
