"""lhotse: import of data directories."""

import shutil
from pathlib import Path

from lhotse.kaldi import load_kaldi_data_dir
from probing import Probe, table

probe = Probe()


def supervisions(directory):
    """Utterance -> speaker of an import."""
    _, found, _ = load_kaldi_data_dir(directory, sampling_rate=16000)
    return ((one.id, one.speaker) for one in found)


audio = probe.directories["data/audio"]
expected = table(f"{audio}/utt2spk")
probe.count("data/audio: load_kaldi_data_dir", expected, lambda: supervisions(audio))
copy = Path(probe.setting["out"]) / "with text"
shutil.rmtree(copy, ignore_errors=True)
shutil.copytree(audio, copy)
(copy / "text").write_text("".join(f"{key}\n" for key in expected), encoding="utf-8")
probe.count("data/audio with a `text` of empty lines", expected, lambda: supervisions(copy))
samples = probe.directories["samples/groups"]
probe.count("samples/groups: load_kaldi_data_dir", table(f"{samples}/utt2spk"), lambda: supervisions(samples))
