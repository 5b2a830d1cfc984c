"""Forward and backward passes of a class, as NumPy writes them."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import FunctionOp
from specc.targets.backward import BackwardWriter
from specc.targets.forward import KeepingForward


class NumpyForward(KeepingForward):
    """Writes the statements of one forward pass."""

    channels_last = True
    mode = "training"
    stack = "self.calls"

    def expression(self, layer: Layer, inputs: list[str]) -> str | None:
        """A function works in place where nobody reads its input any more."""
        if not isinstance(layer.op, FunctionOp):
            return None
        return layer.op.expression(layer, inputs, self.graph.forward_in_place.get(layer))

    def called(self, part: str, arguments: list[str]) -> tuple[str, list[str]]:
        """`part.forward(x, training)`."""
        return f"{part}.forward(", [*arguments, "training"]

    def listed(self, inputs: list[str]) -> list[str]:
        """A join takes a list."""
        return inputs if len(inputs) == 1 else [f"[{', '.join(inputs)}]"]


class NumpyBackward(BackwardWriter):
    """Writes the statements of one backward pass."""

    zeros = "np.zeros_like"
    stack = "self.calls"
    in_place = True
