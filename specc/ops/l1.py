"""`l1`: the mean absolute error."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.losses import ElementLoss


class L1(ElementLoss):
    """Mean of |y − t| over all numbers. dy = sign(y − t) / count."""

    name = "l1"
    torch_function = "F.l1_loss"
    kernel_name = "L1"
    sources = "cheat sheet"
    samples = (
        Sample("l1", (4,), target="real[4]"),
        Sample("l1(scale=0.5)", (3, 2), target="real[3, 2]"),
        Sample("l1", (2, 3, 4), target="real[2, 3, 4]"),
        Sample("l1(mask=m)", (4,), (4,), target="real[4]"),
    )

    def pytorch(self, layer: Layer) -> str:
        """`F.l1_loss`."""
        return self.in_pytorch(layer, "l1_loss")
