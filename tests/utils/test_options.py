"""Options: defaults, then YAML files, then the command line; anything unknown or ill-typed is one clear error."""

import importlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from utils.errors import InputError
from utils.option_values import as_dict, as_words
from utils.options import option, parse


@dataclass(frozen=True)
class Options:
    out: Path = option(help="directory to write")
    n_samples: int = option(100, "how many", short="-n")
    temperature: float = option(1.0, "spread")
    force: bool = option(False, "redo")
    text: str | None = option(None, "description")
    sources: tuple[str, ...] = option((), "which ones")
    device: str = option("auto", "where", choices=("auto", "cpu"))


def read(*words: str) -> Options:
    return parse(Options, list(words), "prog", "about")


def test_defaults_and_both_spellings_of_the_dash():
    assert read("--out", "x") == Options(out=Path("x"))
    assert read("--out", "x", "--n-samples", "7").n_samples == 7
    assert read("--out", "x", "--n_samples=7").n_samples == 7
    assert read("--out", "x", "-n", "7").n_samples == 7


@dataclass(frozen=True)
class Newer(Options):
    REPLACED: ClassVar[dict[str, str]] = {"half": "device=cpu"}


def test_an_option_that_is_gone_is_told_its_replacement(tmp_path):
    with pytest.raises(InputError, match="^prog: --half is now --device cpu$"):
        parse(Newer, ["--out", "x", "--half", "true"], "prog", "about")
    with pytest.raises(InputError, match="^--set half=true: is now device=cpu$"):
        parse(Newer, ["--out", "x", "--set", "half=true"], "prog", "about")
    (tmp_path / "c.yaml").write_text("half: true\n")
    with pytest.raises(InputError, match="c.yaml: half: is now device=cpu$"):
        parse(Newer, ["--out", "x", "--conf", str(tmp_path / "c.yaml")], "prog", "about")


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


def test_yaml_overrides_defaults_and_the_command_line_overrides_yaml(tmp_path):
    (tmp_path / "a.yaml").write_text("n-samples: 5\n".replace("-", "_") + "temperature: 2\nsources: [a, b]\n")
    (tmp_path / "b.yaml").write_text("temperature: 3\n")
    conf = ["--conf", str(tmp_path / "a.yaml"), "--conf", str(tmp_path / "b.yaml")]
    options = read("--out", "x", *conf, "--n_samples", "9")
    assert (options.n_samples, options.temperature, options.sources) == (9, 3.0, ("a", "b"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "x", "--samples", "3"], "--samples"),
        (["--out", "x", "--n_sample", "3"], "--n_sample"),  # no abbreviations
        (["--n_samples", "3"], "missing --out"),
        (["--out", "x", "--n_samples", "1.5"], "--n_samples: expected int, found '1.5'"),
        (["--out", "x", "--temperature", "nan"], "--temperature: expected float"),
        (["--out", "x", "--force", "yes"], "--force: expected bool"),
        (["--out", "x", "--force"], "--force: expected a value"),
        (["--out", "x", "--device", "tpu"], "expected one of auto, cpu, found 'tpu'"),
        (["--out", "x", "stray"], "stray"),
    ],
)
def test_bad_command_lines(words, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        read(*words)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epochs: 3", "epochs: unknown option; valid ones are out, n_samples"),
        ("n_samples: many", "n_samples: expected int, found 'many'"),
        ("n_samples: 1.5", "n_samples: expected int"),
        ("n_samples: true", "n_samples: expected int"),
        ("sources: 3", "sources: expected list"),
        ("[1, 2]", "expected lines 'option: value'"),
        ("a: [", "not a YAML file"),
    ],
)
def test_bad_yaml_names_file_and_key(tmp_path, content, message):
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(InputError) as error:
        read("--out", "x", "--conf", str(tmp_path / "bad.yaml"))
    assert str(tmp_path / "bad.yaml") in str(error.value)
    assert message in str(error.value)


