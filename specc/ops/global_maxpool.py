"""`global_maxpool`: the largest pixel of each channel."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, LayerOp, Sample, Site
from specc.ops.rules import require_image
from specc.types import TensorType


class GlobalMaxPool(LayerOp):
    """Maximum of each channel of an image: [channels, height, width] → [channels].

    The gradient goes to the place of the maximum, the first if several are equal.
    """

    name = "global_maxpool"
    family = "pooling"
    sources = "Lin et al. 2014 (network in network)"
    samples = (
        Sample("global_maxpool", (3, 5, 4)),
        Sample("global_maxpool", (2, 1, 1)),
    )

    def infer(self, site: Site) -> TensorType:
        """[channels, H, W] → [channels]."""
        require_image(site)
        return site.input.with_shape(site.input.features)

    def construct(self, layer: Layer) -> Construction:
        """`GlobalMaxPool2d()`."""
        return Construction("GlobalMaxPool2d")

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """Pooling to a single pixel: unlike `amax` it hands the gradient to one place only."""
        return f"F.adaptive_max_pool2d({inputs[0]}, 1).flatten(1)"

    def pytorch(self, layer: Layer) -> str:
        """The largest over height and width."""
        return "x.flatten(2).max(2).values"
