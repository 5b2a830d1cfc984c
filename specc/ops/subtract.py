"""`subtract`: one tensor less another."""

from __future__ import annotations

from specc.graph import Layer, Tensor
from specc.ops.base import GradientGraph, Sample
from specc.ops.joins import ArithmeticJoin
from specc.ops.site import Site
from specc.types import TensorType


class Subtract(ArithmeticJoin):
    """The first tensor less the second, number by number.

    `from a, b -> subtract` is a − b. The first gets the gradient as it is, the second its negative.
    """

    name = "subtract"
    sign = "-"
    ufunc = "np.subtract"
    samples = (
        Sample("subtract", (6,), (6,)),
        Sample("subtract", (4, 3), (4, 3)),
        Sample("subtract", (3, 4, 2), (3, 4, 2)),
    )

    def infer(self, site: Site) -> TensorType:
        """The shape of both."""
        if len(site.inputs) > 2:
            raise site.fail(
                "E0313",
                f"`subtract` needs two tensors, gets {len(site.inputs)}",
                "which of them is left?",
                cause=2,
            )
        return super().infer(site)

    def gradient(self, layer: Layer, d_output: Tensor, graph: GradientGraph) -> tuple[Tensor, ...]:
        """Dy and −dy."""
        return d_output, graph.negative(d_output)

    def pytorch(self, layer: Layer) -> str:
        """`x0 - x1`."""
        return "x0 - x1"
