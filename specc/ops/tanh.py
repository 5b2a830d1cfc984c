"""`tanh`: the hyperbolic tangent."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import FunctionOp, Sample


class Tanh(FunctionOp):
    """Hyperbolic tangent: y = tanh(x). dx = dy · (1 − y²)."""

    name = "tanh"
    torch_function = "torch.tanh"
    sources = "book, chapter 7"
    backward_needs = "output"
    keeps_output = True
    samples = (Sample("tanh", (6,)), Sample("tanh", (4, 3)), Sample("tanh", (3, 4, 2)))

    def pytorch(self, layer: Layer) -> str:
        """`torch.tanh`."""
        return "torch.tanh(x)"
