"""PyTorch files with backward passes written out, in tensor operations and without autograd."""

from __future__ import annotations

from specc.classes import ClassPlan
from specc.differentiate import Formula
from specc.graph import Layer
from specc.ops.base import Construction, FunctionOp, LayerOp, LossOp
from specc.targets.backward import BackwardWriter
from specc.targets.construct import Constructor
from specc.targets.file import op_of
from specc.targets.forward import KeepingForward
from specc.targets.pytorch.write import ModuleConstructor, PyTorchFile


class ExplicitConstructor(ModuleConstructor):
    """Writes the constructor of one module; every layer that is no function is one."""

    def layer(self, owner: ClassPlan, layer: Layer) -> Construction | None:
        """A class with a backward pass."""
        return layer.op.torch_layer(owner.settled(layer)) if isinstance(layer.op, LayerOp) else None


class ExplicitForward(KeepingForward):
    """Writes the statements of one forward pass."""

    channels_last = False
    mode = "self.training"
    stack = "self.kept"

    def expression(self, layer: Layer, inputs: list[str]) -> str | None:
        """A function, as in PyTorch."""
        is_function = isinstance(layer.op, FunctionOp)
        return layer.op.torch_expression(layer, inputs) if is_function else None

    def called(self, part: str, arguments: list[str]) -> tuple[str, list[str]]:
        """`part(x)`."""
        return f"{part}(", arguments


class ExplicitBackward(BackwardWriter):
    """Writes the statements of one backward pass."""

    zeros = "torch.zeros_like"
    stack = "self.kept"
    in_place = False


class ExplicitFile(PyTorchFile):
    """Writes the file of one network."""

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

    def block_backward(self, plan: ClassPlan) -> dict[str, object]:
        """The backward pass of a block."""
        graph, borrowed = self.training.backward_of(plan), plan.function.borrowed
        writer = ExplicitBackward(plan, self.classes, self.training.backward)
        lines = writer.lines()
        d_inputs = [writer.local(t) if t is not None else "None" for t in graph.d_inputs]
        return {
            "backward": lines,
            "d_outputs": ", ".join([*(t.name for t in graph.d_outputs), *borrowed]),
            "d_inputs": ", ".join(d_inputs) if any(graph.d_inputs) else "",
        }

    def net_backward(self, plan: ClassPlan) -> dict[str, object]:
        """The backward pass of the network, and whether gradients are added up."""
        writer = ExplicitBackward(plan, self.classes, self.training.backward)
        lines = [*writer.lines(), *self.input_gradients(writer, lambda text, _: text)]
        return {
            "explicit": True,
            "is_constant": False,
            "backward": lines,
            "accumulates": self.is_stacked() or self.is_idle(),
            "input_gradients": False,
            "idle_inputs": False,
        }

    def note_kernels(self, plan: ClassPlan) -> None:
        """The classes of layers, and the functions of the backward pass."""
        super().note_kernels(plan)
        for statement in self.training.backward_of(plan).statements:
            if isinstance(statement, Formula) and statement.kind.endswith("_backward"):
                self.kernels.add(op_of(statement.kind), statement.kind)

    def note_layer(self, plan: ClassPlan, layer: Layer, is_stacked: bool) -> None:
        """A class for every layer that is no function."""
        if isinstance(layer.op, LayerOp):
            kernel = layer.op.torch_layer(layer).kernel
            self.kernels.add(layer.op.name, kernel, is_stacked, self.features(layer))
            self.note_lengths(layer)
