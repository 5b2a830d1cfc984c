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
    suffix = ""
    backward = ("explicit",)

    def construct(self, layer: Layer) -> Construction | None:
        """The class that can do every case."""
        from specc.classes import in_general

        return in_general(layer)

    def forward_of(self, layer: Layer) -> str:
        """A class, or a function."""
        from specc.ops.base import FunctionOp

        if isinstance(layer.op, FunctionOp):
            return layer.op.expression(layer, [tensor.name for tensor in layer.inputs], None)
        return self.class_of(layer)

    def class_of(self, layer: Layer) -> str:
        """The class that suits it best."""
        from specc.ops.base import LayerOp

        assert isinstance(layer.op, LayerOp)
        return layer.op.construct(layer).kernel

    def names(self) -> set[str]:
        """The classes of all templates, so that names do not change with what a file uses."""
        from specc.rendering import kernel_classes

        return {"Path", *kernel_classes(self.name)}

    def write(self, training: TrainingModel, runtime: Runtime, doc: Sequence[str]) -> str:
        """The source of a file."""
        from specc.targets.numpy.write import NumpyFile

        return NumpyFile(training, runtime).text(doc)


TARGET = Numpy()
