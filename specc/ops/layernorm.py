"""`layernorm`: layer normalisation."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.rules import given, product, require_number
from specc.ops.site import Site
from specc.signature import POSITIVE_REAL, Argument
from specc.types import TensorType
from specc.values import Value


class LayerNorm(ModuleOp):
    """Layer normalisation of each example by itself: y = γ (x − μ) / √(σ² + eps) + β.

    μ and σ² are mean and variance of the features, in a sequence of those of each step, in an
    image of all its numbers. γ (`weight`) starts at 1, β (`bias`) at 0, one for each number that
    is normalised; neither is penalised.
    """

    name = "layernorm"
    family = "normalisation"
    sources = "Ba et al. 2016"
    keeps_input = True
    works_in_place = True
    arguments = (Argument("eps", POSITIVE_REAL, 1e-5, "added to the variance"),)
    samples = (
        Sample("layernorm", (6,)),
        Sample("layernorm(1e-3)", (3, 5)),
        Sample("layernorm", (3, 4, 2)),
    )

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        site.require_real()
        what = "elements" if site.input.is_image else "features"
        size = product(_normalised(site.input))
        require_number(site, size, what, "each has a scale of its own")
        return site.input

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight and bias, [features] or [channels, height, width]."""
        shape = _normalised(layer.input)
        return (ParameterSpec("weight", shape), ParameterSpec("bias", shape))

    def construct(self, layer: Layer) -> Construction:
        """`LayerNorm(features, eps=…)` or `LayerNorm(channels, height, width, eps=…)`."""
        shape = tuple(size.term for size in _normalised(layer.input))
        return Construction("LayerNorm", shape, given(layer, "eps"))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.LayerNorm(features, eps=…)` or `nn.LayerNorm((channels, height, width), eps=…)`."""
        made = self.construct(layer)
        shape = made.positional if layer.input.is_image else made.positional[0]
        return Construction("nn.LayerNorm", (shape,), made.keywords)

    def pytorch(self, layer: Layer) -> str:
        """`F.layer_norm`."""
        return f"F.layer_norm(x, weight.shape, weight, bias, {layer['eps'].plain})"


def _normalised(tensor: TensorType) -> tuple[Value, ...]:
    """The sizes of what is normalised together."""
    return tensor.shape if tensor.is_image else tensor.shape[-1:]
