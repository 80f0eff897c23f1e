"""Values of options: what each type takes, how it is written as words, and the message on what it does not take."""

import importlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.utils.some_options import Options, read
from utils.errors import InputError
from utils.option_values import as_dict, as_words
from utils.options import option, parse


def test_types():
    options = read("--out", "a b", "--temperature", "0.5", "--force", "true", "--sources", "vctk, ears", "--text", "x")
    assert options == Options(Path("a b"), 100, 0.5, True, "x", ("vctk", "ears"), "auto")


@pytest.mark.parametrize(
    "words",
    [
        ["--out", "a b"],
        ["--out", "x", "--n_samples", "7", "--temperature", "0.1", "--force", "true", "--sources", "vctk,ears"],
        ["--out", "-x", "--text", '--force $HOME "it\'s", one=two'],
        ["--out", "x", "--text", ""],
        ["--out", "x", "--sources", r"a\,b,c d,e=f"],
    ],
)
def test_options_become_the_words_that_give_them(words):
    assert as_words(read(*words)) == words
    assert as_words(read(*words, "--device", "auto")) == words  # its default


@pytest.mark.parametrize("word", ["none", "null", ""])
def test_only_yaml_s_null_is_no_text(tmp_path, word):
    assert read("--out", "x", "--text", word).text == word
    (tmp_path / "conf.yaml").write_text(f"text: '{word}'\n")
    assert read("--out", "x", "--conf", str(tmp_path / "conf.yaml")).text == word
    (tmp_path / "conf.yaml").write_text("text: null\n")
    assert read("--out", "x", "--conf", str(tmp_path / "conf.yaml")).text is None


def test_a_value_may_begin_with_a_dash_or_hold_anything():
    assert read("--out", "x", "--text", "--force").text == "--force"
    assert read("--out", "x", "--n_samples", "-3").n_samples == -3
    assert read("--out", "x", "--text", "$(rm x) `a` \"b\" 'c' = 🎤").text == "$(rm x) `a` \"b\" 'c' = 🎤"


def test_as_dict_is_plain():
    assert as_dict(read("--out", "x", "--sources", "a"))["sources"] == ["a"]
    assert as_dict(read("--out", "x"))["out"] == "x"


@dataclass(frozen=True)
class Ranges:
    count: int = option(1, "how many", least=1)
    factor: float | None = option(None, "how much", above=0)
    share: float = option(0.5, "of all", least=0, most=1)


def test_ranges():
    assert parse(Ranges, ["--count", "1", "--factor", "0.1"], "prog") == Ranges(1, 0.1)
    for word in ("none", "null", ""):
        assert parse(Ranges, ["--factor", word], "prog") == Ranges()
    assert [parse(Ranges, ["--share", share], "prog").share for share in ("0", "1")] == [0.0, 1.0]
    for words, message in (
        (["--count", "-3"], "--count: expected 1 or more, found -3"),
        (["--factor", "0"], "--factor: expected a finite number above 0, found 0.0"),
        (["--factor", "inf"], "finite"),
        (["--share", "1.1"], "--share: expected 0 to 1, found 1.1"),
        (["--factor", "nan"], "expected float, found 'nan'"),
    ):
        with pytest.raises(InputError, match=message):
            parse(Ranges, words, "prog")


@pytest.mark.hostile("Options: numbers that are none, too long, infinite, or of other digits than ours")
@pytest.mark.parametrize("way", ["word", "set", "conf"])
@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("n_samples", "1e3"),
        ("n_samples", "1_000"),
        ("n_samples", "٣"),
        ("n_samples", "9" * 5000),
        ("n_samples", "0x1F"),
        ("n_samples", "2020-01-01"),
        ("temperature", "inf"),
        ("temperature", "1e999"),
        ("temperature", "." + "9" * 9 + "e"),
        ("temperature", "1" * 400),
        ("temperature", "1_0"),
        ("temperature", "١.٥"),
    ],
    ids=range(12),
)
def test_a_number_is_a_number(tmp_path, way, key, text):
    (tmp_path / "conf.yaml").write_text(f"{key}: '{text}'\n", encoding="utf-8")
    words = {"word": [f"--{key}", text], "set": ["--set", f"{key}={text}"], "conf": ["--conf", f"{tmp_path}/conf.yaml"]}
    with pytest.raises(InputError) as error:
        read("--out", "x", *words[way])
    assert f"{key}" in str(error.value) and "expected" in str(error.value) and len(str(error.value)) < 500