def test_yaml_that_is_not_utf8(tmp_path):
    (tmp_path / "bad.yaml").write_bytes(b"text: \xff\n")
    with pytest.raises(InputError, match="bad.yaml"):
        read("--out", "x", "--conf", str(tmp_path / "bad.yaml"))


def test_as_dict_is_plain():
    assert as_dict(read("--out", "x", "--sources", "a"))["sources"] == ["a"]
    assert as_dict(read("--out", "x"))["out"] == "x"


def test_help_shows_defaults(capsys):
    with pytest.raises(SystemExit) as end:
        read("--help")
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert "default: 100" in shown and "required" in shown and "one of auto, cpu" in shown


def test_help_keeps_the_commands_and_tables_of_a_docstring(capsys):
    sentence = "Sample speakers " * 12
    with pytest.raises(SystemExit):
        parse(
            Options,
            ["--help"],
            "prog",
            f"{sentence.strip()}.\n\n    prog --out   x\n    prog -n 20\n\nIt has\nsamples.\n",
        )
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("    prog --out   x")
    assert lines[first - 1 : first + 4] == ["", "    prog --out   x", "    prog -n 20", "", "It has samples."]
    assert max(map(len, lines)) <= 120


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


def test_set_stands_between_files_and_the_command_line(tmp_path):
    (tmp_path / "a.yaml").write_text("n_samples: 5\ntemperature: 2\ntext: file\n")
    words = ["--set", "n_samples=7,temperature=3", "--conf", str(tmp_path / "a.yaml"), "--out", "x"]
    options = read(*words, "--temperature", "4", "--set", 'sources="a,b",n-samples=7,text=a=b c')
    assert options == Options(Path("x"), 7, 4.0, False, "a=b c", ("a", "b"), "auto")
    assert read("--out", "x", "--set", "") == read("--out", "x") == read("--set", "out=x,n_samples=100")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "epochs=3"], "--set epochs=3: unknown option; valid ones are out, n_samples, temperature, force"),
        (["--set", "n_samples=many"], "--set n_samples=many: expected int, found 'many'"),
        (["--set", "device=tpu"], "--set device=tpu: expected one of auto, cpu, found 'tpu'"),
        (["--set", "n_samples"], "--set n_samples: expected key=value, found 'n_samples'"),
        (["--set", "force=true"], "missing --out"),
    ],
)
def test_bad_settings(words, message):
    with pytest.raises(InputError) as error:
        read(*words)
    assert message in str(error.value)


@dataclass(frozen=True)
class Small:
    size: int = option(3, "its size", least=1)
    label: str | None = option(None, "its label")


@dataclass(frozen=True)
class Large:
    size: int = option(9, "its size", least=5)
    depth: int = option(1, "its depth")


@dataclass(frozen=True)
class Runner:
    runs: str = option("small", "what it runs")
    seed: int = option(0, "of all")
    set: tuple = option(
        (), "its options too", inner=lambda values: {"small": [Small], "both": [Small, Large]}[values["runs"]]
    )


def test_options_of_what_a_command_runs(tmp_path):
    (tmp_path / "a.yaml").write_text("size: 4\nlabel:\nseed: 2\n")
    conf = ["--conf", str(tmp_path / "a.yaml")]
    options = parse(Runner, [*conf, "--set", "size=6,seed=3"], "prog")
    assert options == Runner("small", 3, (("size", 4), ("label", None), ("size", "6")))
    assert parse(Runner, as_words(options), "prog") == Runner("small", 3, (("size", "6"),))
    assert parse(Runner, ["--set", "depth=2", "--runs", "both"], "prog").set == (("depth", "2"),)
    for words, message in (
        (["--set", "depth=2"], "--set depth=2: unknown option; valid ones are size, label, runs, seed"),
        (["--set", "size=0"], "--set size=0: expected 1 or more"),
        (["--set", "runs=both,size=4"], "--set size=4: expected 5 or more"),  # what takes it, takes all of it
        (["--set", "set=3"], "--set set=3: unknown option"),
        (["--runs", "both", "--set", "size=many"], "expected int"),
    ):
        with pytest.raises(InputError) as error:
            parse(Runner, words, "prog")
        assert message in str(error.value)


