"""How slurm.pl's jobs are cut into arrays."""

from pathlib import Path

from utils.slurm.array_task import ArrayTask
from utils.slurm.batch import chunks


def test_chunks_keep_array_ids_below_the_clusters_limit() -> None:
    numbers = [1, 2, 10, 11, 20, 21, 35]
    parts = list(chunks([ArrayTask(number, Path(), Path()) for number in numbers], max_array_size=11))
    ids = [[task.number - offset for task in tasks] for tasks, offset in parts]
    assert ids == [[1, 2, 10], [1, 10], [1], [5]]
    assert [task.number for tasks, _ in parts for task in tasks] == numbers


def test_jobs_that_fit_keep_their_numbers() -> None:
    ((tasks, offset),) = chunks([ArrayTask(number, Path(), Path()) for number in range(1, 1001)], max_array_size=1001)
    assert (len(tasks), offset) == (1000, 0)
