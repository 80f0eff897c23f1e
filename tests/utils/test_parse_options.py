"""utils/parse_options.sh: each rule of its contract, with `set -euo pipefail` and without."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PARSER = Path(__file__).parents[2] / "utils/parse_options.sh"
DEFAULTS = """
help_message="usage: recipe.sh [options] <dir>\\n  100% of it"
name=mine
stage=0
stop_stage=100
text=default
use_gpu=false
config=
"""
SHOW = r"""
printf '%s\0' "$stage" "$stop_stage" "$text" "$use_gpu" "$name" "$@"
"""

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(params=["set -euo pipefail", ""], ids=["strict", "lax"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run a recipe that parses its words, then prints its variables and what is left, each ended by a null byte."""

    def run_recipe(*words: str, defaults: str = DEFAULTS, show: str = SHOW) -> subprocess.CompletedProcess:
        script = tmp_path / "recipe.sh"
        script.write_text(f"{request.param}\n{defaults}\n. '{PARSER}'\n{show}")
        return subprocess.run(["bash", script, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path)

    return run_recipe


def shown(result: subprocess.CompletedProcess) -> list[str]:
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\0")[:-1]


def refused(result: subprocess.CompletedProcess) -> str:
    """The one line of an error."""
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.mark.parametrize("option", ["--stop-stage", "--stop_stage"])
def test_both_spellings_of_the_dash(run: Run, option: str) -> None:
    assert shown(run(option, "3"))[:2] == ["0", "3"]


def test_defaults_stay_and_positionals_are_left(run: Run) -> None:
    assert shown(run("data dir", "--stage", "2")) == [
        "0",
        "100",
        "default",
        "false",
        "mine",
        "data dir",
        "--stage",
        "2",
    ]


@pytest.mark.parametrize("first", ["-x", "", "dir"])
def test_parsing_stops_at_the_first_word_that_is_no_option(run: Run, first: str) -> None:
    assert shown(run("--stage", "1", first, "--stage", "2")) == [
        "1",
        "100",
        "default",
        "false",
        "mine",
        first,
        "--stage",
        "2",
    ]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-3",
        "--stage",
        "--config",
        "--",
        "a b  c",
        "$(touch hacked)",
        "`touch hacked`",
        "$HOME",
        "\"'\\",
        "two\nlines",
        "*",
        "é 🎤",
    ],
)
def test_a_value_is_taken_verbatim(run: Run, tmp_path: Path, value: str) -> None:
    assert shown(run("--text", value, "rest"))[2:] == [value, "false", "mine", "rest"]
    assert not (tmp_path / "hacked").exists()


def test_all_of_set_is_kept(run: Run) -> None:
    words = "--set", "a=1", "--stage", "2", "--set", 'b="x,y",c= d'
    kept = run(*words, "rest", defaults=DEFAULTS + "set=\n", show="""printf '%s\\0' "$set" "$@" """)
    assert shown(kept) == ['a=1,b="x,y",c= d', "rest"]


def test_the_last_of_two_values_wins(run: Run) -> None:
    assert shown(run("--stage", "1", "--stage", "2"))[0] == "2"


@pytest.mark.parametrize("words", [["--stage"], ["--stage", "1", "--text"], ["--config"]])
def test_a_missing_value_is_an_error(run: Run, words: list[str]) -> None:
    assert f"option {words[-1]} needs a value" in refused(run(*words))


@pytest.mark.parametrize("option", ["--nonsense", "--stage.x", "--a[$(touch hacked)]", "--3", "--_po_name", "---"])
def test_an_unknown_option_is_an_error(run: Run, tmp_path: Path, option: str) -> None:
    assert f"invalid option {option}" in refused(run(option, "1"))
    assert not (tmp_path / "hacked").exists()


