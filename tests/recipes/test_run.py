"""What ./run.sh knows and refuses, before any stage does its work."""

import re
import subprocess

import pytest

from tests.recipes.recipe import ROOT
from utils.option_values import own_names
from utils.settings import command_options

SCRIPT = (ROOT / "run.sh").read_text(encoding="utf-8")
OPTIONS = re.findall(r"^(\w+)=", SCRIPT.partition("help_message()")[0], re.MULTILINE)
TARGET = re.compile(r'python3 -m "?([\w.$]+)|^ *((?:steps|local)/\S+\.sh)', re.MULTILINE)
GIVEN = re.compile(r"^ *(?:give|(stage_options) (?:\d )?\w+) ([\w ]+)$", re.MULTILINE)
OF_ALL = {"conf", "set", "shared_with"}  # that every command takes


def run(*words: str) -> subprocess.CompletedProcess:
    """./run.sh with these words."""
    return subprocess.run(["./run.sh", *words], cwd=ROOT, capture_output=True, text=True)


def test_help_names_every_option():
    shown = run("--help")
    assert shown.returncode == 0
    assert [name for name in OPTIONS if not re.search(rf"--{name}\b", shown.stderr)] == []


STAGES = ("18446744073709551616", "08", "1e3", "-1", "7", "+1", " 1", "0x1", "1.0", "")


@pytest.mark.field_case("Options of run.sh: stray words, stages that are no numbers, directories as launchers")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--n_sample", "3"], "invalid option --n_sample"),
        (["--stage"], "option --stage needs a value"),
        (["--stage", "two"], "--stage two --stop_stage 100: expected two numbers"),
        (["--stop-stage", ""], "--stage 0 --stop_stage : expected two numbers"),
        (["--stage", "3", "--stop_stage", "2"], "the second not below the first"),
        *[(["--stage", word], f"--stage {word} --stop_stage 100: expected") for word in STAGES],
        (["--stage", "2", "--stop_stage", "18446744073709551618"], "--stop_stage 18446744073709551618: expected"),
        (["--nj", "1000000000"], "--nj 1000000000: expected a number, 1 or more, 100000 at most"),
        (["--nj", "18446744073709551617"], "--nj 18446744073709551617: expected a number"),
        (["--text", "A", "woman", "--stage", "5"], "woman: expected options only"),
        (["--text", "A", "woman"], "a value with blanks stands in quotes: --text 'A woman'"),
        ([""], "'': expected options only"),
        (["--text", "two\nlines"], "--text has a newline"),
        (["--text", "A man", "--text_file", "x"], "give --text or --text_file, not both"),
        (["--data_dir", "a\nb"], "--data_dir $'a\\nb': expected a path without line breaks"),
        (["--model", "a\tb"], "--model $'a\\tb': expected a path without line breaks"),
        (["--exp", "a/" * 3000], "--exp a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/"),
        (["--launcher", "."], "--launcher .: expected run.pl or slurm.pl"),
        (["--launcher", "launcher"], "--launcher launcher: expected run.pl or slurm.pl"),
        (["--launcher", "setup_env.sh"], "--launcher setup_env.sh: expected run.pl or slurm.pl"),
        (["--launcher", "../utils/run.pl"], "--launcher ../utils/run.pl: expected run.pl or slurm.pl"),
        (["--name", "x" * 300], "expected at most 100 letters"),
        (["--generators", "nowhere"], "--generators nowhere: no such file"),
        (["--text_file", "nowhere"], "--text_file nowhere: no such file"),
        (["--use_gpu", "maybe"], "--use_gpu maybe: expected auto, true or false"),
        (["--nj", "0"], "--nj 0: expected a number, 1 or more"),
        (["--name", "../mdn"], "--name ../mdn: expected at most 100 letters, digits"),
        (["--force", "yes"], "option --force expects true or false"),
        (["--launcher", "pbs.pl"], "--launcher pbs.pl: expected run.pl or slurm.pl"),
        (["--conf_dir", "nowhere"], "--conf_dir nowhere: no such directory"),
        (["--max_tries", "5"], "--max_tries is now --set sample.max_tries=5"),
        (["capspeech"], "capspeech: expected options only"),
        (["--nj", "2", "3"], "3: expected options only"),
        (["--corpus", "capspech"], "--corpus capspech: expected demo, capspeech, librispeech or folder"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(tmp_path, words, message):
    shown = run("--exp", str(tmp_path / "exp"), "--data", str(tmp_path / "data"), *words)
    assert shown.returncode == 1
    assert message in shown.stderr and shown.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.hostile("Paths that no table of Kaldi can hold, as options of scripts")
@pytest.mark.parametrize("option", ["--data", "--exp"])
@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\tb", " a", "a "])
def test_a_path_fits_into_a_line_of_a_table(option, name):
    shown = run(option, name)
    assert shown.returncode == 1 and "expected a path without line breaks" in shown.stderr
    assert shown.stderr.count("\n") == 1 and not (ROOT / name).exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("split.split_seed=1,split.split-seed=2", "--set split.split_seed: given twice, as '1' and '2'"),
        ("foo.x=1", "--set foo.x=1: expected STAGE.KEY=VALUE with a stage of prepare, text, split, index, train,"),
        ("score.n_drwas=2", "--set score.n_drwas=2: unknown option; valid ones are"),
        ("sample.text=A man.", "--set sample.text=A man.: the recipe sets this itself; use --text"),
    ],
)
def test_settings_of_every_stage_are_checked_before_the_first(tmp_path, given, message):
    shown = run("--exp", str(tmp_path / "exp"), "--data", str(tmp_path / "data"), "--stop_stage", "0", "--set", given)
    assert shown.returncode == 1 and message in shown.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith(".lock")] == []


