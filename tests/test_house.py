"""The rules of the house: who imports whom, what is never used, what lies where, and that documents tell the truth."""

import ast
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.bench.help_time import commands
from tests.recipes.test_moved_options import COMMANDS
from utils.option_values import own_names
from utils.settings import command_options

ROOT = Path(__file__).parents[1]
# From top to bottom: a room may use those below its own line, itself, and what stands beside it.
ROOMS = (
    {"egs"},
    {"local"},
    {"steps/score", "steps/verify"},
    {
        *("steps/embed", "steps/generators", "steps/attributes", "steps/text", "steps/sid", "steps/units", "steps/asr"),
        *("steps/vocoder", "steps/unit_lm", "steps/hmm", "steps/ivector", "steps/dtw"),
    },
    {"steps/gmm"},
    {"steps/vad", "steps/features"},
    {"steps", "steps/networks", "steps/training", "steps/metrics", "steps/data", "steps/audio"},
    {"utils"},
)
BESIDE = {("steps/generators", "steps/text"), ("steps/vad", "steps/features")}
OF_UTILS = {"numpy", "yaml", "kaldiio", "matplotlib", "submitit"}
TOP = {
    *("egs", "local", "steps", "utils", "conf", "tests"),
    *("path.sh", "cmd.sh", "run.sh", "README.md", "LICENSE", "CITATION.cff", "RESULTS.md", "pyproject.toml"),
    *("requirements.txt", "requirements-audio.txt", "requirements-audio-nodeps.txt", "requirements-attributes.txt"),
    *("requirements-demo.txt", "requirements-lexicon.txt", "requirements-lexicon-nodeps.txt"),
    *("requirements-onnx.txt", "requirements-openai.txt", "requirements-units-nodeps.txt"),
    *("requirements-parquet.txt", "requirements-rivals.txt", "requirements-test.txt", "requirements-units.txt"),
}
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# Networks that others have trained come as files of torch, which are pickles: this module alone may open them, through
# torch.load(weights_only=True), which takes tensors and plain containers and runs nothing that a pickle names.
READS_CHECKPOINTS = "steps/networks/foreign_weights.py"
WRITES_PICKLES = "steps/embed/write_pickles.py"  # for users of 3D-Speaker, on request
WRITES = ("write", "write_text", "write_bytes", "writelines", "write_whole", "dump")
REQUIREMENT = re.compile(r"[\w.-]+==[\w.]+ +# [\w.]+: \w.*")
LONGEST_FILE, LONGEST_FUNCTION = 350, 50  # lines
SHELL_NAME = re.compile(r"(?<![\w/.$}-])(?:python3 -m )?((?:local|egs|steps[./]\w+)[./]\w+)")


@cache
def files(*patterns: str) -> list[str]:
    """Files of the project, those not yet committed too, without what git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: nobody says which files are the project's")
    return sorted(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


@cache
def parse(name: str) -> ast.Module:
    """The syntax of one file."""
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), name)


def modules(*folders: str) -> list[str]:
    """The Python files below these folders."""
    return [name for name in files("*.py") if name.split("/")[0] in folders]


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and module of every import, those within functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "a relative import" if node.level else node.module


def packages(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level package of every import."""
    return ((line, module.split(".")[0]) for line, module in imports(tree))


def room(name: str) -> str:
    """The room of a file or module: `steps/embed`, or the top-level folder."""
    parts = re.split(r"[./]", name)
    return "/".join(parts[:2]) if parts[0] == "steps" and parts[1] != "__init__" else parts[0]


def floor(name: str) -> int:
    """The line of ROOMS that a room stands in, from the top; raises StopIteration for a room that is in none."""
    return next(number for number, rooms in enumerate(ROOMS) if name in rooms)


def may_use(user: str, used: str) -> bool:
    """Whether one room may use another."""
    return user == used or floor(user) < floor(used) or (user, used) in BESIDE


def test_every_room_has_its_line():
    rooms = {room(name) for name in modules("local", "utils", "egs")} | {
        room(name) for name in modules("steps") if name.count("/") > 1
    }
    assert rooms - set().union(*ROOMS) == set()


def test_imports_go_one_way():
    found = []
    for name in modules("utils", "steps", "local", "egs"):
        for line, module in imports(parse(name)):
            ours = module.split(".")[0] in ("utils", "steps", "local", "egs")
            if (
                module == "a relative import"
                or module.startswith("tests")
                or ours
                and not may_use(room(name), room(module))
            ):
                found.append(f"{name}:{line} {module}")
    assert found == []


def test_every_script_says_which_words_it_takes():
    """But those that pass all words on."""
    silent = [
        name
        for name in files("*.sh")
        if name not in ("tests/run.sh", "utils/parse_options.sh", "utils/given_options.sh", "utils/check_options.sh")
        and "parse_options.sh" in (text := (ROOT / name).read_text(encoding="utf-8"))
        and not re.search(r"^arguments=", text.partition("parse_options.sh\n")[0], re.MULTILINE)
    ]
    assert silent == []


