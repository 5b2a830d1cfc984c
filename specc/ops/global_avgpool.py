"""`global_avgpool`: the mean of each channel."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, LayerOp, Sample, Site
from specc.ops.rules import require_image
from specc.types import TensorType


class GlobalAvgPool(LayerOp):
    """Mean of each channel of an image: [channels, height, width] → [channels].

    The gradient goes to all pixels evenly.
    """

    name = "global_avgpool"
    family = "pooling"
    sources = "Lin et al. 2014 (network in network)"
    samples = (
        Sample("global_avgpool", (3, 5, 4)),
        Sample("global_avgpool", (2, 1, 1)),
    )

    def infer(self, site: Site) -> TensorType:
        """[channels, H, W] → [channels]."""
        require_image(site)
        return site.input.with_shape(site.input.features)

    def construct(self, layer: Layer) -> Construction:
        """`GlobalAvgPool2d()`."""
        return Construction("GlobalAvgPool2d")

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """The mean over height and width."""
        return f"{inputs[0]}.mean((2, 3))"

    def pytorch(self, layer: Layer) -> str:
        """The mean over height and width."""
        return "x.mean((2, 3))"
