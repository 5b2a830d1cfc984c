"""`add`: the sum of several tensors."""

from __future__ import annotations

from specc.graph import Layer, Tensor
from specc.ops.base import GradientGraph, Sample
from specc.ops.joins import ArithmeticJoin


class Add(ArithmeticJoin):
    """The sum of tensors of one shape, number by number. Each gets the gradient as it is."""

    name = "add"
    sign = "+"
    ufunc = "np.add"
    sources = "He et al. 2016 (residual connections)"
    samples = (
        Sample("add", (6,), (6,)),
        Sample("add", (4, 3), (4, 3)),
        Sample("add", (3, 4, 2), (3, 4, 2), (3, 4, 2)),
    )

    def gradient(self, layer: Layer, d_output: Tensor, graph: GradientGraph) -> tuple[Tensor, ...]:
        """The same dy for each."""
        return tuple(d_output for _ in layer.inputs)

    def pytorch(self, layer: Layer) -> str:
        """`x0 + x1`."""
        return " + ".join(f"x{i}" for i in range(len(layer.inputs)))
