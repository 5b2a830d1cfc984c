"""`maxout`: the largest of each group of features."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, Sample
from specc.ops.rules import require_divisible
from specc.ops.site import Site
from specc.signature import Argument, whole
from specc.types import TensorType


class Maxout(ModuleOp):
    """The maximum of each group of `pieces` neighbouring features (in an image, channels).

    With `dense(units * pieces)` before it, each unit is a maximum of affine maps. The gradient
    goes to the place of the maximum, the first if several are equal.
    """

    name = "maxout"
    family = "activation"
    sources = "Goodfellow et al. 2013; slides (hidden units)"
    arguments = (Argument("pieces", whole(1), doc="how many features make one"),)
    samples = (
        Sample("maxout(2)", (6,)),
        Sample("maxout(3)", (4, 6)),
        Sample("maxout(2)", (4, 3, 5)),
        Sample("maxout(1)", (3,)),
    )

    def infer(self, site: Site) -> TensorType:
        """[features] → [features // pieces]; of an image, its channels."""
        site.require_real()
        what = "the channels" if site.input.is_image else "the features"
        require_divisible(site, site.input.features, "pieces", "E0316", what)
        return site.input.with_features(site.input.features // site["pieces"])

    def construct(self, layer: Layer) -> Construction:
        """`Maxout(pieces)`."""
        return Construction("Maxout", (layer["pieces"].term,))

    def torch_module(self, layer: Layer) -> Construction:
        """A module of its own."""
        axis = {"dim": 2} if layer.input.rank == 2 else {}
        return Construction("Maxout", (layer["pieces"].term,), axis)

    def pytorch(self, layer: Layer) -> str:
        """The maximum over an axis of its own."""
        axis = 2 if layer.input.rank == 2 else 1
        pieces = layer["pieces"].number
        return f"x.unflatten({axis}, (-1, {pieces})).max({axis + 1}).values"
