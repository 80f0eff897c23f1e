"""LSTMs that others have trained: equal logits, or an error that names what does not fit."""

import numpy as np
import pytest
import torch
from torch import nn

from steps.unit_lm import import_lstm, sample
from steps.unit_lm.lm_files import load_network

UNITS, SOS, PAD = 2000, 2000, 2001


class Original(nn.Module):
    """Embedding, LSTM, linear, over the units and what follows them."""

    def __init__(self, n_symbols: int):
        super().__init__()
        self.embedding = nn.Embedding(n_symbols, 6)
        self.lstm = nn.LSTM(6, 5, 2, batch_first=True)
        self.linear = nn.Linear(5, n_symbols)

    def forward(self, symbols):
        return self.linear(self.lstm(self.embedding(symbols))[0])


def tensors(n_symbols: int = UNITS + 2) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return Original(n_symbols).state_dict()


def run(path, out, *words: str, n_units: int = UNITS) -> int:
    fixed = ["--checkpoint", str(path), "--n_units", str(n_units), "--units_model", "mhubert-km2000", "--out", str(out)]
    return import_lstm.main([*fixed, *words])


@pytest.mark.parametrize(("words", "ends"), [(["--pad", "2001"], False), (["--eos", "2001"], True)])
def test_logits_are_those_of_the_original(tmp_path, words, ends):
    training = {"epoch": 3, "optimizer_state_dict": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": []}}
    torch.save({"model_state_dict": tensors(), **training}, tmp_path / "lstm_r1e-05")
    assert run(tmp_path / "lstm_r1e-05", tmp_path / "out", *words) == 0
    network, description = load_network(tmp_path / "out")
    original = Original(UNITS + 2)
    original.load_state_dict(tensors())
    assert description.vocabulary.bos == SOS
    symbols = torch.tensor([[SOS, 5, 1999, 0]])
    torch.testing.assert_close(network(symbols), original(symbols)[..., [*range(UNITS), *[2001] * ends]])


def test_a_model_without_end_is_sampled_to_its_length(tmp_path):
    torch.save(tensors(), tmp_path / "lstm_r1.pt")
    assert run(tmp_path / "lstm_r1.pt", tmp_path / "model", "--pad", "2001") == 0
    words = ["--model", str(tmp_path / "model"), "--out", str(tmp_path / "out"), "--n", "2", "--max_units", "7"]
    assert sample.main(words) == 0
    assert (tmp_path / "out" / "utt2num_units").read_text() == "sample-000001 7\nsample-000002 7\n"
    assert not (tmp_path / "out" / "durations.scp").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"linear.bias": None}, "1 missing (linear.bias)"),
        ({"lstm.weight_ih_l1": None}, "1 missing (lstm.weight_ih_l1)"),
        ({"embedding.weight": None}, "no tensor embedding.weight"),
        ({"attention.weight": torch.zeros(2, 2)}, "1 unexpected (attention.weight)"),
        ({"lstm.weight_ih_l0_reverse": torch.zeros(20, 6)}, "lstm.weight_ih_l0_reverse"),
        ({"linear.weight": torch.zeros(2002, 7)}, "linear.weight (2002, 7) instead of (2002, 5)"),
        ({"linear.bias": torch.full((2002,), np.nan)}, "not finite (linear.bias)"),
    ],
    ids=["bias", "layer", "embedding", "surplus", "both ways", "shape", "nan"],
)
def test_what_does_not_fit_is_named(tmp_path, capsys, change, said):
    content = {name: value for name, value in (tensors() | change).items() if value is not None}
    torch.save(content, tmp_path / "lstm_r1.pt")
    assert run(tmp_path / "lstm_r1.pt", tmp_path / "out", "--pad", "2001") == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert said in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words", [[], ["--pad", "2001", "--eos", "2001"], ["--pad", "2002"], ["--bos", "1999"]], ids=str
)
def test_every_symbol_beside_units_is_to_be_named(tmp_path, capsys, words):
    torch.save(tensors(), tmp_path / "lstm_r1.pt")
    assert run(tmp_path / "lstm_r1.pt", tmp_path / "out", *words) == 1
    assert "[2000, 2001]" in capsys.readouterr().err


def test_many_symbols_beside_units_are_said_shortly(tmp_path, capsys):
    torch.save(tensors(), tmp_path / "lstm_r1.pt")
    assert run(tmp_path / "lstm_r1.pt", tmp_path / "out", n_units=500) == 1
    assert "the others, 500 to 2001," in capsys.readouterr().err


def test_modules_of_other_names(tmp_path):
    names = {"embedding": "embed", "lstm": "rnn", "linear": "fc"}
    content = {f"net.{names[name.partition('.')[0]]}.{name.partition('.')[2]}": v for name, v in tensors(7).items()}
    torch.save({"state": content}, tmp_path / "lstm_r2.pt")
    assert run(tmp_path / "lstm_r2.pt", tmp_path / "out", "--eos", "6", "--names", "embed,rnn,fc", n_units=5) == 0
    network, _ = load_network(tmp_path / "out")
    torch.testing.assert_close(network.linear.weight.data, tensors(7)["linear.weight"][[0, 1, 2, 3, 4, 6]])
