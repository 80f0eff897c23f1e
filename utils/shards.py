"""Shards: the pieces into which work is cut once, by its data alone, for any number of jobs.

Items keep their order and fill one shard after another, greedily by size. The number of shards follows from the sizes,
never from the number of jobs. Shards count from 0, as the tasks of a job array of SLURM do: a job takes the numbers it
is given (`--shards 5`, `--shards 0,5,12`, `--shards 0-15`), all without, or its share of these (`--job 2 --nj 4`).
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from utils.errors import InputError, brief, cut

MOST_JOBS = 100_000  # that launchers and --nj take
MOST_SHARDS = 240  # about so many, unless `least` or `longest` says otherwise
JOBS, FEWEST, MOST = 64, 256, 960  # of even shards: their number is a multiple of JOBS, from FEWEST on, mostly to MOST
RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18})(?::([1-9][0-9]{0,17}))?)?")
SHARDS_HELP = "numbers of the shards to do, from 0: 5, or 0,5,12, or 0-15; default: all"


def shards_of(sizes: Sequence[float], least: float, longest: float = float("inf")) -> Iterator[int]:
    """The shard of each item, in order.

    Args:
        sizes: of the items, such as seconds of audio, none negative.
        least: a shard is closed when it has reached its share of all sizes, and at least this much.
        longest: a shard is closed when it has this much, though there would be more than MOST_SHARDS.
    """
    share = max(min(sum(sizes) / MOST_SHARDS, longest), least)
    shard, filled, full = 0, 0.0, False
    for size in sizes:
        if full:
            shard, filled = shard + 1, 0.0
        yield shard
        filled += size
        full = filled >= share


def even_shards(sizes: Sequence[float], least: float, longest: float = float("inf")) -> list[int]:
    """The same for sizes that are times, where many jobs shall end at about the same time.

    Where the sizes are enough for FEWEST shards and more, these have equal shares, as far as items allow, and their
    number is one that most numbers of jobs divide: with one shard more, one job would work longer than all others.
    """
    total = float(sum(sizes))
    if total < FEWEST * least:
        return list(shards_of(sizes, least, longest))
    n_shards = max(min(int(total / least), MOST) // JOBS, math.ceil(total / longest / JOBS)) * JOBS
    middles = (end - size / 2 for end, size in zip(accumulate(sizes), sizes, strict=True))
    shares = [min(int(n_shards * middle / total), n_shards - 1) for middle in middles]
    numbers = {share: number for number, share in enumerate(dict.fromkeys(shares))}  # a long item may leave some out
    return [numbers[share] for share in shares]


def chosen_shards(n_shards: int, shards: str | None, job: int, nj: int) -> list[int]:
    """The numbers that one job takes.

    Args:
        n_shards: how many there are.
        shards: `--shards`, in SLURM's way of writing an array; None for all.
        job, nj: this job takes every nj-th of these, from the one at job - 1 on; job 0 takes all of them.
    """
    numbers = list(range(n_shards)) if shards is None else parse_numbers(shards, n_shards)
    if job > nj:
        raise InputError(f"--job {job}: there are --nj {nj} jobs")
    return numbers[job - 1 :: nj] if job else numbers


def parse_numbers(text: str, n_shards: int) -> list[int]:
    """The numbers of `0,5,12`, `0-15`, `0-15:4`, sorted; SLURM's limit `%7` at the end changes nothing here.

    Raises InputError for what is no number, and for one of a shard that is not there.
    """
    numbers: set[int] = set()
    for word in re.sub(r"%\d+$", "", text.strip()).split(","):
        match = RANGE.fullmatch(word.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if match is None or first > last:
            raise InputError(
                f"--shards {cut(text)}: expected numbers such as 5, or 0,5,12, or 0-15, found {brief(word)}"
            )
        found = range(first, last + 1, int(match[3] or 1))
        if found[-1] >= n_shards:  # before they are listed: they may be very many
            unknown = found[bisect_left(found, n_shards)]
            raise InputError(
                f"--shards {cut(text)}: there is no shard {unknown}; this work has {n_shards} shards, counted from 0"
            )
        numbers |= set(found)
    return sorted(numbers)


def format_numbers(numbers: Iterable[int]) -> str:
    """Numbers as SLURM writes an array, and as `parse_numbers` reads them, neighbours joined: `0-3,7`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
