"""`multiply`: the product of several tensors."""

from __future__ import annotations

from specc.graph import Layer, Tensor
from specc.ops.base import GradientGraph, Sample
from specc.ops.joins import ArithmeticJoin


class Multiply(ArithmeticJoin):
    """The product of tensors of one shape, number by number.

    Each gets the gradient times the product of all others.
    """

    name = "multiply"
    sign = "*"
    ufunc = "np.multiply"
    backward_needs = "input"
    keeps_input = True
    samples = (
        Sample("multiply", (6,), (6,)),
        Sample("multiply", (4, 3), (4, 3)),
        Sample("multiply", (3, 4, 2), (3, 4, 2), (3, 4, 2)),
    )

    def gradient(self, layer: Layer, d_output: Tensor, graph: GradientGraph) -> tuple[Tensor, ...]:
        """For each, dy times the other inputs."""
        positions = range(len(layer.inputs))
        return tuple(
            graph.product(d_output, *(layer.inputs[j] for j in positions if j != i))
            for i in positions
        )

    def pytorch(self, layer: Layer) -> str:
        """`x0 * x1`."""
        return " * ".join(f"x{i}" for i in range(len(layer.inputs)))