@pytest.mark.hostile("Paths that no table of Kaldi can hold, as options of Python commands")
@pytest.mark.parametrize(
    "path", ["a\nb", "a\tb", "a\rb", " a", "a ", "", " ", "a\0b", "a\x7fb", "\udcff", "a\u2028b", "|a", "a|"]
)
def test_a_path_fits_into_a_line_of_a_table(tmp_path, path):
    with pytest.raises(InputError, match="--out: expected a path in UTF-8, without line breaks"):
        read("--out", path)
    with pytest.raises(InputError, match="expected a path in UTF-8, without line breaks"):
        read("--set", f'out="{path}"')
    with pytest.raises(InputError, match="--conf: expected a path in UTF-8, without line breaks"):
        read("--conf", path, "--out", "x")
    assert read("--out", "a b/é").out == Path("a b/é")


@pytest.mark.hostile("A pipe or a device as a file or directory of an option")
def test_a_path_is_a_file_or_a_directory(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(InputError, match="--out: expected a file or a directory, found a pipe or a device"):
            read("--out", str(path))
        with pytest.raises(InputError, match="no regular file"):
            read("--out", "x", "--conf", str(path))
        assert parse(Streams, ["--text_file", str(path)], "prog").text_file == path
    assert read("--out", f"{tmp_path}/{'x' * 300}").out.name == "x" * 300  # the system says what is wrong with it


@dataclass(frozen=True)
class Streams:
    text_file: Path = option(help="read once", stream=True)


def test_words_that_are_not_utf8_are_no_text():
    with pytest.raises(InputError, match="--text: the text is not UTF-8, or holds NUL"):
        read("--out", "x", "--text", "caf\udce9")


@pytest.mark.field_case("A comma in a value of --set or in an item of a list, a = in a path of --path_map")
@pytest.mark.parametrize(
    ("words", "sources"),
    [
        (["--sources", r"/a\,b=/c,/d"], ("/a,b=/c", "/d")),
        (["--set", r'sources="/a\,b=/c,/d"'], ("/a,b=/c", "/d")),
        (["--set", r"""sources='/a\,b',text="x, y" """], ("/a,b",)),
        (["--set", "sources=a=b"], ("a=b",)),
    ],
    ids=range(4),
)
def test_a_comma_within_an_item(words, sources):
    assert read("--out", "x", *words).sources == sources


COMMANDS = {
    "steps.generators.sample_job": ("n_samples", "max_tries", "seed", "nj", "temperature"),
    "steps.generators.mdn.options": ("n_layers", "epochs", "n_components"),
    "steps.attributes.measure": ("nj", "job"),
    "steps.data.split_speakers": ("split_seed",),
    "steps.score.score": ("n_draws", "max_samples"),
    "steps.embed.extraction": ("decoders", "max_seconds"),
    "steps.text.augment": ("variants_per_group", "seed"),
    "local.librispeech": ("hop_seconds", "segment_seconds"),
}


@pytest.mark.hostile("-n 10^12, --max_tries 10^18 and their like in every way that an option can be given")
@pytest.mark.parametrize("value", ["1000000000000000000", "-1", "1000000000000"])
@pytest.mark.parametrize(("module", "name"), [(module, name) for module in COMMANDS for name in COMMANDS[module]])
def test_a_number_beyond_its_range_is_named_with_the_range(tmp_path, module, name, value):
    loaded = importlib.import_module(module)
    cls = getattr(loaded, "MdnOptions", None) or loaded.Options
    (tmp_path / "conf.yaml").write_text(f"{name}: {value}\n")
    for way, words in {
        f"--{name}": [f"--{name}", value],
        f"--set {name}": ["--set", f"{name}={value}"],
        "conf.yaml": ["--conf", f"{tmp_path}/conf.yaml"],
    }.items():
        with pytest.raises(InputError) as error:
            parse(cls, words, "prog")
        assert way in str(error.value) and re.search(r"expected .*\d+ (to|or less)|above 0, \d+", str(error.value))
        assert float(str(error.value).rpartition("found ")[2]) == float(value)
