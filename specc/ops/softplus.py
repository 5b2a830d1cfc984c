"""`softplus`: a smooth rectifier."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import FunctionOp, Sample


class Softplus(FunctionOp):
    """Smooth rectifier: y = ln(1 + exp(x)). dx = dy · sigmoid(x) = dy · (1 − exp(−y))."""

    name = "softplus"
    torch_function = "F.softplus"
    sources = "slides (hidden units); Dugas et al. 2001"
    backward_needs = "output"
    keeps_output = True
    samples = (Sample("softplus", (6,)), Sample("softplus", (4, 3)), Sample("softplus", (3, 4, 2)))

    def pytorch(self, layer: Layer) -> str:
        """`F.softplus`."""
        return "F.softplus(x)"
