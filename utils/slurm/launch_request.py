"""What slurm.pl has been asked for: the job range, the log, the command, and its options with those of its conf."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from utils.errors import InputError
from utils.option_values import convert
from utils.options import option
from utils.slurm.conf import WrongUsage, read_slurm_conf

SHIPPED_CONF = Path(__file__).resolve().parents[2] / "conf/slurm.conf"
# options of sbatch that slurm.pl sets for every job: with other values it would not find its jobs
OURS = ("-J", "-o", "-e", "-a", "-W", "-i", "-D")


@dataclass(frozen=True)
class Settings:
    """Options of the launcher itself; times in seconds."""

    pick: str = option("all", "jobs to run, by their logs", choices=("all", "failed", "incomplete"))
    max_jobs_run: int | None = option(None, "most jobs at once", least=1, most=10**9)
    max_restarts: int = option(20, "how often a job that asks for it is run again", least=0, most=10**6)
    poll_first: float = option(1.0, "from the submission to the first question to the scheduler", above=0, most=86400)
    poll_slowest: float = option(60.0, "most time between two questions", above=0, most=86400)
    pending_limit: float = option(600.0, "how long a job that can never start may wait", above=0, most=10**8)
    log_wait: float = option(60.0, "most time from the end of a job to the footer of its log", above=0, most=86400)
    controller_wait: float = option(3600.0, "how long slurmctld may be away", above=0, most=10**8)
    command_timeout: float = option(30.0, "for one call of sbatch, squeue or scancel", above=0, most=86400)


@dataclass(frozen=True)
class LaunchRequest:
    """Jobs to run.

    Attributes:
        name: the job variable, None without a range. first, last: the range.
        log: the name of the logs, and command: what bash evaluates, both with the job variable in it.
        sbatch: the program that submits, with all words for it.
        n_threads: processors of a job.
    """

    name: str | None
    first: int
    last: int
    log: str
    command: str
    sbatch: tuple[str, ...]
    n_threads: int
    settings: Settings

    def log_of(self, number: int | str) -> Path:
        """The log of one job."""
        return Path(self.log.replace(self.name, str(number)) if self.name else self.log)


def read_launch_request(stream: BinaryIO) -> LaunchRequest:
    """Read what slurm.pl writes: name, first, last, log, command, and options as words, all between NUL characters."""
    name, first, last, log, command, *rest = os.fsdecode(stream.read()).split("\0")
    given: dict[str, str] = {}
    passed: list[str] = []
    most: list[int] = []
    for word, *values in (text.split("\x1f") for text in rest):
        if word in ("--max-jobs-run", "-tc"):
            most.append(_own(word, "max_jobs_run", values[0]))
        elif word == "--expect-mem":
            continue  # the scheduler knows the memory of its nodes
        elif word.startswith("--"):
            given[word[2:].replace("-", "_")] = values[0]
        elif word == "-pe":
            given.setdefault("num_threads", values[1])  # of Grid Engine: -pe smp 4
        elif word == "-V":
            continue  # sbatch gives jobs the whole environment anyway
        elif word[:2] in OURS:
            raise WrongUsage(f"{word} is set by slurm.pl itself and cannot be passed to sbatch")
        else:
            passed += [word, *values]
    conf = read_slurm_conf(_conf_path(given.pop("config", None)))
    own = Settings.__dataclass_fields__
    settings = {
        key: convert(Settings, key, value, f"{conf.path}: default {key}")
        for key, value in conf.defaults.items()
        if key in own
    }
    undescribed = sorted(conf.defaults.keys() - own.keys() - conf.options.keys())
    if undescribed:
        raise InputError(
            f"{conf.path}: default {undescribed[0]}: there is no line 'option {undescribed[0]}=...'; add one"
        )
    settings |= {key: _own("--" + key.replace("_", "-"), key, given.pop(key)) for key in own.keys() & given.keys()}
    settings |= {"max_jobs_run": min(most)} if most else {}
    threads = given.get("num_threads", conf.defaults.get("num_threads", "1"))
    return LaunchRequest(
        name=name or None,
        first=int(first),
        last=int(last),
        log=log,
        command=command,
        sbatch=(*conf.command, *conf.words(given), *passed),
        n_threads=int(threads) if threads.isdecimal() else 1,
        settings=Settings(**settings),
    )


def _own(option: str, key: str, value: str) -> Any:
    try:
        return convert(Settings, key, value, option)
    except InputError as error:
        raise WrongUsage(str(error)) from error


def _conf_path(given: str | None) -> Path:
    if given is None:
        own = Path("conf/slurm.conf")
        if not own.is_file() and (own.exists() or own.is_symlink()):
            raise InputError(f"{own}: no regular file, or a link to none; correct or remove it")
        return own if own.is_file() else SHIPPED_CONF
    if not Path(given).is_file():
        raise InputError(f"--config {given}: no such file")
    return Path(given)
