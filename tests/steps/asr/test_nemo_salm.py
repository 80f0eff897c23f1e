"""A SALM behind another interpreter: a stand-in for NeMo, which is not installed here; and its configuration."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from steps.asr import check, compute, merge, plan
from steps.asr.nemo_salm import LONGEST, NemoSalm, SalmOptions, read_salm_config
from tests.steps.audio.sounds import babble, write_sound
from utils.data_dir import write_data_dir
from utils.errors import InputError

CONFIG = {
    "pretrained_llm": "Qwen/Qwen3-1.7B",
    "pretrained_asr": "nvidia/canary-1b-flash",
    "pretrained_weights": False,
    "prompt_format": "qwen",
    "audio_locator_tag": "<|audioplaceholder|>",
    "perception": {"preprocessor": {"sample_rate": 16000, "features": 128}, "output_dim": 2048},
    "lora": {"r": 128, "lora_alpha": 256, "target_modules": ["q_proj", "v_proj"]},
}
# says how long and how loud the audio is; dies of the loudest
STAND_IN = """
import os, pathlib, torch

class Tokenizer:
    def ids_to_text(self, ids):
        return " ".join(map(str, ids.tolist()))

class SALM(torch.nn.Linear):
    device, dtype, audio_locator_tag, tokenizer = torch.device("cpu"), torch.float32, "<|audio|>", Tokenizer()

    @classmethod
    def from_pretrained(cls, model, local_files_only, strict):
        assert local_files_only and strict and pathlib.Path(model, "config.json").is_file()
        return cls(1, 1)

    def generate(self, prompts, audios, audio_lens, max_new_tokens):
        assert prompts == [[{"role": "user", "content": "Transcribe the following: <|audio|>"}]] * len(audios)
        assert audios.shape[1] == audio_lens.max() and max_new_tokens == 256
        if audios.abs().max() > 0.9:
            os._exit(9)
        peaks = audios.abs().amax(1)
        return torch.stack([audio_lens, (100 * peaks).round().long()], 1)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A directory with the two files of a SALM."""
    directory = tmp_path_factory.mktemp("canary")
    (directory / "config.json").write_text(json.dumps(CONFIG))
    (directory / "model.safetensors").touch()
    return directory


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> str:
    """Another interpreter, whose environment has the stand-in."""
    folder = tmp_path_factory.mktemp("nemo")
    made = [sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", str(folder)]
    subprocess.run(made, check=True, capture_output=True)
    site = next(folder.glob("lib/python3*/site-packages"))
    own = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    (site / "own.pth").write_text(f"{own}\n")  # torch and numpy, where this interpreter is one of an environment itself
    package = site / "nemo" / "collections" / "speechlm2" / "models"
    package.mkdir(parents=True)
    (site / "nemo" / "__init__.py").write_text('__version__ = "stand-in"\n')
    (package / "__init__.py").write_text(STAND_IN)
    return str(folder / "bin" / "python")


def test_several_go_there_together(model, python):
    sounds = [babble(1, 1.0), babble(3, 2.0)]
    with NemoSalm(SalmOptions(model=model, python=python, at_once=2)) as recogniser:
        assert recogniser.at_once() == 2
        assert recogniser.several(sounds) == [recogniser(sound) for sound in sounds]


def test_utterances_go_to_the_other_interpreter_and_one_that_kills_it_costs_itself(tmp_path, model, python):
    waves = {
        "a-1": babble(1, 1.0),
        "a-2": np.full(8000, 0.99, np.float32) * np.cos(np.arange(8000)),
        "a-3": babble(3, 2.0),
    }
    wav = {key: str(write_sound(tmp_path / f"{key}.flac", wave)) for key, wave in waves.items()}
    wav["a-4"] = str(write_sound(tmp_path / "a-4.flac", babble(4, LONGEST + 1)))
    write_data_dir(tmp_path / "data", {"utt2spk": dict.fromkeys(wav, "a"), "wav.scp": wav})
    given = ["--backend", "nemo_salm", "--set", f"model={model},python={python}", "--max_fail", "0.6"]
    given += ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "asr")]
    assert [command.main(given) for command in (plan, compute, merge)] == [0, 0, 0]
    peaks = {key: round(100 * float(np.abs(waves[key]).max())) for key in ("a-1", "a-3")}
    assert (tmp_path / "asr" / "text").read_text() == f"a-1 16000 {peaks['a-1']}\na-3 32000 {peaks['a-3']}\n"
    rows = [line.split("\t") for line in (tmp_path / "asr" / "failures.tsv").read_text().splitlines()[1:]]
    assert [row[:2] for row in rows] == [["a-2", "worker_died"], ["a-4", "too_long"]]
    assert rows[0][2] == "the worker ended: exit status 9" and not (tmp_path / "asr" / "ctm").exists()


def test_the_conf_of_canary_qwen_is_read(tmp_path, model, python, capsys):
    write_data_dir(tmp_path / "data", {"utt2spk": {"a-1": "a"}, "wav.scp": {"a-1": "none.wav"}})
    given = ["--backend", "nemo_salm", "--conf", "conf/asr/canary_qwen.yaml", "--set", f"model={model},python={python}"]
    assert plan.main([*given, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "asr")]) == 1
    assert "1 of 1 utterances (100.00 %) fail" in capsys.readouterr().err.splitlines()[-1]


def test_a_check_says_where_nemo_is_missing(model, capsys):
    words = ["--backend", "nemo_salm", "--set"]
    assert check.main([*words, f"model={model},python={sys.executable}"]) == 1
    assert "ModuleNotFoundError: No module named 'nemo'" in capsys.readouterr().err.splitlines()[-1]
    assert check.main([*words, f"model={model}"]) == 1
    assert "nemo is not installed here; name an interpreter that has it" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, ""),
        ({"audio_locator_tag": None}, "audio_locator_tag: expected a name, found None"),
        ({"perception": {}}, "perception.preprocessor.sample_rate: expected 16000, found None"),
        ({"perception": {"preprocessor": {"sample_rate": 8000}}}, "expected 16000, found 8000"),
        (None, "no pretrained_llm, prompt_format, audio_locator_tag, perception"),
    ],
)
def test_the_configuration_is_read_before_any_job(tmp_path, change, answer):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({} if change is None else CONFIG | change))
    if not answer:
        assert read_salm_config(path, NemoSalm.sample_rate)["prompt_format"] == "qwen"
        return
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(InputError) as error:
        NemoSalm(SalmOptions(model=tmp_path, python=sys.executable)).require()
    assert answer in str(error.value) and str(path) in str(error.value)
