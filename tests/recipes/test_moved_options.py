"""Every option that a script once had still works, or is told what replaces it, in a word to paste that works."""

import shlex
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from tests.recipes.recipe import ROOT
from tests.recipes.test_run import script_options
from utils import key_values
from utils.option_values import own_names
from utils.settings import Setting, command_options, distribute

ONCE = {  # options that the scripts had when each was typed
    "run.sh": """
        stage stop_stage corpus data exp force seed nj launcher data_dir embedding_dir sources attributes
        min_match path_prefix path_map utt2spk max_unknown gender_conflicts space rules labels subsets
        segment_seconds hop_seconds max_fail backend backend_conf backend_set rate_from lexicon gender_model
        gender_threshold augment augment_file variants_per_group heldout_fraction openai_conf captions
        encoder split_seed fractions official allow_missing_groups generators use_gpu num_gpus
        store_speaker_means model sample_conf name text text_file n_samples temperature weight_temperature
        spread_temperature distance_to_train distance_to_others max_tries save_params score_conf
    """,
    "local/prepare_audio.sh": """
        cmd nj data_dir subsets labels segment_seconds hop_seconds max_fail backend backend_conf backend_set
        use_gpu rate_from lexicon gender_model gender_threshold seed attributes max_unknown force
    """,
    "steps/embed/extract.sh": """
        cmd nj backend conf set use_gpu torchrun stage stop_stage pickles dataset max_seconds batch_seconds
        shard_seconds max_fail decoders force
    """,
    "steps/attributes/measure.sh": """
        cmd nj rules rate_from lexicon gender_model gender_threshold audit_lines max_fail seed force
    """,
    "steps/generators/sample.sh": """
        cmd nj conf text text_file n_samples seed temperature weight_temperature spread_temperature
        distance_to_train distance_to_others max_tries save_params encoder force
    """,
    "steps/generators/train.sh": """
        cmd generators seed set use_gpu num_gpus store_speaker_means force
    """,
    "egs/librispeech/embed/run.sh": """
        stage stop_stage data_dir audio name backend conf set nj use_gpu torchrun max_fail pickles
        segment_seconds hop_seconds subsets
    """,
}
AUDIO = ["steps.embed.extract", "steps.attributes.label", "local.join_audio"]
COMMANDS = {  # of each stage of run.sh, and of each script
    "prepare": ["local.demo", "local.capspeech", "local.librispeech", "local.folder", *AUDIO],
    "text": ["steps.text.augment"],
    "split": ["steps.data.split_speakers"],
    "train": ["steps.generators.train"],
    "index": ["steps.data.build_index"],
    "sample": ["steps.generators.sample"],
    "score": ["steps.score.score"],
    "local/prepare_audio.sh": ["local.librispeech", "local.folder", *AUDIO],
    "steps/embed/extract.sh": ["steps.embed.extract"],
    "steps/attributes/measure.sh": ["steps.attributes.label"],
    "steps/generators/sample.sh": ["steps.generators.sample"],
    "steps/generators/train.sh": ["steps.generators.train"],
    "egs/librispeech/embed/run.sh": ["local.librispeech", "steps.embed.extract"],
}
MOVED = [
    (script, name) for script, names in ONCE.items() for name in names.split() if name not in script_options(script)
]
VALUES = {
    "fractions": ".8,.1,.1", "path_map": "/old=/new", "backend_set": "random_seed=3",
    "sample_conf": "/my conf/s.yaml", "score_conf": "/my conf/s.yaml",
    "captions": "beside", "augment": "file", "gender_conflicts": "unlabel", "space": "", "rate_from": "text",
    "max_seconds": "9",
    "gender_threshold": ".8", "lexicon": "it's \"mine\", $HOME",
}  # fmt: skip


def answer(script: str, *words: str) -> str:
    """The one line that a script ends with, in its own directory."""
    path = ROOT / script
    cwd = path.parent if script.startswith("egs") else ROOT
    done = subprocess.run([f"./{path.relative_to(cwd)}", *words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def value_of(name: str) -> str:
    """A value that the option takes."""
    for cls in map(command_options, dict.fromkeys(sum(COMMANDS.values(), []))):
        kind = {field.name: str(field.type) for field in fields(cls)}.get(name, "")
        if name not in VALUES and kind:
            return "true" if "bool" in kind else "12" if "int" in kind else ".5" if "float" in kind else "/a b"
    return VALUES.get(name, "/a b")


@pytest.mark.parametrize(("script", "name"), MOVED)
def test_a_moved_option_is_told_its_replacement(script, name):
    value = value_of(name)
    said = answer(script, "--" + name.replace("_", "-"), value)
    shown, _, form = said.removesuffix("\n").partition(f": --{name} is now ")
    assert shown.endswith(script.rpartition("/")[2])
    if name in ("sample_conf", "score_conf"):
        assert form == f"--conf_dir '{Path(value).parent}', where it is {name.removesuffix('_conf')}.yaml"
        return
    option, words = shlex.split(form)
    assert option == "--set"
    for key, text in key_values.split(words):
        stage, dot, key = key.rpartition(".")
        assert bool(dot) == (script == "run.sh")
        takers = [cls for cls in map(command_options, COMMANDS[stage or script]) if key in own_names(cls)]
        assert takers or name == "backend_set"
        for cls in takers:
            distribute([Setting(key, text, words)], cls)
        if name == "backend_set":
            assert (key, text) == ("random_seed", "3")
            distribute([Setting("backend", "xvector", ""), Setting(key, text, words)], command_options(AUDIO[0]))
        else:
            assert text == value


def test_none_is_forgotten_and_none_is_both():
    listed = [line.split() for line in (ROOT / "utils/moved_options.txt").read_text().splitlines() if line[0] != "#"]
    assert {(script, name) for script, _, *names in listed for name in names} == set(MOVED)


def test_an_option_that_none_ever_had_and_one_without_its_value():
    assert "invalid option --gender_treshold" in answer("run.sh", "--gender_treshold", ".8")
    assert "--gender_threshold is now --set prepare.gender_threshold=VALUE" in answer("run.sh", "--gender_threshold")
    assert "invalid option --hop_seconds" in answer("steps/embed/extract.sh", "--hop_seconds", "3")
