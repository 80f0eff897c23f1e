"""The configuration file of slurm.pl, in the grammar of Kaldi's launchers: which words of sbatch an option becomes.

command sbatch --export=ALL     the program, and words for every job
option mem=* --mem=$0           `--mem 4G` becomes --mem=4G
option gpu=0                    an exact value goes before *; this one becomes nothing
default gpu=0                   as if the command line had it
# a comment, also at the end of a line
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from utils.errors import InputError, brief, cut
from utils.tables import read_lines

# Later words override earlier ones: the words of --gpu may hold a time or memory, which --time and --mem then override.
ORDER = ("gpu", "num_threads", "mem", "time")
LINE = re.compile(r"(?P<kind>option|default)\s+(?P<key>[A-Za-z_]\w*)=(?P<value>\S*)(?:\s+(?P<text>.*))?")


class WrongUsage(InputError):
    """An unknown option or a wrong value: slurm.pl exits with run.pl's status for wrong usage."""


@dataclass
class Conf:
    """A configuration file, read.

    Attributes:
        command: the program that submits, with the words of every job.
        options: for each key, the words for each value; `*` stands for any.
        defaults: values of keys that the command line may override.
    """

    path: Path
    command: list[str] = field(default_factory=list)
    options: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)

    def words(self, given: dict[str, str]) -> list[str]:
        """Words of sbatch for the options `given`, after those of the defaults: of two words sbatch takes the last.

        An empty value is none.
        """
        given = {key: value for key, value in given.items() if value}
        assumed = {key: value for key, value in self.defaults.items() if key in self.options and key not in given}
        words = []
        for values in (assumed, given):
            for key in sorted(values, key=lambda key: (ORDER.index(key) if key in ORDER else len(ORDER), key)):
                words += self._words_of(key, values[key])
        return words

    def _words_of(self, key: str, value: str) -> list[str]:
        known = self.options.get(key)
        if known is None:
            option = "--" + key.replace("_", "-")
            raise WrongUsage(
                f"option {option} is not described in {self.path}; add there 'option {key}=* <words of sbatch>', "
                f"or use one of {', '.join('--' + name.replace('_', '-') for name in sorted(self.options)) or '(none)'}"
            )
        if value in known:
            return known[value]
        if "*" not in known:
            raise WrongUsage(f"{self.path}: no line 'option {key}={value}' or 'option {key}=*'; add one")
        return [word.replace("$0", value) for word in known["*"]]


def read_slurm_conf(path: Path) -> Conf:
    """Read a configuration file. Raises InputError with file and line where it is not understood."""
    conf = Conf(path)
    lines: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), 1):
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if not text:
            continue
        try:
            if text.startswith("command "):
                said = "command"
                conf.command = shlex.split(text.removeprefix("command "))
            elif (found := LINE.fullmatch(text)) and found["kind"] == "option":
                said = f"option {found['key']}={found['value']}"
                conf.options.setdefault(found["key"], {})[found["value"]] = shlex.split(found["text"] or "")
            elif found and not found["text"]:
                said = f"default {found['key']}"
                conf.defaults[found["key"]] = found["value"]
            else:
                raise ValueError("expected 'command ...', 'option key=value ...' or 'default key=value'")
        except ValueError as error:
            raise InputError(f"{path}:{number}: {error}; found {brief(line)}") from error
        if lines.setdefault(said, number) != number:
            raise InputError(f"{path}:{number}: '{cut(said)}' stands in line {lines[said]} already; leave one out")
    if not conf.command:
        raise InputError(f"{path}: no line 'command sbatch ...'; add it")
    return conf
