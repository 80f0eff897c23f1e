"""The plan of an extraction and its parts on disk: what the jobs of one run, or of several, have in common.

    .<out>.parts/current                 identity and settings of the plan that jobs follow
    .<out>.parts/<identity>/plan.jsonl   a header, then one line a shard: its batches of utterances
    .<out>.parts/<identity>/000001.npz   what has become of shard 1: embeddings (n, D), outcomes as JSON

A part is there whole or not at all, and what it holds follows from the plan alone: any job of any run may write it.
"""

import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from steps.embed.batches import Batch, Item
from steps.embed.extraction import Network, Options, as_row, from_row
from utils.errors import InputError
from utils.options import as_dict
from utils.stage_dir import parts_root

CURRENT, PLAN = "current", "plan.jsonl"


@dataclass(frozen=True)
class Outcome:
    """What has become of an utterance.

    Attributes:
        seconds: of audio. problems: faults that it was embedded with.
        reason, detail: why it has no embedding; empty where it has one.
    """

    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Plan:
    """A plan on disk.

    Attributes:
        directory: of the plan and its parts. shards: how many there are.
        refused: utterances that cannot be tried, with the reason and detail of each.
    """

    directory: Path
    shards: int
    refused: list[tuple[Item, Outcome]]

    def part(self, shard: int) -> Path:
        """The file of a shard, counted from 1."""
        return self.directory / f"{shard:06d}.npz"

    def read_shards(self, job: int = 1, nj: int = 1) -> Iterator[tuple[int, list[Batch]]]:
        """Number and batches of every nj-th shard, from `job` on."""
        with (self.directory / PLAN).open(encoding="utf-8") as file:
            for number, line in islice(enumerate(file), job, None, nj):
                yield number, [[_item(row) for row in batch] for batch in json.loads(line)]


def current(options: Options, network: Network) -> str:
    """The identity of the current plan. Raises InputError where there is none, or one of other options."""
    root = parts_root(options.out)
    if not (root / CURRENT).is_file():
        raise InputError(f"{root}: no plan; begin with stage 1, python3 -m steps.embed.plan with the same options")
    plan = json.loads((root / CURRENT).read_text(encoding="utf-8"))
    if plan["settings"] != _settings(options, network):
        raise InputError(f"{root}: planned with {plan['settings']}, not with these options; begin with stage 1")
    return plan["identity"]


def _settings(options: Options, network: Network) -> dict:
    """What the jobs of a plan must agree on, as JSON gives it back."""
    return json.loads(json.dumps(network.settings(options) | as_dict(network.paths)))


def make_current(options: Options, network: Network, identity: str) -> None:
    """Let the jobs follow the plan with this identity."""
    file = parts_root(options.out) / CURRENT
    plan = {"identity": identity, "settings": _settings(options, network)}
    temporary = file.with_name(f".{CURRENT}.{os.getpid()}")
    temporary.write_text(json.dumps(plan), encoding="utf-8")
    temporary.replace(file)


def read_plan(directory: Path) -> Plan:
    """The plan in the directory that has its identity for a name."""
    with (directory / PLAN).open(encoding="utf-8") as file:
        header = json.loads(file.readline())
    refused = [(_item(row), Outcome(**outcome)) for row, outcome in header["refused"]]
    return Plan(directory, header["shards"], refused)


def write_plan(directory: Path, shards: list[list[Batch]], refused: Iterable[tuple[Item, Outcome]]) -> None:
    """Write a plan, whole or not at all."""
    header = {"shards": len(shards), "refused": [[_row(item), asdict(outcome)] for item, outcome in refused]}
    temporary = directory / f".{PLAN}.{os.getpid()}"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(header) + "\n")
        file.writelines(json.dumps([[_row(item) for item in batch] for batch in shard]) + "\n" for shard in shards)
    temporary.replace(directory / PLAN)


def _row(item: Item) -> list:
    return [*as_row(item.utterance), item.seconds]


def _item(row: list) -> Item:
    return Item(from_row(row[:-1]), row[-1])


def write_part(path: Path, outcomes: Sequence[Outcome], embeddings: Sequence[np.ndarray]) -> None:
    """Write what has become of the utterances of a shard, in their order, and the embeddings of those that have one."""
    temporary = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}")
    with temporary.open("wb") as file:
        text = np.array(json.dumps([asdict(outcome) for outcome in outcomes]))
        np.savez(file, embeddings=np.array(embeddings, np.float32), outcomes=text)
    temporary.replace(path)


def read_part(path: Path) -> tuple[list[Outcome], np.ndarray]:
    """The outcomes of a shard, and the embeddings (n, D) of those without a reason."""
    try:
        with np.load(path, allow_pickle=False) as part:
            return [Outcome(**outcome) for outcome in json.loads(str(part["outcomes"]))], part["embeddings"]
    except FileNotFoundError as error:
        raise InputError(f"{path}: this part is missing; run stage 1 again, it makes only what is missing") from error
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a whole part ({error}); remove it and run stage 1 again") from error
