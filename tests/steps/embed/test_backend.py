"""Networks by name: their options, and what is said of wrong ones."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from steps.embed.backend import BACKENDS, Backend, load_backend
from utils.errors import InputError
from utils.options import option
from utils.registry import make_options


@dataclass(frozen=True)
class MeansOptions:
    checkpoint: Path = option()
    scale: float = option(1.0)


class Means(Backend):
    Options = MeansOptions
    name, dim = "means", 2

    def features(self, waveforms):
        return np.stack(waveforms)

    def forward(self, features):
        return self.options.scale * np.stack([features.mean(1), features.std(1)], 1).astype(np.float32)


OURS = f"{__name__}:Means"


def test_a_class_of_ones_own(tmp_path, monkeypatch):
    conf = tmp_path / "means.yaml"
    conf.write_text("checkpoint: a.pt\nscale: 3\n")
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("types").SimpleNamespace(Means=Means))
    backend = load_backend(OURS, conf, changes={"scale": "2"})
    assert backend.options == MeansOptions(Path("a.pt"), 2.0) and backend.files(backend.options) == [Path("a.pt")]
    np.testing.assert_array_equal(backend.embed([np.array([1, 3], np.float32)]), [[4, 2]])
    assert backend.embed([]).shape == (0, 2)


def test_wrong_names():
    with pytest.raises(InputError, match="'resemblizer' is no back-end; expected one of resemblyzer, eres2netv2"):
        BACKENDS.load("resemblizer")
    with pytest.raises(InputError, match="no.such.module"):
        BACKENDS.load("no.such.module:Class")
    with pytest.raises(InputError, match="has no attribute 'Nothing'"):
        BACKENDS.load("steps.features.mel:Nothing")


def test_wrong_options(tmp_path):
    with pytest.raises(InputError, match="means: checkpoint: no value"):
        make_options(Means.Options, where="means")
    with pytest.raises(InputError, match="scall: unknown option; valid ones are checkpoint, scale"):
        make_options(Means.Options, None, {"scall": "1"})
    conf = tmp_path / "means.yaml"
    conf.write_text("checkpoint: null\n")
    with pytest.raises(InputError, match="means.yaml: checkpoint"):
        make_options(Means.Options, conf)
