"""`softmax`: numbers as probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import FunctionOp, Sample


class Softmax(FunctionOp):
    """Probabilities over the features of a vector or of each step, or the channels of each pixel.

    y_i = exp(x_i − max x) / Σ_j exp(x_j − max x). dx = y · (dy − Σ_j dy_j y_j).
    Losses work on logits and have it built in: `cross_entropy` needs no `softmax` before it.
    """

    name = "softmax"
    sources = "book, chapter 2; slides (output units)"
    backward_needs = "output"
    keeps_output = True
    samples = (Sample("softmax", (6,)), Sample("softmax", (4, 3)), Sample("softmax", (3, 4, 2)))

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`torch.softmax` over the features or channels."""
        return f"torch.softmax({inputs[0]}, dim={-1 if layer.input.rank == 2 else 1})"

    def pytorch(self, layer: Layer) -> str:
        """`torch.softmax`."""
        return f"torch.softmax(x, {-1 if layer.input.rank == 2 else 1})"
