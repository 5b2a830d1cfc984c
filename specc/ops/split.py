"""`split`: a tensor in equal parts."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, ExpressionOp, LayerOp, Sample
from specc.ops.rules import require_divisible
from specc.ops.site import Site
from specc.signature import Argument, whole
from specc.types import TensorType


class Split(ExpressionOp, LayerOp):
    """Equal parts, side by side, of the channels of an image or the features of anything else.

    `split(4) as (i, f, g, o)`: the four gates of an LSTM from one affine map.
    """

    name = "split"
    family = "shape"
    sources = "book, chapter 8 (LSTM)"
    is_view = True
    arguments = (Argument("parts", whole(2, 64), doc="how many parts there are", structural=True),)
    samples = (
        Sample("split(2) as (a, _)", (6,)),
        Sample("split(3) as (a, _, _)", (4, 3)),
        Sample("split(parts=2) as (a, _)", (4, 3, 2)),
    )

    def infer(self, site: Site) -> TensorType:
        """The features are divided by the number of parts."""
        site.require_real()
        require_divisible(site, site.input.features, "parts", "E0316", "the features")
        return site.input.with_features(site.input.features // site["parts"])

    def infer_results(self, site: Site) -> tuple[TensorType, ...]:
        """All parts are alike."""
        return (self.infer(site),) * site["parts"].number

    def construct(self, layer: Layer) -> Construction:
        """`Split(parts)`: features come last inside."""
        return Construction("Split", (layer["parts"].term,))

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`x.chunk(parts, dim)`."""
        return f"{inputs[0]}.chunk({layer['parts'].number}, {_dimension(layer)})"

    def torch_layer(self, layer: Layer) -> Construction:
        """`Split(parts, dim)`."""
        return Construction("Split", (layer["parts"].term, _dimension(layer)))

    def pytorch(self, layer: Layer) -> str:
        """The first part."""
        return f"x.chunk({layer['parts'].number}, {_dimension(layer)})[0]"


def _dimension(layer: Layer) -> int:
    """The axis of channels or features in the public layout."""
    return 1 if layer.input.is_image else layer.input.rank
