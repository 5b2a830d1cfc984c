"""`maxpool`: the largest pixel of each window."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.pooling import Pool


class MaxPool(Pool):
    """Maximum of each window, channel by channel; the padding never wins (it counts as −∞).

    Output size: floor((size + 2·pad − kernel) / stride) + 1. The gradient goes to the place of
    the maximum, the first of the window if several are equal.
    """

    name = "maxpool"
    prefix = "Max"
    sources = "notes (pooling); book, chapter 4"
    samples = (
        Sample("maxpool(2)", (3, 8, 8)),
        Sample("maxpool(2)", (2, 7, 5)),
        Sample("maxpool(3, stride=2)", (3, 7, 8)),
        Sample("maxpool(3, stride=2, pad=1)", (2, 8, 7)),
        Sample("maxpool(3, stride=1, pad=1)", (2, 5, 6)),
        Sample("maxpool(2, stride=3)", (2, 8, 7)),
        Sample("maxpool([3, 2], stride=[2, 1], pad=[1, 0])", (2, 6, 5)),
    )

    def pytorch(self, layer: Layer) -> str:
        """`F.max_pool2d`."""
        return f"F.max_pool2d(x, {self.in_pytorch(layer)})"
