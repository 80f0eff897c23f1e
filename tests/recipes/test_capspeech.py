"""The whole recipe on a slice of real embeddings: what it leaves, and what running it again does."""

import json
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.recipes.recipe import ROOT
from utils.tables import read_table

SETS = ("train", "dev", "test")
OUTPUTS = {
    "my data/all": "utt2spk spk2utt spk2gender utt2gender utt2pitch utt2speaking_rate xvector.scp row_counts.tsv",
    "my data/descriptions": "text text2group text2set",
    "my exp/text": "text_vec.ark text_vec.scp encoder.json reader.json",
    **{
        f"my data/{name}": "utt2spk spk2utt spk2gender utt2group xvector.scp spk_xvector.scp num_utts.ark"
        for name in SETS
    },
    "my data/split": "spk2set coverage.tsv",
    **{
        f"my exp/index/{name}": "xvector.ark xvector.scp num_utts.ark stats.json utt2spk spk2utt utt2group"
        for name in SETS
    },
    "my exp/mdn": "generator.json weights.safetensors best.safetensors last.safetensors metrics.jsonl curve.png "
    "encoder.json gender.json spk_mean.ark spk_mean.scp",
    "my exp/gaussian": "generator.json weights.safetensors encoder.json",
    "my exp/samples/groups": "xvector.ark xvector.scp spk_xvector.scp num_utts.ark xvector.csv utt2spk spk2utt "
    "utt2description utt2group spk2gender provenance.jsonl",
    "my exp/score": "scores.json summary.md report.html pictures",
}
UP_TO_DATE = [path for path in OUTPUTS if "/index/" not in path] + ["my exp/index"]
NASTY = """-- he's "calm" $(touch 'PWNED') `touch PWNED` ${HOME} \\n * | ; touch PWNED & über 🎤 JOB %s"""


def test_every_stage_leaves_its_outputs(finished):
    for output, names in OUTPUTS.items():
        assert [name for name in names.split() if not (finished.recipe.folder / output / name).exists()] == [], output
    for output in UP_TO_DATE:
        assert {".done", "config.yaml", "run_info.json"} < {p.name for p in (finished.recipe.folder / output).iterdir()}


@pytest.mark.parametrize(
    "output",
    ["my data/all", *(f"my {top}/{name}" for top in ("data", "exp/index") for name in SETS), "my exp/samples/groups"],
    ids=lambda p: p[3:],
)
def test_data_directories_are_valid(finished, output):
    command = [
        ROOT / "utils/validate_data_dir.sh",
        "--no-wav",
        "--no-feats",
        "--no-text",
        finished.recipe.folder / output,
    ]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr


def test_no_speaker_is_in_two_sets(finished):
    speakers = [set(read_table(finished.recipe.data / name / "utt2spk").values()) for name in SETS]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 63


def test_samples_are_asked_for_every_group(finished):
    groups = list(read_table(finished.recipe.exp / "samples/groups/utt2group").values())
    assert len(set(groups)) == 18
    assert {groups.count(group) for group in groups} == {3}


def test_scores_are_finite_numbers(finished):
    scores = json.loads((finished.recipe.exp / "score/scores.json").read_text())
    found = list(numbers(scores))
    assert len(found) > 200
    assert all(map(math.isfinite, found))
    assert scores["order"] == ["mdn", "gaussian"]


def numbers(value: Any) -> Iterator[float]:
    """All numbers within lists and mappings."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part)
    elif isinstance(value, int | float):
        yield value


def test_a_rerun_changes_nothing_and_says_so(finished):
    recipe, times = finished.recipe, finished.recipe.times()
    said = recipe.run("--stage", "0", "--stop-stage", "6")
    assert [output for output in UP_TO_DATE if f"{recipe.folder / output} is up to date" not in said] == []
    assert recipe.times() == times


def test_a_stage_has_its_file_then_set_then_the_command_line(make_recipe, tmp_path):
    recipe, two = make_recipe(), ("--stage", "2", "--stop_stage", "2")
    (tmp_path / "prepare.yaml").write_text("max_unknown: 0.6\n")
    (tmp_path / "split.yaml").write_text(
        "split_seed: 7\nfractions: [0.6, 0.2, 0.2]\nallow_missing_groups: true\nattributes: [pitch]\n"
    )
    conf = "--conf_dir", str(tmp_path)
    recipe.run(*conf, "--stop_stage", "0")
    assert config(recipe.data / "all")["max_unknown"] == 0.6
    more = "--set", "split.split_seed=8", "--set", 'split.split_seed=8,split.attributes="gender,pitch"'
    recipe.run(*conf, *two, *more, "--attributes", "gender")
    expected = {"split_seed": 8, "fractions": [0.6, 0.2, 0.2], "allow_missing_groups": True, "attributes": ["gender"]}
    assert expected.items() <= config(recipe.data / "split").items()
    same = 'split.fractions="0.6,0.2,0.2",split.split_seed=8,split.allow_missing_groups=true,split.attributes=gender'
    assert "split is up to date" in recipe.run(*two, "--set", same)


def config(directory: Path) -> dict[str, Any]:
    """The options that a directory was made with."""
    return yaml.safe_load((directory / "config.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("dash", ["--stop_stage", "--stop-stage"])
def test_a_stage_runs_alone_and_force_redoes_it_with_any_number_of_jobs(finished, dash):
    recipe, times, nj = finished.recipe, finished.recipe.times(), "3" if dash == "--stop_stage" else "1"
    said = recipe.run("--stage", "5", dash, "5", "--force", "true", "--nj", nj)
    assert [line.split()[2] for line in said.splitlines() if " stage " in line[:15]] == ["5:"]
    changed = {path for path, time in recipe.times().items() if time != times[path]}
    assert changed == {path for path in times if path.startswith("my exp/samples")}
    assert recipe.digests() == finished.digests


def test_texts_are_taken_verbatim(finished, tmp_path):
    recipe, file = finished.recipe, tmp_path / "my texts.txt"
    file.write_text(f"plain\tA woman.\ntricky\t{NASTY}\n", encoding="utf-8")
    alone = "--stage", "5", "--stop_stage", "5", "--nj", "1"
    recipe.run(*alone, "--text", NASTY, "--name", "one.text")
    recipe.run(*alone, "--text_file", str(file))
    assert texts(recipe.exp / "samples/one.text") == [NASTY] * 3
    assert texts(recipe.exp / "samples/texts") == ["A woman."] * 3 + [NASTY] * 3
    assert list(ROOT.glob("PWNED")) == list(recipe.folder.rglob("PWNED")) == []


@pytest.mark.parametrize(("text", "message"), [("", "empty"), ("A man.\nA woman.", "--text has a newline")])
def test_a_text_that_is_none_is_refused(finished, text, message):
    said = finished.recipe.run("--stage", "5", "--stop_stage", "5", "--name", "none", "--text", text, status=1)
    assert message in said
    assert not (finished.recipe.exp / "samples/none").exists()


def texts(samples: Path) -> list[str]:
    """The text of each sample, of which both records agree."""
    lines = (samples / "provenance.jsonl").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line)["text"] for line in lines]
    assert told == list(read_table(samples / "utt2description").values())
    return told
