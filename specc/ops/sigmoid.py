"""`sigmoid`: the logistic function."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import FunctionOp, Sample


class Sigmoid(FunctionOp):
    """Logistic function: y = 1 / (1 + exp(−x)). dx = dy · y · (1 − y)."""

    name = "sigmoid"
    torch_function = "torch.sigmoid"
    sources = "slides (output units); book, chapter 7"
    backward_needs = "output"
    keeps_output = True
    samples = (Sample("sigmoid", (6,)), Sample("sigmoid", (4, 3)), Sample("sigmoid", (3, 4, 2)))

    def pytorch(self, layer: Layer) -> str:
        """`torch.sigmoid`."""
        return "torch.sigmoid(x)"