def test_recipes_hold_no_python():
    """A second package `local` or `steps` in a recipe would hide the first."""
    assert modules("egs") == []


def test_shell_scripts_call_one_way():
    found = []
    for name in (name for name in files("*.sh", "*.pl", "*.pm") if any(room(name) in line for line in ROOMS)):
        if (ROOT / name).is_symlink():  # what it leads to is looked at in its own room
            continue
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
            called = SHELL_NAME.findall(line.partition("#")[0])
            found += [f"{name}:{number} {one}" for one in called if not may_use(room(name), room(one))]
    assert found == []


def test_utils_knows_no_torch():
    known = sys.stdlib_module_names | OF_UTILS | {"utils"}
    used = {(name, package) for name in modules("utils") for _, package in packages(parse(name))}
    assert {(name, package) for name, package in used if package not in known} == set()


def test_no_pickle_is_loaded_and_no_path_bent():
    found = []
    for name in modules("local", "steps", "utils", "egs"):
        unpicklers = UNPICKLERS if name != WRITES_PICKLES else set()
        found += [f"{name}:{line} {package}" for line, package in packages(parse(name)) if package in unpicklers]
        for node in ast.walk(parse(name)):
            banned = {"sys.path"} | ({"torch.load"} if name != READS_CHECKPOINTS else set())
            if isinstance(node, ast.Attribute) and ast.unparse(node) in banned:
                found.append(f"{name}:{node.lineno} {ast.unparse(node)}")
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only"):
                found += [f"{name}:{node.value.lineno} {node.arg}"] if not harmless(node, name) else []
    assert found == []


def harmless(keyword: ast.keyword, name: str) -> bool:
    """Whether an argument that decides about pickles lets nothing run."""
    safe = "True" if (keyword.arg, name) == ("weights_only", READS_CHECKPOINTS) else "False"
    return ast.unparse(keyword.value) == safe


def test_checkpoints_of_others_are_read_as_tensors_alone():
    calls = [node for node in ast.walk(parse(READS_CHECKPOINTS)) if isinstance(node, ast.Call)]
    loads = [call for call in calls if ast.unparse(call.func) == "torch.load"]
    assert [[ast.unparse(word) for word in call.keywords if word.arg == "weights_only"] for call in loads] == [
        ["weights_only=True"]
    ]


