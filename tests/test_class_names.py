"""Classes of a spec: names that no class of the file has, and docstrings that say where from."""

from __future__ import annotations

import re

import pytest
from compiled import compile_text
from op_samples import SAMPLES, spec_of

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


VARIANTS = """
block body(units) {
  dense(units) -> relu
  if in.features == units { if units > 2 { dense(units) -> tanh } }
}
net N {
  input x: real[3]
  target t: real[2]
  body(4)
  repeat 2 { body(4) }
  body(2)
  dense(2)
  loss mse
}
"""


def test_a_variant_tells_its_condition_and_instances() -> None:
    """A condition that only one variant comes to is no difference between them."""
    module = compile_text(VARIANTS).module
    first, second = module.Body.__doc__, module.Body2.__doc__
    where = "`body` (test.net:2)."
    assert first.split() == f"{where} Where not `in.features == units`: `body1`, `body2`.".split()
    assert (
        second.split() == f"{where} Where `in.features == units`: `repeat1.0`, `repeat1.1`.".split()
    )
