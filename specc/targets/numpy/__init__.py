"""Plain NumPy with explicit forward and backward passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from specc.targets.base import Runtime, Target

if TYPE_CHECKING:
    from specc.differentiate import TrainingModel
    from specc.graph import Layer
    from specc.ops.base import Construction


class Numpy(Target):
    """NumPy: layers as classes with a forward and a backward pass, images channels last inside."""

    name = "numpy"
    title = "NumPy"
    backward = ("explicit",)

    def construct(self, layer: Layer) -> Construction | None:
        """The class that can do every case."""
        from specc.classes import in_general

        return in_general(layer)

    def forward_of(self, layer: Layer) -> str:
        """A class, or a function."""
        from specc.ops.base import FunctionOp, LayerOp

        op = layer.op
        if isinstance(op, LayerOp):
            return op.construct(layer).kernel
        assert isinstance(op, FunctionOp)
        return op.expression(layer, [tensor.name for tensor in layer.inputs], None)

    def backward_of(self, layer: Layer) -> str:
        """The class's own, a function, or arithmetic."""
        from specc.ops.base import FunctionOp, LayerOp

        op = layer.op
        if isinstance(op, LayerOp):
            return f"{op.construct(layer).kernel}.backward"
        assert isinstance(op, FunctionOp)
        return f"{op.function_name}_backward" if op.has_kernel else "arithmetic"

    def names(self) -> set[str]:
        """The classes of all templates, so that names do not change with what a file uses."""
        from specc.rendering import kernel_classes

        return {"Path", *kernel_classes(self.name)}

    def write(self, training: TrainingModel, runtime: Runtime, doc: Sequence[str]) -> str:
        """The source of a file."""
        from specc.targets.numpy.write import NumpyFile

        return NumpyFile(training, runtime).text(doc)


TARGET = Numpy()