def test_who_writes_pickles_could_not_read_one():
    nodes = [node for node in ast.walk(parse(WRITES_PICKLES)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {ast.unparse(node) for node in nodes if "pickle" in ast.unparse(node)} == {"from pickle import dump"}


def test_no_exception_is_swallowed():
    found = []
    for name in modules("local", "steps", "utils", "egs"):
        for node in ast.walk(parse(name)):
            wide = isinstance(node, ast.ExceptHandler) and (
                node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            )
            if wide and not any(isinstance(part, ast.Raise) for part in ast.walk(node)):
                found.append(f"{name}:{node.lineno}")
    assert found == []


def test_json_is_written_one_way():
    """`json_text` alone: json.dumps would write NaN, and halves of characters that no file can hold."""
    found = []
    for name in modules("local", "steps", "utils"):
        for node in ast.walk(parse(name)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in WRITES:
                found += [f"{name}:{node.lineno}"] if "json.dumps(" in ast.unparse(node) else []
    assert found == []


def test_files_and_functions_fit_a_reader():
    found = []
    for name in modules("local", "steps", "utils", "egs"):
        lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
        found += [f"{name}: {lines} lines"] if lines > LONGEST_FILE else []
        for node in ast.walk(parse(name)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= LONGEST_FUNCTION:
                found.append(f"{name}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines")
    assert found == []


def test_no_two_classes_share_a_name():
    """But `Options`, of which each command has its own."""
    where: dict[str, list[str]] = {}
    for name in modules("local", "steps", "utils"):
        for node in parse(name).body:
            if isinstance(node, ast.ClassDef) and node.name != "Options":
                where.setdefault(node.name, []).append(name)
    assert {name: found for name, found in where.items() if len(found) > 1} == {}


def numeric_options() -> Iterator[tuple[str, set[str]]]:
    """Every option of the tree that is a number, with the names of the arguments that declare it."""
    for name in modules("local", "steps", "utils"):
        for node in ast.walk(parse(name)):
            declared = isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call)
            if (
                declared
                and ast.unparse(node.value.func) == "option"
                and re.match("int|float", ast.unparse(node.annotation))
            ):
                words = node.value.keywords
                given = {word.arg for word in words if word.arg} | {
                    ast.unparse(word.value) for word in words if not word.arg
                }
                yield f"{name}:{node.lineno} {ast.unparse(node.target)}", given


@pytest.mark.hostile("Numbers beyond all reason, as values of any numeric option of the tree")
def test_numeric_options_have_a_range():
    bare = [
        where
        for where, given in numeric_options()
        if "TEMPERATURES" not in given and not ("most" in given and given & {"least", "above"})
    ]
    assert bare == []


def test_every_module_says_what_it_is():
    silent = [
        name
        for name in modules("local", "steps", "utils", "egs", "tests")
        if parse(name).body and not ast.get_docstring(parse(name))
    ]
    assert silent == []


def test_tests_lie_where_their_subjects_do():
    folders = {str(Path(name).parent.relative_to("tests")) for name in files("tests/**/test_*.py")}
    assert {folder for folder in folders - {".", "fuzz", "recipes", "slurm"} if not (ROOT / folder).is_dir()} == set()


def test_the_top_level_holds_only_what_belongs_there():
    assert {name.split("/")[0] for name in files() if not name.startswith(".")} - TOP == set()


@pytest.mark.parametrize("name", files("requirements*.txt"))
def test_requirements_are_pinned_with_a_reason(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#") and not REQUIREMENT.fullmatch(line)] == []


@pytest.mark.parametrize("words", commands().values(), ids=commands())
def test_help_takes_less_than_half_a_second(words):
    def seconds() -> float:
        """Of processor time: other work on the machine does not count."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shown = subprocess.run([*words, "--help"], cwd=ROOT, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert shown.returncode == 0
        assert "usage: " in (shown.stdout + shown.stderr).lower()
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert any(seconds() < 0.5 for _ in range(3))


DOCUMENTS = files("RESULTS.md", "README.md", "**/README.md")


def document(name: str) -> str:
    """The text of a document."""
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_documents_name_exist(name):
    text, folder = document(name), Path(name).parent
    links = [str(folder / link) for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)]
    named = re.findall(r"(?<![\w/<.-])(?:conf|local|steps|utils|tests)/[\w./-]+(?<![./-])", text)
    assert [path for path in links if not (ROOT / path).exists()] == []
    assert [path for path in named if not list(ROOT.glob(path)) and not (ROOT / folder / path).exists()] == []


def is_command(module: str) -> bool:
    """Whether `python3 -m module` finds something: a file, or a package with a command."""
    path = ROOT / module.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_that_documents_name_exist(name):
    called = set(re.findall(r"python3? -m ((?:local|steps|utils|tests)[\w.]*\w)", document(name)))
    assert [module for module in called if not is_command(module)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_options_of_run_sh_that_documents_name_exist(name):
    scripts = files("egs/**/run.sh") if name.startswith("egs/") else ["run.sh"]
    known = {option for script in scripts for option in re.findall(r"^(\w+)=", document(script), re.MULTILINE)}
    used = set()
    for command in re.findall(r"\./run\.sh((?:[^\n`]|\\\n)*)", document(name)):
        used |= {word.replace("-", "_") for word in re.findall(r"--([\w-]+)", command)}
    assert used - known - {"help"} == set()


def stage_commands(name: str) -> dict[str, list[str]]:
    """The commands of each stage of the recipe that a document is about: that of its directory, or the main one."""
    script = ROOT / Path(name).parent / "run.sh"
    text = script.read_text(encoding="utf-8") if script.is_file() and name.startswith("egs/") else ""
    listed = re.search(r"^COMMANDS=\(([^)]+)\)", text, re.MULTILINE)
    listed = listed or re.search(r'--commands "([^"]+)"', text.replace("\\\n", ""))
    if not listed:
        return COMMANDS
    corpora = ("synthetic", "librispeech", "folder")
    return {
        stage: [command.replace("$corpus", corpus) for corpus in corpora]
        for stage, command in re.findall(r"(\w+)=([\w.$]+)", listed[1])
    }


def network_options() -> set[str]:
    """The options of all back-ends of steps/embed, which stage 0 of the main recipe takes."""
    classes = [
        node for name in files("steps/embed/*.py") for node in parse(name).body if isinstance(node, ast.ClassDef)
    ]
    fields = [
        part for node in classes if "Options" in node.name for part in node.body if isinstance(part, ast.AnnAssign)
    ]
    return {ast.unparse(field.target) for field in fields}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_keys_of_stages_that_documents_name_exist(name):
    commands = stage_commands(name)
    used = re.findall(rf"(?<![\w./])({'|'.join(commands)})\.(?!sh\b)(\w+)(?=[=`])", document(name))
    known = {stage: {key for one in commands[stage] for key in own_names(command_options(one))} for stage, _ in used}
    assert [(stage, key) for stage, key in used if key not in known[stage] | network_options()] == []
