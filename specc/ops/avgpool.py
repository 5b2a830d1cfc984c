"""`avgpool`: the mean of each window."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.pooling import Pool


class AvgPool(Pool):
    """Mean of each window, channel by channel; the padding counts as zeros, as in PyTorch.

    Output size: floor((size + 2·pad − kernel) / stride) + 1. The gradient is spread evenly over
    the window.
    """

    name = "avgpool"
    prefix = "Avg"
    sources = "notes (pooling); book, chapter 4"
    samples = (
        Sample("avgpool(2)", (3, 8, 8)),
        Sample("avgpool(2)", (2, 7, 5)),
        Sample("avgpool(3, stride=2)", (3, 7, 8)),
        Sample("avgpool(3, stride=2, pad=1)", (2, 8, 7)),
        Sample("avgpool(3, stride=1, pad=1)", (2, 5, 6)),
        Sample("avgpool(2, stride=3)", (2, 8, 7)),
        Sample("avgpool([3, 2], stride=[2, 1], pad=[1, 0])", (2, 6, 5)),
    )

    def pytorch(self, layer: Layer) -> str:
        """`F.avg_pool2d`."""
        return f"F.avg_pool2d(x, {self.in_pytorch(layer)})"
