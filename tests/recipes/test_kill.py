"""The recipe killed again and again, in every stage: in the end there is what an undisturbed run leaves, bit by bit."""

import os
import signal

import pytest

from tests.processes import children, kill_session, session, wait_for
from tests.recipes.moments import Moment, start_until

SECONDS = 10  # until all that run.sh has started has ended


# What dies: run.sh alone, by this signal, and what it has started is to end too; or every process at once.
MOMENTS = [
    (Moment("my data/all", "utt2spk"), None),
    (Moment("my exp/text", ".signature"), signal.SIGTERM),
    (Moment("my exp/text", "text_vec.ark"), None),
    (Moment("my data/test", "utt2*"), None),
    (Moment("my data/split", ".done"), signal.SIGHUP),
    (Moment("my exp/index", "train/xvector.ark"), None),
    (Moment("my exp/index", "test"), signal.SIGKILL),
    (Moment("my exp/mdn", "metrics.jsonl", '"epoch": 2'), signal.SIGINT),
    (Moment("my exp/mdn", "metrics.jsonl", '"epoch": 5'), None),
    (Moment("my exp/mdn", "weights.safetensors"), None),
    (Moment("my exp/samples/.groups.parts", "*/part-*.npz"), signal.SIGTERM),
    (Moment("my exp/samples/groups", "utt2spk"), None),
    (Moment("my exp/score", "scores.json"), None),
]


@pytest.mark.hostile("SIGTERM, SIGHUP, SIGINT or SIGKILL of run.sh, or of all processes, one in each stage")
def test_killed_in_every_stage_it_ends_with_the_same_bytes(make_recipe, finished, started):
    recipe, resumed = make_recipe(), 0
    for moment, number in MOMENTS:
        run = start_until(recipe, moment, started)
        run.send_signal(number or signal.SIGKILL)
        if number is None:
            kill_session(run.pid)
        assert run.wait() == -(number or signal.SIGKILL), moment
        assert wait_for(lambda run=run: not session(run.pid), SECONDS), moment
        resumed += "resumed after epoch" in recipe.logs()
    recipe.run()
    assert resumed >= 2
    assert recipe.digests() == finished.digests


def test_a_second_run_in_the_same_directories_refuses(make_recipe, started):
    recipe, other = make_recipe(), make_recipe()
    start_until(recipe, Moment("my data/all", ".done"), started)
    said = recipe.run(status=1)
    assert f"ERROR: {recipe.exp} is in use by process {started[0].pid} " in said
    said = other.run("--data", str(recipe.data), status=1)
    assert f"ERROR: {recipe.data} is in use by process {started[0].pid} " in said
    assert other.files() == []


def test_a_run_takes_over_what_a_killed_one_left_running(make_recipe, started):
    """Where all that watches was killed at once too."""
    recipe = make_recipe()
    run = start_until(recipe, Moment("my data/descriptions", ".done"), started)
    watcher, script = children(run.pid)
    for pid in (watcher, run.pid, script):
        os.kill(pid, signal.SIGKILL)
    left = session(run.pid)
    said = recipe.run("--stop_stage", "0")
    assert left
    assert f"process {run.pid} is dead" in said
    assert session(run.pid) == []
