"""`flatten`: all numbers of an example as features."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, ExpressionOp, LayerOp, Sample
from specc.ops.rules import product, warn_padded
from specc.ops.site import Site
from specc.types import TensorType


class Flatten(ExpressionOp, LayerOp):
    """All numbers of an example as features, in the order of the public layout.

    Of an image that is channel by channel, row by row, as in PyTorch; free sizes are multiplied.
    """

    name = "flatten"
    family = "shape"
    is_view = True
    returns_view_of_gradient = True
    samples = (
        Sample("flatten", (3, 4, 5)),
        Sample("flatten", (1, 4, 5)),
        Sample("flatten", (4, 3)),
        Sample("flatten", (6,)),
    )

    def infer(self, site: Site) -> TensorType:
        """[channels, H, W] → [channels · H · W]; [time, features] → [time · features]."""
        site.require_real()
        warn_padded(site)
        return TensorType((product(site.input.shape),))

    def construct(self, layer: Layer) -> Construction:
        """`Flatten()`."""
        return Construction("Flatten")

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`x.flatten(1)`."""
        return f"{inputs[0]}.flatten(1)"

    def pytorch(self, layer: Layer) -> str:
        """`flatten(1)`."""
        return "x.flatten(1)"
