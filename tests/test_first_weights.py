"""The numbers that tables of vectors and recurrent layers begin with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compiled import compile_text
from pytorch_files import numbers, pytorch_code, pytorch_net
from recurrent_forms import STATES


def drawn(text: str, target: str) -> dict[str, Any]:
    """The numbers of a fresh network, by name."""
    if target == "numpy":
        compiled = compile_text(text)
        return compiled.numbers() | {n: a.copy() for n, a in compiled.net.buffers().items()}
    return {name: numbers(x) for name, x in pytorch_net(pytorch_code(text)).state_dict().items()}


def net_with(flow: str, *settings: str) -> str:
    made = f"train {{\n{chr(10).join(settings)}\n}}\n" if settings else ""
    inputs, targets = "words: token[4] of 200", "t: real[4, 64]"
    return f"net N {{\ninput {inputs}\ntarget {targets}\n{flow}\nloss mse\n}}\n{made}"


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
@pytest.mark.parametrize("frozen", ["false", "true"])
def test_vectors_of_tokens_begin_as_in_pytorch(target: str, frozen: str) -> None:
    found = drawn(net_with(f"embedding(200, 64, frozen={frozen})"), target)["embedding1.weight"]
    assert abs(found.mean()) < 0.05
    assert abs(found.std() - 1) < 0.05
    again = drawn(net_with(f"embedding(200, 64, frozen={frozen})"), target)["embedding1.weight"]
    assert np.array_equal(found, again)


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
@pytest.mark.parametrize("op", STATES)
def test_recurrent_weights_begin_as_in_pytorch(target: str, op: str) -> None:
    """U(±1/√units), all of them."""
    found = drawn(net_with(f"embedding(200, 9) -> {op}(64)"), target)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        array = found[f"{op}1.{name}_l0"]
        assert 0.9 / 8 < np.abs(array).max() <= 1 / 8, name
        assert abs(array.std() - 1 / 8 / 3**0.5) < 0.02, name


@pytest.mark.parametrize("target", ["numpy", "pytorch"])
@pytest.mark.parametrize("op", STATES)
def test_recurrent_weights_begin_as_the_spec_says(target: str, op: str) -> None:
    """With `init xavier`: the bound counts what comes in and what goes out; biases are zero."""
    settings = ('data npz("a.npz")', "optimizer sgd(0.1)", "epochs 1", "batch 2", "init xavier")
    found = drawn(net_with(f"embedding(200, 32) -> {op}(64)", *settings), target)
    for name in ("embedding1.weight", f"{op}1.weight_ih_l0", f"{op}1.weight_hh_l0"):
        bound = (6 / sum(found[name].shape)) ** 0.5
        assert 0.95 * bound < np.abs(found[name]).max() <= bound, name
    assert not found[f"{op}1.bias_ih_l0"].any()
    assert not found[f"{op}1.bias_hh_l0"].any()
