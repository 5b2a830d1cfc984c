"""`prelu`: a rectifier that learns its slope below zero."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.rules import require_number
from specc.ops.site import Site
from specc.types import TensorType


class PReLU(ModuleOp):
    """Rectifier with a learned slope a for each channel or feature: y = max(0, x) + a · min(0, x).

    The slopes start at 0.25 and are not penalised (He et al. 2015).
    """

    name = "prelu"
    family = "activation"
    sources = "He et al. 2015; slides (hidden units)"
    keeps_input = True
    samples = (Sample("prelu", (6,)), Sample("prelu", (4, 3)), Sample("prelu", (3, 4, 2)))

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        site.require_real()
        what = "channels" if site.input.is_image else "features"
        require_number(site, site.input.features, what, "each has a slope of its own")
        return site.input

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [channels] or [features]: the slopes."""
        return (ParameterSpec("weight", (layer.input.features,)),)

    def construct(self, layer: Layer) -> Construction:
        """`PReLU(features)`."""
        return Construction("PReLU", (layer.input.features.term,))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.PReLU(features)`, of which steps need a variant: it takes the second axis."""
        kernel = "SequencePReLU" if layer.input.rank == 2 else "nn.PReLU"
        return Construction(kernel, (layer.input.features.term,))

    def pytorch(self, layer: Layer) -> str:
        """`F.prelu`, which takes the second axis."""
        if layer.input.rank == 2:
            return "F.prelu(x.transpose(1, 2), weight).transpose(1, 2)"
        return "F.prelu(x, weight)"
