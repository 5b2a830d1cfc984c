"""Idiomatic PyTorch: modules and autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from specc.targets.base import Runtime, Target

if TYPE_CHECKING:
    from specc.differentiate import TrainingModel
    from specc.graph import Layer
    from specc.ops.base import Construction


class PyTorch(Target):
    """PyTorch: an `nn.Module` for each block, gradients by autograd or written out."""

    name = "pytorch"
    title = "PyTorch"
    suffix = "_torch"
    backward = ("autograd", "explicit")

    def construct(self, layer: Layer) -> Construction | None:
        """Its module."""
        from specc.ops.base import ModuleOp

        return layer.op.torch_module(layer) if isinstance(layer.op, ModuleOp) else None

    def forward_of(self, layer: Layer) -> str:
        """A module, or an expression."""
        from specc.ops.base import ExpressionOp

        made = self.construct(layer)
        if made is not None:
            return made.kernel
        assert isinstance(layer.op, ExpressionOp)
        return layer.op.torch_expression(layer, [tensor.name for tensor in layer.inputs])

    def class_of(self, layer: Layer) -> str:
        """What there is beside autograd: a subclass of its module."""
        from specc.ops.base import LayerOp

        assert isinstance(layer.op, LayerOp)
        return layer.op.torch_layer(layer).kernel

    def names(self) -> set[str]:
        """What files import, and the classes of all templates."""
        from specc.rendering import kernel_classes

        return {"DataLoader", "F", "Path", "TensorDataset", *kernel_classes(self.name)}

    def write(self, training: TrainingModel, runtime: Runtime, doc: Sequence[str]) -> str:
        """The source of a file."""
        from specc.targets.pytorch.explicit import ExplicitFile
        from specc.targets.pytorch.write import PyTorchFile

        writer = ExplicitFile if runtime.backward == "explicit" else PyTorchFile
        return writer(training, runtime).text(doc)


TARGET = PyTorch()
