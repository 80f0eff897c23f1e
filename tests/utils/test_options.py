"""Options: defaults, then YAML files, then the command line; anything unknown or ill-typed is one clear error."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from tests.utils.some_options import Options, read
from utils.errors import InputError
from utils.option_values import as_words
from utils.options import option, parse


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


def test_of_two_values_for_one_option_the_last_counts():
    assert read("--out", "x", "-n", "5", "--n-samples", "6", "--n_samples=7").n_samples == 7


@pytest.mark.field_case("An option with a dash and with an underscore in one conf file")
def test_a_key_comes_once_in_either_spelling(tmp_path):
    (tmp_path / "a.yaml").write_text("n-samples: 5\nn_samples: 6\n")
    with pytest.raises(InputError, match="a.yaml: n_samples: stands there twice"):
        read("--out", "x", "--conf", str(tmp_path / "a.yaml"))
