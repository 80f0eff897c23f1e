"""The whole main recipe on real embeddings, once under each launcher: the same bytes."""

from pathlib import Path

import pytest

from tests.recipes.recipe import Recipe, write_conf
from tests.slurm.cluster import Cluster, fact


@pytest.mark.timeout(600)
def test_the_recipe_leaves_the_same_bytes_under_both_launchers(
    cluster: Cluster, capspeech_libri: Path, tmp_path: Path
) -> None:
    conf = write_conf(tmp_path / "conf")
    corpus = "--corpus", "capspeech", "--data_dir", str(capspeech_libri), "--embedding_dir", str(capspeech_libri)
    # paths of one length: where config.yaml breaks its lines depends on it
    recipes = {name: Recipe(tmp_path / f"by{name:_>8}", conf, *corpus) for name in ("run.pl", "slurm.pl")}
    for name, recipe in recipes.items():
        recipe.run("--launcher", name, "--nj", "2")
    local, slurm = (
        {path: digest for path, digest in recipe.digests().items() if "/q" not in path} for recipe in recipes.values()
    )
    assert "my exp/samples/groups/xvector.ark" in local and "my exp/score/scores.json" in local
    assert local == slurm
    logs = sorted(log for log in recipes["slurm.pl"].exp.glob("log/**/*.log") if log.name != "slurm.log")
    assert [log.name for log in logs] == [f"{job}.{n}.log" for job in ("sample", "train") for n in (1, 2)]
    assert all(fact(log, "SLURM_JOB_ID") for log in logs)


@pytest.mark.timeout(300)
def test_a_job_that_fails_fails_the_stage_and_shows_its_error(cluster: Cluster, tmp_path: Path) -> None:
    conf = write_conf(tmp_path / "conf")
    recipe = Recipe(tmp_path / "it", conf, "--launcher", "slurm.pl")
    said = recipe.run("--stage", "4", "--stop_stage", "4", status=1)
    assert "slurm.pl: 2 / 2 failed, log is in " in said
    assert "index/train: no such file or directory; run the stage that makes it first" in said
