"""Whisper in its file formats: equal texts after the round trip, in this process and in another; strict loading."""

import json
import sys
from pathlib import Path

import pytest

from steps.asr import check, compute, merge, plan
from steps.asr.engines.whisper import values_of, waveforms_in
from steps.asr.faster_whisper import FasterWhisper, FasterWhisperOptions
from steps.asr.whisper import Whisper, WhisperOptions
from tests.steps.asr.small_whisper import write_whisper
from tests.steps.audio.sounds import babble, write_sound
from utils.data_dir import write_data_dir

SOUNDS = [babble(seed, seconds) for seed, seconds in ((0, 2.5), (1, 1.0), (2, 4.0))]
MOST = 20  # tokens


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Path:
    """A model that knows several languages."""
    return write_whisper(tmp_path_factory.mktemp("several"))


@pytest.fixture(scope="module")
def english(tmp_path_factory) -> Path:
    """A model that knows English alone."""
    return write_whisper(tmp_path_factory.mktemp("english"), multilingual=False)


def by_hand(directory: Path, marks: tuple[str, ...], n: int) -> list[str]:
    """What the network says of the sounds, the likeliest word each time, without transformers' own search."""
    import torch
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

    model = WhisperForConditionalGeneration.from_pretrained(directory).eval()
    tokenizer = WhisperTokenizer.from_pretrained(directory)
    extract, texts = WhisperFeatureExtractor.from_pretrained(directory), []
    for sound in SOUNDS:
        features = extract(sound, sampling_rate=16000, return_tensors="pt").input_features
        ids = tokenizer.convert_tokens_to_ids(list(marks))
        end, n_marks = model.config.eos_token_id, len(ids)
        for step in range(n):
            with torch.inference_mode():
                scores = model(features, decoder_input_ids=torch.tensor([ids])).logits[0, -1]
                scores[[*model.generation_config.suppress_tokens, *([] if step else [end])]] = -torch.inf
            ids.append(int(scores.argmax()))
            if ids[-1] == end:
                break
        texts.append(tokenizer.decode(ids[n_marks:], skip_special_tokens=True))
    return texts


def test_texts_are_those_of_the_network_and_of_the_language_asked_for(several):
    said = {}
    for language in ("en", "es"):
        recogniser = Whisper(WhisperOptions(model=several, language=language, most_tokens=MOST))
        marks = ("<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>")
        said[language] = [recogniser(sound).text for sound in SOUNDS]
        printed = [
            " ".join("".join(c if c.isprintable() else " " for c in text).split())
            for text in by_hand(several, marks, MOST)
        ]
        assert said[language] == printed
    assert said["en"] != said["es"] and len(set(said["en"])) > 1


def test_another_interpreter_says_the_same(several):
    own = WhisperOptions(model=several, most_tokens=MOST)
    there = WhisperOptions(model=several, most_tokens=MOST, python=sys.executable)
    with Whisper(own) as here, Whisper(there) as other:
        assert [other(sound) for sound in SOUNDS] == [here(sound) for sound in SOUNDS]
        assert other.facts["transformers"] == here.facts["transformers"]


def test_several_at_once_say_what_each_says_alone(several):
    recogniser = Whisper(WhisperOptions(model=several, most_tokens=MOST))
    alone = [recogniser(sound) for sound in SOUNDS]
    assert recogniser.at_once() == 1 and recogniser.facts["device"] == "cpu" and recogniser.several(SOUNDS) == alone
    assert Whisper(WhisperOptions(model=several, at_once=3)).at_once() == 3


def test_a_gpu_takes_many_at_once(several):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    here = Whisper(WhisperOptions(model=several, device="cpu", most_tokens=2))
    there = Whisper(WhisperOptions(model=several, most_tokens=2))
    assert there.at_once() > 1 and there.facts["device"] == "cuda"
    assert there.several(SOUNDS) == [here(sound) for sound in SOUNDS]


@pytest.mark.parametrize(
    ("sizes", "gib", "beams", "expected"),
    [
        ((1280, 5120, 32, 1500, 128), 80, 1, 126),  # large-v3 in float16
        ((1280, 5120, 32, 1500, 128), 80, 5, 29),
        ((768, 3072, 12, 1500, 80), 8, 1, 42),  # small
        ((1280, 5120, 32, 1500, 128), 0.1, 1, 1),
        ((384, 1536, 4, 1500, 80), 80, 1, 256),  # tiny
    ],
)
def test_a_batch_follows_the_memory(sizes, gib, beams, expected):
    assert waveforms_in(int(gib * 2**30), 2 * values_of(*sizes, beams, 200)) == expected


