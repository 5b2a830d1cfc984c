"""`scale`: a learned factor for each feature."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.rules import given, product, require_number
from specc.ops.site import Site
from specc.signature import NUMBER, Argument
from specc.types import TensorType
from specc.values import Value


class Scale(ModuleOp):
    """A learned factor w for each channel or feature: y = w ⊙ x.

    As a peephole it is the diagonal weight from a cell state to a gate; with `start=0` such a gate
    begins as that of an LSTM without. The factors are not penalised, and `init` leaves them alone.
    """

    name = "scale"
    family = "affine"
    sources = "Gers and Schmidhuber 2000 (peepholes)"
    keeps_input = True
    arguments = (Argument("start", NUMBER, 1.0, "what the factors are before training"),)
    samples = (
        Sample("scale", (6,)),
        Sample("scale(start=0)", (4, 3)),
        Sample("scale", (3, 4, 2)),
    )

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        site.require_real()
        what = "channels" if site.input.is_image else "features"
        require_number(site, site.input.features, what, "each has a factor of its own")
        return site.input

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [channels] or [features]: the factors."""
        return (ParameterSpec("weight", (layer.input.features,)),)

    def multiply_adds(self, layer: Layer) -> Value:
        """One for each number."""
        return product(layer.output.shape)

    def construct(self, layer: Layer) -> Construction:
        """`Scale(features)`."""
        return Construction("Scale", (layer.input.features.term,), given(layer, "start"))

    def torch_module(self, layer: Layer) -> Construction:
        """The same, or `ImageScale`, whose channels are the second axis."""
        made = self.construct(layer)
        if not layer.input.is_image:
            return made
        return Construction("ImageScale", made.positional, made.keywords)

    def pytorch(self, layer: Layer) -> str:
        """A product."""
        return f"x * weight{'[:, None, None]' if layer.input.is_image else ''}"
