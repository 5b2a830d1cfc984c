"""`leaky_relu`: a rectifier with a slope below zero."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, Sample
from specc.ops.rules import given
from specc.ops.site import Site
from specc.signature import NUMBER, Argument
from specc.types import TensorType


class LeakyReLU(ModuleOp):
    """Rectifier with a slope: y = max(0, x) + slope · min(0, x)."""

    name = "leaky_relu"
    family = "activation"
    sources = "Maas et al. 2013; slides (hidden units)"
    keeps_input = True
    arguments = (Argument("slope", NUMBER, 0.01, "the slope below zero"),)
    samples = (
        Sample("leaky_relu", (6,)),
        Sample("leaky_relu(0.2)", (4, 3)),
        Sample("leaky_relu(-1)", (3, 4, 2)),
    )

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        site.require_real()
        return site.input

    def construct(self, layer: Layer) -> Construction:
        """`LeakyReLU(slope=…)`."""
        return Construction("LeakyReLU", (), given(layer, "slope"))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.LeakyReLU(slope)`."""
        return Construction("nn.LeakyReLU", tuple(given(layer, "slope").values()))

    def pytorch(self, layer: Layer) -> str:
        """`F.leaky_relu`."""
        return f"F.leaky_relu(x, {layer['slope'].plain!r})"
