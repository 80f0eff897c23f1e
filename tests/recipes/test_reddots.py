"""The recipe of short phrases, on three voices that it makes itself."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from steps.metrics.trial_files import read_trials
from tests.processes import kill_session, session, wait_for
from tests.recipes.recipe import check_refused
from tests.recipes.reddots import DIRECTORY, Phrases, write_corpus
from utils.tables import read_table

KINDS = ("TC", "TW", "IC", "IW")


class Finished(NamedTuple):
    """A recipe that has run, what it said, and the digests of what it left."""

    recipe: Phrases
    said: str
    digests: dict[str, str]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("reddots") / "corpus")


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The undisturbed run."""
    recipe = Phrases(tmp_path_factory.mktemp("phrases") / "it's $HOME 1", corpus)
    said = recipe.run()
    return Finished(recipe, said, recipe.digests())


def test_every_stage_leaves_its_outputs(finished):
    recipe, said, digests = finished
    assert re.findall(r"^[\d:]+ stage (\d):", said, re.MULTILINE) == list("01234567")
    for name in ("lang/lang.json", "feats/all/feats.scp", "01/ubm/final.dubm", "01/mono/model.safetensors"):
        assert f"my exp/{name}" in digests, name
    assert f"The report is {recipe.exp / 'report' / 'report.html'}" in said
    text = (recipe.exp / "report" / "summary.md").read_text()
    assert all(name in text for name in ("gmm_llr", "hmm_viterbi", "fused", *KINDS[1:]))


def test_every_trial_has_a_score_and_no_background_speaker(finished):
    recipe = finished.recipe
    trials = read_trials(recipe.data / "test_01" / "trials")
    assert sorted(trials.kinds) == sorted(KINDS)
    for system in ("gmm_llr", "hmm_viterbi"):
        scores = (recipe.exp / "01" / "scores" / system / "scores").read_text().splitlines()
        assert len(scores) == len(trials.enrol)
    background = set(read_table(recipe.data / "background_01" / "utt2spk").values())
    tested = {name.split("_")[0] for name in trials.enrolments} | {name.split("-")[0] for name in trials.tests}
    assert len(background) == 1 and len(tested) == 3 and background.isdisjoint(tested)


def test_voices_and_words_are_told_apart(finished):
    rows = [line.split("\t") for line in (finished.recipe.exp / "report" / "results.tsv").read_text().splitlines()]
    header = rows[0]
    found = {
        (row[header.index("system")], row[header.index("kind")]): float(row[header.index("value")])
        for row in rows
        if row[header.index("metric")] == "eer" and row[header.index("sex")] == "all"
    }
    assert found["fused", "IW"] < 10 and found["hmm_viterbi", "TW"] < 20, found


def test_a_finished_run_does_nothing(finished):
    times = finished.recipe.times()
    said = finished.recipe.run()
    assert said.count("is up to date") >= 15 and finished.recipe.times() == times


def test_what_is_killed_while_models_are_trained_goes_on_to_the_same_bytes(finished, corpus, tmp_path_factory):
    again = Phrases(tmp_path_factory.mktemp("killed") / "it's $HOME 2", corpus)
    run = again.start()
    try:
        begun = again.exp / "01" / ".ubm.parts"
        assert wait_for(lambda: any(begun.rglob("part-*.npz")) or run.poll() is not None, 300)
        assert run.poll() is None, run.communicate()[0]
        kill_session(run.pid)
        assert wait_for(lambda: session(run.pid) == [])
    finally:
        kill_session(run.pid)
    again.run()
    assert again.digests() == finished.digests


@pytest.mark.hostile("The recipe of short phrases: words, numbers and names that are none, settings that it overrides")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stray"], "stray: expected options only"),
        (["--stage", "8"], "expected two numbers, the second not below the first, the first 7 at most"),
        (["--corpus", "reddot"], "--corpus reddot: expected synthetic, arabic-digits, fsdd or reddots"),
        (["--corpus", "reddots"], "--corpus reddots: give --data_dir, the directory that has pcm, ndx and infos"),
        (["--corpus", "fsdd", "--data_dir", "nowhere"], "--data_dir nowhere: no such directory"),
        (["--data_dir", "here"], "--data_dir here: say what it holds, --corpus arabic-digits, fsdd or reddots"),
        (["--parts", "../01"], "--parts ../01: expected names with commas between them, such as 01,04"),
        (["--systems", "gmm"], "--systems gmm: expected some of gmm_llr,"),
        (["--systems", "gmm_llr", "--fuse", "dtw_cosine"], "--fuse dtw_cosine: expected some of --systems, gmm_llr"),
        (["--preset", "kaldi"], "--preset kaldi: expected planned or notebook"),
        (["--topology", "triphones"], "--topology triphones: expected phones or words"),
        (["--launcher", "pbs.pl"], "--launcher pbs.pl: expected run.pl or slurm.pl"),
        (["--conf_dir", "nowhere"], "--conf_dir nowhere: no such directory"),
        (["--nj", "0"], "--nj 0: expected a number, 1 or more"),
        (["--stage", "2"], "/data/lists: no such file; run stage 0 first"),
        (["--set", "ubm.component=3"], "--set ubm.component=3: unknown option; valid ones are"),
        (["--set", "lists.parts=01"], "--set lists.parts=01: the recipe sets this itself; use --parts"),
        (["--set", "gmm.speed=1,ubn.components=3"], "--set ubn.components=3: expected STAGE.KEY=VALUE with a stage of"),
    ],
)
def test_bad_options_are_refused_in_one_line(tmp_path, words, said):
    out = ["--data", str(tmp_path / "data"), "--exp", str(tmp_path / "exp"), "--corpora", str(tmp_path / "corpora")]
    check_refused(DIRECTORY, [*out, *words], said, tmp_path)


def test_help_names_every_option_and_command():
    script = (DIRECTORY / "run.sh").read_text(encoding="utf-8")
    options = re.findall(r"^(\w+)=[^(\n]*$", script.partition("help_message()")[0], re.MULTILINE)
    shown = subprocess.run(["./run.sh", "--help"], cwd=DIRECTORY, capture_output=True, text=True)
    assert shown.returncode == 0
    inner = ("QUICK", "SYSTEMS")
    assert [name for name in options if name not in inner and f"--{name}" not in shown.stderr] == []
    assert all(f"  {stage} " in shown.stderr for stage in re.findall(r"(\w+)=(?:steps|local)\.", script))
