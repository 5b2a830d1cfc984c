"""`hardtanh`: a line that is cut off at −1 and 1."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import FunctionOp, Sample


class HardTanh(FunctionOp):
    """Clipped line: y = max(−1, min(1, x)). dx = dy where −1 < x < 1."""

    name = "hardtanh"
    torch_function = "F.hardtanh"
    sources = "slides (hidden units); Collobert 2004"
    backward_needs = "output"
    keeps_output = True
    samples = (Sample("hardtanh", (6,)), Sample("hardtanh", (4, 3)), Sample("hardtanh", (3, 4, 2)))

    def pytorch(self, layer: Layer) -> str:
        """`F.hardtanh`."""
        return "F.hardtanh(x)"
