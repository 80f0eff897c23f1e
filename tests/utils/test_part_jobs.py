"""A command in several jobs: parts are made once, whoever makes them, and joined to the same outputs."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from utils.errors import InputError
from utils.part_jobs import run_part_jobs
from utils.parts import Item, read_part


@dataclass(frozen=True)
class Choice:
    """Options of a command."""

    COMMAND: ClassVar[str] = "steps.test.squares"
    out: Path
    power: int = 2
    least: float = 0.0
    nj: int = 1
    job: int = 0
    shards: str | None = None
    force: bool = False


@dataclass
class Squares:
    """Powers of the numbers 0 to 6, two a shard."""

    options: Choice
    made: list[str] = field(default_factory=list)

    def items(self):
        return [Item(str(number), number // 2, number) for number in range(7)]

    def prepare(self):
        def make(items):
            self.made += [item.id for item in items]
            return [item.id for item in items], {
                "powers": np.array([item.content**self.options.power for item in items])
            }

        return make

    def join(self, stage, planned):
        parts = [read_part(planned.part(shard)) for shard in range(planned.n_shards)]
        lines = [
            f"{name} {power}\n" for rows, arrays in parts for name, power in zip(rows, arrays["powers"], strict=True)
        ]
        (stage.dir / "powers").write_text("".join(lines))
        self.check()

    def check(self):
        if self.options.least > 0:
            raise InputError("not enough")


def run(options: Choice) -> list[str]:
    """What has been made now."""
    task = Squares(options)
    run_part_jobs(options, [], task, free=("least",))
    return task.made


def test_parts_are_made_once_and_joined(tmp_path):
    options = Choice(tmp_path / "out")
    assert run(replace(options, nj=2, job=2)) == ["2", "3", "6"]
    assert run(replace(options, nj=2, job=2)) == [] and not options.out.exists()
    assert run(replace(options, shards="0")) == ["0", "1"]
    assert run(options) == ["4", "5"]
    assert (options.out / "powers").read_text() == "0 0\n1 1\n2 4\n3 9\n4 16\n5 25\n6 36\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # no parts
    assert run(options) == run(replace(options, nj=2, job=1)) == []  # up to date
    assert run(replace(options, power=3)) == list("0123456")
    assert run(replace(options, power=3, force=True)) == list("0123456")


def test_what_decides_nothing_but_whether_outputs_are_good_is_checked_again(tmp_path):
    options = Choice(tmp_path / "out")
    with pytest.raises(InputError, match="not enough"):
        run(replace(options, least=1))
    assert not options.out.exists()
    assert run(options) == []  # parts were kept
    with pytest.raises(InputError, match="not enough"):
        run(replace(options, least=1))


def test_shards_that_are_not_there_are_named(tmp_path):
    with pytest.raises(InputError, match="there is no shard 4; this work has 4 shards"):
        run(Choice(tmp_path / "out", shards="4"))
    with pytest.raises(InputError, match="--job 3: there are --nj 2 jobs"):
        run(Choice(tmp_path / "out", nj=2, job=3))
