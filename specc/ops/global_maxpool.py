"""`global_maxpool`: the largest pixel of each channel, the largest step of each feature."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.pooling import GlobalPool


class GlobalMaxPool(GlobalPool):
    """Maximum of each channel of an image, or of each feature of a sequence over time.

    Steps that are padding do not count. The gradient goes to the place of the maximum, the first
    if several are equal.
    """

    name = "global_maxpool"
    prefix = "Max"
    function = "max_over_time"
    sources = "Lin et al. 2014 (network in network); Kim 2014 (over time)"
    samples = (
        Sample("global_maxpool", (3, 5, 4)),
        Sample("global_maxpool", (2, 1, 1)),
        Sample("global_maxpool", (4, 3)),
        Sample("global_maxpool", "real[4, 2] padded"),
    )

    def over_pixels(self, x: str) -> str:
        """Pooling to a single pixel: unlike `amax` it hands the gradient to one place only."""
        return f"F.adaptive_max_pool2d({x}, 1).flatten(1)"

    def over_time(self, x: str) -> str:
        """`max(1)`, for the same reason."""
        return f"{x}.max(1).values"

    def pytorch(self, layer: Layer) -> str:
        """The largest over height and width, or over time."""
        if layer.is_padded:
            return "torch.stack([s[:n].max(0).values for s, n in zip(x, lengths)])"
        return "x.flatten(2).max(2).values" if layer.input.is_image else "x.max(1).values"
