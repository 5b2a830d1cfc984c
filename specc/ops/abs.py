"""`abs`: the absolute value."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import FunctionOp, Sample


class Abs(FunctionOp):
    """Absolute value: y = |x|, max(0, x) + α min(0, x) with α = −1. dx = dy · sign(x)."""

    name = "abs"
    torch_function = "torch.abs"
    sources = "slides (hidden units); Jarrett et al. 2009"
    backward_needs = "input"
    keeps_input = True
    samples = (Sample("abs", (6,)), Sample("abs", (4, 3)), Sample("abs", (3, 4, 2)))

    @property
    def function_name(self) -> str:
        """`abs` is a function of Python already."""
        return "absolute"

    def pytorch(self, layer: Layer) -> str:
        """`torch.abs`."""
        return "torch.abs(x)"
