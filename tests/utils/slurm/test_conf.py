"""The configuration file of slurm.pl."""

from pathlib import Path

import pytest

from utils.errors import InputError
from utils.slurm.conf import WrongUsage, read_slurm_conf

KALDI = """# as Kaldi ships it
command sbatch --export=PATH  --ntasks-per-node=1
option time=* --time $0
option mem=* --mem-per-cpu $0
option mem=0          # do not add anything to the words of sbatch
option num_threads=* --cpus-per-task $0 --ntasks-per-node=1
option max_jobs_run=*
default gpu=0
option gpu=0 -p shared
option gpu=* -p gpu --gres=gpu:$0 --time 4:0:0
"""


@pytest.fixture
def conf(tmp_path: Path):
    """conf(text) reads the text as a configuration file."""

    def read(text: str = KALDI):
        (tmp_path / "slurm.conf").write_text(text)
        return read_slurm_conf(tmp_path / "slurm.conf")

    return read


@pytest.mark.parametrize(
    "given, words",
    [
        ({}, "-p shared"),
        ({"mem": "0"}, "-p shared"),
        ({"mem": "4G", "gpu": "2"}, "-p gpu --gres=gpu:2 --time 4:0:0 --mem-per-cpu 4G"),
        ({"time": "1:0:0", "gpu": "1"}, "-p gpu --gres=gpu:1 --time 4:0:0 --time 1:0:0"),  # sbatch obeys the last
        ({"time": "1:0:0"}, "-p shared --time 1:0:0"),
        ({"num_threads": "4", "mem": "1G"}, "-p shared --cpus-per-task 4 --ntasks-per-node=1 --mem-per-cpu 1G"),
    ],
)
def test_kaldis_own_file(conf, given: dict[str, str], words: str) -> None:
    assert conf().words(given) == words.split()
    assert conf().command == ["sbatch", "--export=PATH", "--ntasks-per-node=1"]


def test_the_order_of_options_does_not_depend_on_the_order_given(conf) -> None:
    given = {"time": "1", "mem": "2G", "num_threads": "3", "gpu": "1"}
    assert conf().words(given) == conf().words(dict(reversed(given.items())))


def test_what_the_command_line_says_stands_behind_all_defaults(conf) -> None:
    read = conf(KALDI + "default time=9:0:0\n")
    assert read.words({})[-2:] == ["--time", "9:0:0"]
    assert read.words({"gpu": "1"}) == ["--time", "9:0:0", "-p", "gpu", "--gres=gpu:1", "--time", "4:0:0"]
    assert "9:0:0" not in read.words({"time": "2"})


def test_values_are_words_and_never_shell(conf) -> None:
    read = conf("command sbatch --comment='two words'\noption name=* --wckey='the $0'\n")
    assert read.command == ["sbatch", "--comment=two words"]
    assert read.words({"name": "a b; $(x)"}) == ["--wckey=the a b; $(x)"]


@pytest.mark.parametrize(
    "line",
    ["option mem --mem $0", "options mem=* --mem", "default gpu=0 -p x", "mem=* --mem", "option mem=* 'unclosed", "x"],
)
def test_a_line_that_is_not_understood_is_named(conf, line: str) -> None:
    with pytest.raises(InputError, match=r"slurm.conf:2: ") as caught:
        conf(f"command sbatch\n{line}\n")
    assert repr(line) in str(caught.value)


@pytest.mark.field_case("A line of conf/slurm.conf that stands there twice, of which one would win")
@pytest.mark.parametrize("line", ["command sbatch -A x", "option mem=* --mem=1", "option gpu=0", "default gpu=1"])
def test_a_line_that_comes_twice_is_named(conf, line: str) -> None:
    with pytest.raises(InputError, match=r"slurm.conf:11: .* stands in line \d+ already; leave one out"):
        conf(f"{KALDI}{line}\n")


def test_a_file_without_a_command_is_an_error(conf) -> None:
    with pytest.raises(InputError, match="no line 'command sbatch ...'"):
        conf("option mem=* --mem=$0\n")


def test_an_option_that_is_not_described_says_which_are(conf) -> None:
    with pytest.raises(WrongUsage, match="--memory is not described in .*slurm.conf; .*--gpu, .*--mem, --num-threads"):
        conf().words({"memory": "4G"})


def test_the_shipped_file_knows_what_cmd_sh_asks_for() -> None:
    root = Path(__file__).parents[3]
    given = {"mem": "8G", "time": "4:00:00", "gpu": "1"}
    assert read_slurm_conf(root / "conf/slurm.conf").words(given) == ["--gres=gpu:1", "--mem=8G", "--time=4:00:00"]
