"""Padding of sequences: whose lengths a result has, and which layers take it for values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from compiled import Batch, Compiled, compile_text, freeze_masks

from specc.check import ShapedModel
from specc.diagnostics import CompileError, Diagnostics
from specc.graph import Layer, Tensor
from specc.invariants import BrokenInvariant, verify
from specc.ops.base import LossOp, Op, Sample
from specc.ops.registry import ops
from specc.pipeline import analyse
from specc.source import Source

CELL = """
cell pair(units) {
  input a, b
  state h: [units]
  from a, b, h -> concat -> dense(units) -> tanh as state h
}
block join { input a, b  from a, b -> add }
"""


def shape(flow: str, inputs: str = "") -> tuple[ShapedModel | None, list[str]]:
    """A net over two differently padded sequences, and what is said about it."""
    text = f"""{CELL}
net N {{
  input x: real[4, 3] padded, z: real[4, 3] padded, p: real[4, 3], l: label[4] of 3 padded
  {inputs}
  {flow}
}}
"""
    diagnostics = Diagnostics()
    try:
        (net,) = analyse(Source("test.net", text), diagnostics).values()
    except CompileError:
        net = None
    unused = ("E0405", "W0101", "W0102")
    return net, [f"{d.code} {d.message}" for d in diagnostics.found if d.code not in unused]


@pytest.mark.parametrize(
    "flow",
    [
        "from x, z -> add",
        "from p, x, z -> multiply",
        "from x, z -> concat -> gru(3)",
        "from x, z -> join",
        "from x, z -> scan pair(3)",
        "from x -> add { path { dense(3) } path { from z } }",
        "from x -> repeat 2 { dense(3) as a  from a, z -> add }",
        "from x -> loss mse(target=z)",
        "from x -> loss cross_entropy(target=l)",
        "from x -> loss mse(target=p, mask=z)",
    ],
)
def test_sequences_of_different_lengths_do_not_meet(flow: str) -> None:
    _, said = shape(flow)
    assert [line[:5] for line in said] == ["E0309"], said
    assert "needs sequences of the same lengths, gets those of `" in said[0]


@pytest.mark.parametrize(
    ("flow", "code", "words"),
    [
        ("from p -> gru(3, initial=s)", "E0322", "gets a padded sequence"),
        ("from x -> gru(3, initial=s)", "E0322", "gets a padded sequence"),
        ("from p -> dense(3) -> loss mse(target=t)", "E0212", "`padded` is for inputs"),
    ],
)
def test_what_cannot_be_padded(flow: str, code: str, words: str) -> None:
    declared = "target t: real[4, 3] padded" if "target=t" in flow else "input s: real[1, 3] padded"
    _, said = shape(flow, declared)
    assert [line[:5] for line in said] == [code], said
    assert words in said[0]


