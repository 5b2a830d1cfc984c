"""`relu`: the positive part."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import FunctionOp, Sample


class ReLU(FunctionOp):
    """Rectifier: y = max(0, x). dx = dy where y > 0."""

    name = "relu"
    torch_function = "F.relu"
    sources = "Nair and Hinton 2010; book, chapter 3"
    backward_needs = "output"
    keeps_output = True
    samples = (Sample("relu", (6,)), Sample("relu", (4, 3)), Sample("relu", (3, 4, 2)))

    def pytorch(self, layer: Layer) -> str:
        """`torch.relu`."""
        return "torch.relu(x)"
