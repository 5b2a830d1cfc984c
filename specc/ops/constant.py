"""`constant`: one number everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer, Tensor
from specc.literal import literal
from specc.ops.base import FunctionOp, GradientGraph, Sample
from specc.ops.site import Site
from specc.signature import NUMBER, Argument
from specc.types import TensorType


class Constant(FunctionOp):
    """A tensor like the current one, filled with a number. No gradient goes through it."""

    name = "constant"
    family = "shape"
    passes_gradient = False
    arguments = (Argument("value", NUMBER, doc="the number", structural=True),)
    samples = (
        Sample("constant(1) as c; from x0, c -> add", (6,)),
        Sample("constant(-0.5) as c; from x0, c -> add", (4, 3)),
        Sample("constant(value=2) as c; from x0, c -> add", (3, 4, 2)),
    )

    @property
    def has_kernel(self) -> bool:
        """NumPy and PyTorch have it."""
        return False

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        site.require_real()
        return site.input

    def expression(self, layer: Layer, inputs: Sequence[str], place: int | None) -> str:
        """`np.full_like(x, 1.0)`."""
        return f"np.full_like({inputs[0]}, {self._number(layer)})"

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`torch.full_like(x, 1.0)`."""
        return f"torch.full_like({inputs[0]}, {self._number(layer)})"

    def _number(self, layer: Layer) -> str:
        return literal(layer["value"].plain)

    def gradient(self, layer: Layer, d_output: Tensor, graph: GradientGraph) -> tuple[Tensor, ...]:
        """There is none."""
        return ()

    def pytorch(self, layer: Layer) -> str:
        """Added to x: of the number alone, there is no gradient."""
        return f"x + {self._number(layer)}"