SPECIAL = [
    "PATH",
    "IFS",
    "HOME",
    "LC_ALL",
    "BASH_ENV",
    "UID",
    "PWD",
    "OPTIND",
    "SHELLOPTS",
    "LD_PRELOAD",
    "PS_ROOT",
    "_",
]


@pytest.mark.parametrize("name", [*SPECIAL, "http_proxy", "opt", "help_message", "train_cmd", "later", "in_a_function"])
def test_a_variable_that_is_no_option_of_the_script_cannot_be_set(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("http_proxy", "proxy")
    monkeypatch.setenv("opt", "of the environment")
    defaults = f"{DEFAULTS}\nexport train_cmd\nf() {{\n  in_a_function=1\n}}\nf\ntrain_cmd() {{ :; }}"
    assert f"invalid option --{name} " in refused(run(f"--{name}", "/x", defaults=defaults, show="later=1"))


def test_an_option_that_is_in_the_environment_too_can_be_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("stage", "5")
    monkeypatch.setenv("text", "of the environment")
    assert shown(run("--stage", "7"))[:3] == ["7", "100", "default"]


def test_options_are_those_of_the_script_that_parses_not_of_its_caller(run: Run, tmp_path: Path) -> None:
    (tmp_path / "inner.sh").write_text(f"nj=1\n. '{PARSER}'\necho $nj\n")
    call = "bash inner.sh --nj 3; bash inner.sh --stage 3"
    result = run("--stage", "5", defaults="export stage=0\nstage=1", show=call)
    assert (result.stdout, result.returncode) == ("3\n", 1)
    assert "inner.sh: invalid option --stage " in result.stderr


def test_an_equals_sign_is_an_error(run: Run) -> None:
    assert "'--name value', not as '--stage=3'" in refused(run("--stage=3"))


def test_a_boolean_accepts_true_and_false_only(run: Run) -> None:
    assert shown(run("--use-gpu", "true"))[3] == "true"
    assert "expects true or false, not 'yes'" in refused(run("--use-gpu", "yes"))
    assert "expects true or false, not ''" in refused(run("--use-gpu", ""))


def test_two_dashes_alone_end_the_options(run: Run) -> None:
    assert shown(run("--stage", "1", "--", "--config", "none"))[5:] == ["--config", "none"]
    assert shown(run("--"))[5:] == []


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_goes_to_standard_error(run: Run, option: str) -> None:
    result = run("--stage", "1", option)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "usage: recipe.sh [options] <dir>\n  100% of it\n"


def test_help_without_a_message(run: Run) -> None:
    result = run("--help", defaults="")
    assert (result.returncode, result.stderr) == (0, "No help found.\n")


def test_help_by_a_function_that_sees_the_options_before_it(run: Run) -> None:
    result = run("--stage", "5", "--help", defaults=DEFAULTS + 'help_message() { echo "at stage $stage"; }')
    assert (result.returncode, result.stderr) == (0, "at stage 5\n")


def test_config_files_are_sourced_first_and_the_command_line_wins(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one two.sh").write_text("stage=1\nstop_stage=1\nuse_gpu=true\n")
    (tmp_path / "test").write_text("stop_stage=2\n")  # also the name of a program: it is not searched in PATH
    values = shown(run("--stage", "7", "--config", "one two.sh", "dir", "--config", "test"))
    assert values[:2] == ["7", "2"]
    assert values[3:] == ["true", "mine", "dir", "--config", "test"]


def test_a_bad_config_file_is_an_error(run: Run, tmp_path: Path) -> None:
    assert "cannot read the file 'none.sh'" in refused(run("--config", "none.sh"))
    (tmp_path / "broken.sh").write_text("if true; then\n")
    result = run("--config", "broken.sh")
    assert result.returncode == 1
    assert "not valid shell" in result.stderr


def test_config_must_be_a_variable_of_the_script(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.sh").write_text("touch sourced\n")
    assert "invalid option --config" in refused(run("--config", "a.sh", defaults="stage=0"))
    assert not (tmp_path / "sourced").exists()


def test_an_empty_cmd_is_an_error(run: Run) -> None:
    assert "option --cmd is empty" in refused(run("--cmd", "", defaults="cmd=run.pl"))
    assert run("--cmd", "slurm.pl --mem 2G", defaults="cmd=run.pl", show='echo "$cmd"').stdout == "slurm.pl --mem 2G\n"


ARGUMENTS = 'arguments="<data> <out> [<log-dir>]"\n'


@pytest.mark.field_case("Stray, surplus and missing words of a shell script, and options behind them")
@pytest.mark.parametrize(
    ("arguments", "words", "message"),
    [
        ("arguments=\n", ["--text", "A", "woman", "--stage", "5"], "woman: expected options only"),
        ("arguments=\n", ["--text", "A", "woman"], "a value with blanks stands in quotes: --text 'A woman'"),
        ("arguments=\n", ["--stage", "1", ""], "'': expected options only"),
        ("arguments=\n", ["two\nlines"], "$'two\\nlines': expected options only"),
        ("arguments=\n", ["-stage", "5"], "-stage: expected options only"),
        ("arguments=\n", ["--", "--text"], "--text: expected options only"),
        (ARGUMENTS, ["--text", "A", "woman", "--stage", "1", "a", "b"], "woman: ends the options, but --stage follows"),
        (
            ARGUMENTS,
            ["--text", "A", "woman", "a", "b", "c"],
            "c: expected <data> <out> [<log-dir>] and no word after them",
        ),
        (ARGUMENTS, ["", "b"], "expected <data> <out> [<log-dir>], found an empty word among them"),
        (ARGUMENTS, ["a", "", "c"], "found an empty word among them"),
        (ARGUMENTS, ["a"], "expected <data> <out> [<log-dir>], found 1 of these words"),
        (ARGUMENTS, ["a", "b", "--stage", "1"], "a: ends the options, but --stage follows"),
        (ARGUMENTS, ["--arguments", "a"], "invalid option --arguments"),
    ],
    ids=range(13),
)
def test_words_that_the_script_does_not_name(run: Run, arguments: str, words: list[str], message: str) -> None:
    assert message in refused(run(*words, defaults=DEFAULTS + arguments))


def test_words_that_the_script_names(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(run("--stage", "1", "a b", "c", defaults=DEFAULTS + ARGUMENTS))[5:] == ["a b", "c"]
    assert shown(run("a", "b", "c", defaults=DEFAULTS + ARGUMENTS))[5:] == ["a", "b", "c"]
    assert shown(run("a", "b", "", defaults=DEFAULTS + ARGUMENTS))[5:] == ["a", "b", ""]
    many = DEFAULTS + 'arguments="[<path> ...]"\n'
    assert shown(run(defaults=many))[5:] == [] and shown(run(*"abc", defaults=many))[5:] == ["a", "b", "c"]
    monkeypatch.setenv("arguments", "")  # of the environment it means nothing
    assert shown(run("a"))[5:] == ["a"]


def test_a_readonly_variable_is_an_error(run: Run) -> None:
    result = run("--stage", "1", defaults="stage=0\nreadonly stage")
    assert result.returncode == 1
    assert "readonly variable" in result.stderr


def test_no_name_is_left_behind_and_the_status_is_zero(run: Run) -> None:
    names = "compgen -v | grep -E '^(_po_|oldval|was_bool|argpos)' || true; compgen -A function"
    result = run("--stage", "1", defaults=DEFAULTS, show=f"echo status $?\n{names}")
    assert result.stdout == "status 0\n"


@pytest.mark.hostile("An option's name of 5,000 characters, in a script")
@pytest.mark.parametrize("option", ["--" + "x" * 5000, "--" + "\u0301" * 5000, "--stage=" + "9" * 5000])
def test_long_names_are_cut_in_the_message(run: Run, option: str) -> None:
    assert len(refused(run(option, "1"))) < 500
