"""`global_avgpool`: the mean of each channel, or of each feature over time."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.pooling import GlobalPool


class GlobalAvgPool(GlobalPool):
    """Mean of each channel of an image, or of each feature of a sequence over time.

    Steps that are padding do not count. The gradient goes evenly to all that do.
    """

    name = "global_avgpool"
    prefix = "Avg"
    function = "mean_over_time"
    sources = "Lin et al. 2014 (network in network)"
    samples = (
        Sample("global_avgpool", (3, 5, 4)),
        Sample("global_avgpool", (2, 1, 1)),
        Sample("global_avgpool", (4, 3)),
        Sample("global_avgpool", "real[4, 2] padded"),
    )

    def over_pixels(self, x: str) -> str:
        """The mean over height and width."""
        return f"{x}.mean((2, 3))"

    def over_time(self, x: str) -> str:
        """The mean over time."""
        return f"{x}.mean(1)"

    def pytorch(self, layer: Layer) -> str:
        """The mean over height and width, or over time."""
        if layer.is_padded:
            return "torch.stack([s[:n].mean(0) for s, n in zip(x, lengths)])"
        return "x.mean((2, 3))" if layer.input.is_image else "x.mean(1)"
