"""PyTorch files with backward passes written out, in tensor operations and without autograd."""

from __future__ import annotations

from specc.classes import ClassPlan
from specc.graph import Layer
from specc.ops.base import Construction, FunctionOp, LayerOp, LossOp
from specc.targets.backward import BackwardWriter
from specc.targets.construct import Constructor
from specc.targets.forward import KeepingForward
from specc.targets.pytorch.write import ModuleConstructor, PyTorchFile


class ExplicitConstructor(ModuleConstructor):
    """Writes the constructor of one module; every layer that is no function is one."""

    def layer(self, owner: ClassPlan, layer: Layer) -> Construction | None:
        """A class with a backward pass."""
        return layer.op.torch_layer(owner.settled(layer)) if isinstance(layer.op, LayerOp) else None


class ExplicitForward(KeepingForward):
    """Writes the statements of one forward pass."""

    mode = "self.training"
    stack = "self.kept"

    def expression(self, layer: Layer, inputs: list[str]) -> str | None:
        """A function, as in PyTorch."""
        op = layer.op
        return op.torch_expression(layer, inputs) if isinstance(op, FunctionOp) else None


class ExplicitBackward(BackwardWriter):
    """Writes the statements of one backward pass."""

    zeros = "torch.zeros_like"
    stack = "self.kept"
    in_place = False


class ExplicitFile(PyTorchFile):
    """Writes the file of one network."""

    backward = ExplicitBackward
    loss_is = "return "

    def constructor(self, plan: ClassPlan) -> Constructor:
        """Layers with backward passes."""
        return ExplicitConstructor(plan, self.classes, self.kernel_of)

    def forward(self, plan: ClassPlan) -> KeepingForward:
        """A pass that keeps what the backward pass reads."""
        return ExplicitForward(plan, self.training.backward_of(plan))

    def term(self, loss: Layer, arguments: list[str]) -> str:
        """A loss is a layer, too."""
        assert isinstance(loss.op, LossOp)
        return f"self.{loss.name}({', '.join(loss.op.given(loss, arguments))})"

    def enter(self) -> list[str]:
        """Nothing: autograd is not used."""
        return []

    def differentiation(self) -> dict[str, object]:
        """The backward pass is in the file; where gradients are added up, they begin with zeros."""
        return {
            "explicit": True,
            "is_constant": False,
            "accumulates": self.is_stacked() or self.is_idle(),
            "input_gradients": False,
            "idle_inputs": False,
        }

    def note_layer(self, plan: ClassPlan, layer: Layer, is_stacked: bool) -> None:
        """A class for every layer that is no function."""
        if isinstance(layer.op, LayerOp):
            kernel = layer.op.torch_layer(layer).kernel
            self.kernels.add(layer.op.name, kernel, is_stacked, self.features(layer))
            self.note_lengths(layer)