def test_commands_that_share_settings_take_their_own_and_refuse_nobody_s(tmp_path, monkeypatch):
    (tmp_path / "a_neighbour.py").write_text(
        "from dataclasses import dataclass\nfrom utils.options import option\n\n\n@dataclass(frozen=True)\n"
        "class Options:\n    edge: float = option(1.0, 'edge', least=0)\n    force: bool = option(False, 'redo')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    shared = ["--out", "x", "--shared_with", "a_neighbour", "--set"]
    assert read(*shared, "edge=2,force=true,n_samples=3") == Options(Path("x"), 3, force=True)
    for settings, message in (
        ("edge=-2", "--set edge=-2: expected 0 or more"),
        ("egde=2", "unknown option; valid ones are out, n_samples, temperature, force, text, sources, device, edge"),
    ):
        with pytest.raises(InputError, match=message):
            read(*shared, settings)
    for name in ("no_neighbour", "json", "no.neighbour", ".", "..steps", "steps", "a b", "x" * 10**5):
        with pytest.raises(InputError, match=": no such command; expected a module such as"):
            read("--shared_with", name)


def test_values_are_printed_for_scripts(capsys):
    with pytest.raises(SystemExit) as end:
        read("--set", 'force=true,sources="a,b"', "--values", "force,text,out,sources,n_samples")
    assert not end.value.code
    assert capsys.readouterr().out == "true\n\n\na,b\n100\n"


@pytest.mark.field_case("A stray word among the options of a Python command")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--text", "A", "woman", "--n_samples", "5"], "'woman': expected options only, --name value; a value with"),
        (["--text", "A", "woman"], "stands in quotes: --text 'A woman'"),
        (["woman", "--text", "A"], "'woman': expected options only"),
        (["--text=A", "woman"], "--text 'A woman'"),
        (["--out", "x", "-n", "5", "6"], "'6': expected options only"),
        (["--out", "x", ""], "'': expected options only"),
        (["--out", "x", "--"], "'--': no such option"),
        (["x" * 200_000], "xxx..."),
    ],
    ids=range(8),
)
def test_a_word_that_belongs_to_no_option(words, message):
    with pytest.raises(InputError) as error:
        read(*words)
    assert message in str(error.value) and len(str(error.value)) < 400


@pytest.mark.field_case("A key of --set given twice with two values, of which one would win")
@pytest.mark.parametrize(
    "words",
    [
        ["--set", "n_samples=5,n-samples=6"],
        ["--set", "n_samples=5", "--set", "n_samples=6"],
        ["--set", "n_samples=5,text=", "--set", 'text=x,n_samples="6"'],
    ],
)
def test_a_key_has_one_value(words):
    with pytest.raises(InputError, match="given twice, as"):
        read("--out", "x", *words)
    same = [word.replace("6", "5").replace("text=x,", "") for word in words]
    assert read("--out", "x", *same).n_samples == 5


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


def test_of_two_values_for_one_option_the_last_counts():
    assert read("--out", "x", "-n", "5", "--n-samples", "6", "--n_samples=7").n_samples == 7


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


@pytest.mark.field_case("An option with a dash and with an underscore in one conf file")
def test_a_key_comes_once_in_either_spelling(tmp_path):
    (tmp_path / "a.yaml").write_text("n-samples: 5\nn_samples: 6\n")
    with pytest.raises(InputError, match="a.yaml: n_samples: stands there twice"):
        read("--out", "x", "--conf", str(tmp_path / "a.yaml"))


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
