"""No class of a spec takes the name of a class that its file needs."""

from __future__ import annotations

import re

import pytest
from compiled import compile_text
from test_gradients import SAMPLES, spec_of

from specc.rendering import kernel_classes

RUNTIME = ("Adam", "InputError", "Module", "Momentum", "Network", "Parameter", "Path", "SGD")


@pytest.mark.parametrize("index", range(len(SAMPLES)))
def test_every_class_of_a_kernel_is_known(index: int) -> None:
    text = compile_text(spec_of(*SAMPLES[index])).text
    before_the_net = text.split(" The network\n")[0]
    assert set(re.findall(r"^class (\w+)", before_the_net, re.MULTILINE)) <= kernel_classes("numpy")


@pytest.mark.parametrize("name", ["MeanSquaredError", "MaskedL1", *RUNTIME])
def test_a_net_may_be_called_like_a_kernel(name: str) -> None:
    spec = f"net {name} {{ input x: real[2]\n target t: real[2]\n dense(2)\n loss mse }}\n"
    defined = re.findall(r"^class (\w+)", compile_text(spec).text, re.MULTILINE)
    assert f"{name}_net" in defined
    assert len(set(defined)) == len(defined)
