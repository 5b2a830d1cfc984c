"""`add`: the sum of several tensors."""

from __future__ import annotations

from specc.graph import Layer, Tensor
from specc.ops.base import FunctionOp, GradientGraph, Sample, Site
from specc.ops.joins import joined, require_joinable
from specc.types import TensorType


class Add(FunctionOp):
    """The sum of tensors of one shape, number by number. Each gets the gradient as it is."""

    name = "add"
    family = "join"
    input_count = None
    sources = "He et al. 2016 (residual connections)"
    samples = (
        Sample("add", (6,), (6,)),
        Sample("add", (4, 3), (4, 3)),
        Sample("add", (3, 4, 2), (3, 4, 2), (3, 4, 2)),
    )

    def infer(self, site: Site) -> TensorType:
        """The shape of each."""
        require_joinable(site)
        return joined(site, site.input.shape)

    def gradient(self, layer: Layer, d_output: Tensor, graph: GradientGraph) -> tuple[Tensor, ...]:
        """The same dy for each."""
        return tuple(d_output for _ in layer.inputs)

    def pytorch(self, layer: Layer) -> str:
        """`x0 + x1`."""
        return " + ".join(f"x{i}" for i in range(len(layer.inputs)))
