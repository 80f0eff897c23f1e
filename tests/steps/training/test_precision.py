"""Precision: what auto stands for, and that a GPU rounds products as it says and is left as it was."""

import pytest
import torch

from steps.training.precision import autocast, products_in, resolve

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_auto_is_that_of_the_device():
    assert (resolve("auto", CPU), resolve("auto", GPU), resolve("bf16", GPU)) == ("fp32", "tf32", "bf16")


def test_a_processor_rounds_nothing_but_what_bf16_asks_for():
    x = torch.randn(40, 40)
    for precision in ("fp32", "tf32"):
        with products_in(precision, CPU), autocast(precision, CPU):
            assert torch.equal(x @ x, torch.mm(x, x)) and (x @ x).dtype == torch.float32
    with autocast("bf16", CPU):
        assert (x @ x).dtype == torch.bfloat16


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_rounds_products_as_far_as_it_is_told():
    x = torch.randn(500, 500, device=GPU)
    exact, before = x.double() @ x.double(), torch.get_float32_matmul_precision()
    errors = {}
    for precision in ("fp32", "tf32"):
        with products_in(precision, GPU):
            errors[precision] = float((x @ x - exact).abs().max())
    assert errors["fp32"] < 1e-3 and torch.get_float32_matmul_precision() == before
    if torch.cuda.get_device_capability() >= (8, 0):
        assert errors["fp32"] * 10 < errors["tf32"] < 1
