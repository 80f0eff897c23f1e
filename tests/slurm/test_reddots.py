"""The whole recipe of short phrases, once under each launcher: the same bytes."""

from pathlib import Path

import pytest

from tests.recipes.reddots import Phrases, write_corpus
from tests.slurm.cluster import Cluster, fact


@pytest.mark.timeout(900)
def test_phrases_are_judged_alike_under_both_launchers(cluster: Cluster, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    # paths of one length: where config.yaml breaks its lines depends on it
    recipes = {name: Phrases(tmp_path / f"by{name:_>8}", corpus) for name in ("run.pl", "slurm.pl")}
    for name, recipe in recipes.items():
        recipe.run("--launcher", name, "--nj", {"run.pl": "1", "slurm.pl": "2"}[name])
    local, slurm = (recipe.digests() for recipe in recipes.values())
    assert "my exp/01/scores/hmm_viterbi/scores" in local and "my exp/report/results.tsv" in local
    assert local == slurm
    logs = sorted((recipes["slurm.pl"].exp / "01" / "log").glob("ubm.[0-9]*.log"))
    assert len(logs) == 2 and all(fact(log, "SLURM_JOB_ID") for log in logs)
