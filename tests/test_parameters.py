"""What an op says of its parameters is what its generated code has."""

from __future__ import annotations

from typing import Any

import pytest
from compiled import Compiled, compile_text, execute, network_class
from op_samples import SAMPLES, spec_of
from pytorch_files import pytorch_code

from specc.graph import Layer
from specc.ops.base import Op, ParameterSpec, Sample

PENALTY = """
train {
  data npz("a.npz")
  epochs 1
  batch 1
  optimizer sgd(0.1)
  penalty l2(0.1)
}
"""


def said(compiled: Compiled) -> dict[str, ParameterSpec]:
    """What the ops say, by the names of the parameters in the code."""
    return {
        f"{node.name}.{parameter.name}": parameter
        for node in compiled.shaped.function.nodes
        if isinstance(node, Layer)
        for parameter in node.op.parameters(node)
        if not parameter.is_buffer
    }


@pytest.mark.parametrize(("op", "sample"), SAMPLES, ids=lambda value: getattr(value, "call", ""))
def test_names_shapes_and_penalties_agree(op: Op, sample: Sample) -> None:
    text = spec_of(op, sample)
    compiled = compile_text(text)
    wanted = {
        name: (tuple(size.number for size in p.shape), p.is_penalised)
        for name, p in said(compiled).items()
    }
    named = compiled.net.named_parameters()
    written = {name: (p.public(p.value).shape, p.decay) for name, p in named.items()}
    assert written == wanted
    if wanted:
        assert in_pytorch(pytorch_code(text + PENALTY)) == wanted


def in_pytorch(code: str) -> dict[str, Any]:
    """The shape of each parameter of a PyTorch file, and whether the file penalises it."""
    module = execute(code)
    net = network_class(module)()
    weights = {id(weight) for weight in module.weights(net)}
    return {name: (tuple(p.shape), id(p) in weights) for name, p in net.named_parameters()}