@pytest.mark.hostile("Numbers beyond their range, typed for a late stage of run.sh: refused before the first")
@pytest.mark.parametrize("words", [["--n_samples", "1000000000000"], ["--seed", "1e3"], ["--temperature", "1e308"]])
def test_what_is_typed_is_checked_before_the_first_stage(tmp_path, words):
    shown = run("--exp", str(tmp_path / "exp"), "--data", str(tmp_path / "data"), *words)
    assert shown.returncode == 1 and f"{words[0]}: expected" in shown.stderr and shown.stderr.count(": ERROR: ") == 1
    assert "stage 0" not in shown.stdout


@pytest.mark.hostile("--data and --exp that are one directory, under two names")
def test_one_directory_for_data_and_exp_is_locked_once(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    words = "--corpus", "capspeech", "--data_dir", "nowhere", "--embedding_dir", "nowhere"
    shown = run(*words, "--data", str(tmp_path), "--exp", str(tmp_path / "link"))
    assert shown.returncode == 1 and "--data_dir nowhere: no such directory" in shown.stderr


def test_keys_that_no_command_of_the_first_stage_knows_are_one_error(tmp_path):
    """A stage of audio has several commands; the options of all of them are checked before it."""
    words = [
        "--exp",
        f"{tmp_path}/exp",
        "--data",
        f"{tmp_path}/data",
        "--corpus",
        "folder",
        "--data_dir",
        f"{tmp_path}",
    ]
    for given, message in (
        ("prepare.gender_treshold=.8", "--set prepare.gender_treshold=.8: unknown option; valid ones are"),
        ("prepare.gender_threshold=2", "--set prepare.gender_threshold=2: expected 0.5 to 1, found 2.0"),
        ("prepare.backend=nothing,prepare.checkpoint=x", "'nothing' is no back-end"),
    ):
        shown = run(*words, "--set", given)
        assert shown.returncode == 1 and message in shown.stderr and shown.stderr.count(": ERROR: ") == 1


@pytest.mark.parametrize(
    "name", ["run.sh", "local/prepare_audio.sh", "egs/librispeech/embed/run.sh", "egs/librispeech/sid/run.sh"]
)
def test_stages_take_the_options_that_they_are_given(name):
    checked = []
    script = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    for given in GIVEN.finditer(script):
        names = set(given[2].split()) | ({"conf", "set"} if given[1] else set())
        target = next(filter(None, TARGET.search(script, given.end()).groups()))
        assert names <= (script_options(target) if target.endswith(".sh") else module_options(target) | OF_ALL), target
        checked += names
    assert checked
    if name == "run.sh":
        own = "check stage stop_stage corpus data exp name text model conf_dir launcher"
        assert set(OPTIONS) | {"conf"} == {*checked, *own.split()}


def script_options(target: str) -> set[str]:
    """The options of a shell script."""
    return set(re.findall(r"^(\w+)=", (ROOT / target).read_text(encoding="utf-8"), re.MULTILINE))


def module_options(target: str) -> set[str]:
    """The options of a command; those that both have where the corpus chooses."""
    names = [target.replace("$corpus", corpus) for corpus in ("librispeech", "folder")]
    return set.intersection(*(set(own_names(command_options(name))) for name in names))