def test_transcripts_are_the_same_in_batches(several, tmp_path):
    wav = {f"a-{i}": str(write_sound(tmp_path / f"{i}.wav", sound)) for i, sound in enumerate(SOUNDS)}
    write_data_dir(tmp_path / "data", {"utt2spk": dict.fromkeys(wav, "a"), "wav.scp": wav})
    for at_once in ("1", "2"):
        given = ["--backend", "whisper", "--set", f"model={several},most_tokens=5,at_once={at_once}"]
        given += ["--data", str(tmp_path / "data"), "--out", str(tmp_path / at_once)]
        assert [command.main(given) for command in (plan, compute, merge)] == [0, 0, 0]
    for name in ("text", "asr.json", "utt2recogniser"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_converted_models_say_the_same(english, tmp_path):
    reason = "faster-whisper is not installed: 250 MB, so no extra has it (steps/asr/README.md)"
    pytest.importorskip("faster_whisper", reason=reason)
    from ctranslate2.converters import TransformersConverter

    copied = ["tokenizer.json", "preprocessor_config.json"]
    TransformersConverter(str(english), copy_files=copied).convert(str(tmp_path / "ct2"))
    own = Whisper(WhisperOptions(model=english, most_tokens=MOST))
    options = {"model": tmp_path / "ct2", "most_tokens": MOST}
    here = FasterWhisper(FasterWhisperOptions(**options))
    here.require()
    expected = [own(sound).text for sound in SOUNDS]
    assert [here(sound).text for sound in SOUNDS] == expected and len(set(expected)) > 1
    assert [one.text for one in here.several(SOUNDS)] == expected and here.at_once() == 1
    with FasterWhisper(FasterWhisperOptions(**options, python=sys.executable)) as there:
        assert [there(sound).text for sound in SOUNDS] == expected
    timed = FasterWhisper(FasterWhisperOptions(**options, word_times=True))(SOUNDS[0])
    assert all(0 <= word.begin <= word.end <= 30 and 0 <= word.confidence <= 1 for word in timed.words)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("missing", "missing keys: model.decoder.layer_norm.weight"),
        ("surplus", "unexpected keys: model.decoder.layer_norm.surplus"),
        ("shape", "mismatched keys: ('model.decoder.layer_norm.weight', torch.Size([15]), torch.Size([16]))"),
        ("torn", "model.safetensors"),
    ],
)
def test_weights_that_are_not_the_models_are_named(several, tmp_path, capsys, change, answer):
    from safetensors.torch import load_file, save_file

    for file in several.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    name = "model.decoder.layer_norm.weight"
    if change == "missing":
        del weights[name]
    elif change == "surplus":
        weights["model.decoder.layer_norm.surplus"] = weights[name].clone()
    else:
        weights[name] = weights[name][:-1].clone()
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    if change == "torn":
        (tmp_path / "model.safetensors").write_bytes((several / "model.safetensors").read_bytes()[:-100])
    assert check.main(["--backend", "whisper", "--set", f"model={tmp_path},most_tokens=2"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("steps.asr.check: ERROR: ") and answer in error


def test_model_directories_are_looked_at_before_any_work(tmp_path, capsys, several):
    def asked(backend: str, model: Path, *more: str) -> str:
        assert check.main(["--backend", backend, "--set", ",".join([f"model={model}", *more])]) == 1
        return capsys.readouterr().err.splitlines()[-1]

    assert "no such directory; expected the directory of a model" in asked("whisper", tmp_path / "none")
    assert "no config.json; is this a model of whisper?" in asked("whisper", tmp_path)
    assert "device 'gpu': expected auto, cpu, cuda or cuda:1" in asked("whisper", several, "device=gpu")
    assert "nemo" in asked("nemo_salm", several) and "model.bin" in asked(
        "faster_whisper", several, f"python={sys.executable}"
    )
    assert check.main(["--backend", "whisper"]) == 1 and "model: no value" in capsys.readouterr().err


def test_audio_beyond_the_window_is_refused_by_its_header(tmp_path, several, capsys):
    wav = {"a-1": str(write_sound(tmp_path / "1.wav", babble(1, 31.0)))}
    write_data_dir(tmp_path / "data", {"utt2spk": {"a-1": "a"}, "wav.scp": wav})
    given = ["--backend", "whisper", "--set", f"model={several}", "--data", str(tmp_path / "data")]
    assert plan.main([*given, "--out", str(tmp_path / "asr")]) == 1
    assert "1 of 1 utterances (100.00 %) fail: 1 too_long" in capsys.readouterr().err
    assert "31.00 s, the recogniser takes 30" in (tmp_path / "asr.failures.tsv").read_text()
    assert json.loads((several / "config.json").read_text())["max_source_positions"] == 1500
