"""`smooth_l1`: squared near zero, absolute beyond."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.losses import ElementLoss


class SmoothL1(ElementLoss):
    """Mean over all numbers of d² / 2 where |d| < 1, else |d| − 1/2, with d = y − t.

    dy = max(−1, min(1, d)) / count.
    """

    name = "smooth_l1"
    kernel_name = "SmoothL1"
    sources = "Girshick 2015"
    samples = (
        Sample("smooth_l1", (4,), target="real[4]"),
        Sample("smooth_l1(scale=0.5)", (3, 2), target="real[3, 2]"),
        Sample("smooth_l1", (2, 3, 4), target="real[2, 3, 4]"),
    )

    def pytorch(self, layer: Layer) -> str:
        """`F.smooth_l1_loss`."""
        return f"{layer['scale'].plain} * F.smooth_l1_loss(x, target)"
