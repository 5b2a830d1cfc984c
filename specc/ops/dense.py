"""`dense`: an affine map."""

from __future__ import annotations

from dataclasses import replace

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.rules import given, product, require_features, require_number
from specc.ops.site import Site
from specc.signature import BOOLEAN, POSITIVE, Argument
from specc.types import TensorType
from specc.values import Value


class Dense(ModuleOp):
    """Affine map of the features: y = W x + b; in a sequence, of each step by itself."""

    name = "dense"
    family = "affine"
    sources = "book, chapter 3; slides (feed-forward networks)"
    keeps_input = True
    arguments = (
        Argument("units", POSITIVE, doc="how many features come out"),
        Argument("bias", BOOLEAN, True, "whether a learned number is added", structural=True),
    )
    samples = (
        Sample("dense(3)", (5,)),
        Sample("dense(1, bias=false)", (4,)),
        Sample("dense(3)", (4, 5)),
    )

    def infer(self, site: Site) -> TensorType:
        """[in] → [units]; [time, in] → [time, units]."""
        require_features(site)
        features = site.input.features
        require_number(site, features, "features", f"its weight is [{site['units']}, {features}]")
        return site.input.with_features(site["units"])

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [units, in] and bias [units]."""
        shape = (layer["units"], layer.input.features)
        weight = ParameterSpec("weight", shape, is_penalised=True)
        bias = ParameterSpec("bias", (layer["units"],))
        return (weight, bias) if layer["bias"].plain else (weight,)

    def multiply_adds(self, layer: Layer) -> Value:
        """One for each number of the weight, at each step of a sequence."""
        return product(layer.output.shape) * layer.input.features

    def construct(self, layer: Layer) -> Construction:
        """`Dense(in_features, units)`."""
        positional = (layer.input.features.term, layer["units"].term)
        return Construction("Dense", positional, given(layer, "bias"))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.Linear(in_features, units)`."""
        return replace(self.construct(layer), kernel="nn.Linear")

    def pytorch(self, layer: Layer) -> str:
        """`F.linear`."""
        return f"F.linear(x, weight{', bias' if layer['bias'].plain else ''})"
