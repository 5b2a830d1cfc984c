"""What an op says of its parameters is what its generated code has."""

from __future__ import annotations

import pytest
from compiled import compile_text
from test_gradients import SAMPLES, spec_of

from specc.graph import Layer
from specc.ops.base import Op, Sample


@pytest.mark.parametrize(("op", "sample"), SAMPLES, ids=lambda value: getattr(value, "call", ""))
def test_names_shapes_and_penalties_agree(op: Op, sample: Sample) -> None:
    compiled = compile_text(spec_of(op, sample))
    said = {
        f"{node.name}.{p.name}": (tuple(s.number for s in p.shape), p.is_penalised)
        for node in compiled.shaped.function.nodes
        if isinstance(node, Layer)
        for p in node.op.parameters(node)
        if not p.is_buffer
    }
    named = compiled.net.named_parameters()
    written = {name: (p.public(p.value).shape, p.decay) for name, p in named.items()}
    assert written == said
