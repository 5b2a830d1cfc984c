"""The whole file of a network in NumPy."""

from __future__ import annotations

from specc.classes import ClassPlan
from specc.graph import Layer, Tensor
from specc.ops.base import FunctionOp, LayerOp, LossOp
from specc.rendering import render, render_some
from specc.targets.docstrings import forward_doc, net_doc
from specc.targets.file import FileWriter
from specc.targets.imports import imports
from specc.targets.numpy.construct import NumpyConstructor
from specc.targets.numpy.passes import NumpyBackward, NumpyForward
from specc.types import Content, TensorType


class NumpyFile(FileWriter):
    """Writes the file of one network."""

    target = "numpy"
    helpers = ("losses", "recurrent", "windows")
    backward = NumpyBackward

    def before(self) -> str:
        """The number of threads counts when NumPy is imported."""
        return render("numpy", "train/threads") if self.runtime.parts else ""

    def libraries(self, text: str) -> list[str]:
        """NumPy and what of it is used by name."""
        views = "from numpy.lib.stride_tricks import sliding_window_view"
        return ["import numpy as np", *imports(text, {r"\bsliding_window_view\(": views})]

    def layers(self) -> list[str]:
        """The base class and the kernels."""
        return [render("numpy", "module", kernels=self.kernels.every), *self.kernels.rendered()]

    def frame(self) -> list[str]:
        """How images come in and go out, and the base of the network."""
        own = {"stacked": self.is_stacked(), "kernels": self.kernels.every}
        context = {**self.runtime.network, **own}
        network = render_some(self.target, "network", context)
        checks = render(self.target, "expect", **self.checks.context())
        return [checks, *self._edges(), network]

    def _edges(self) -> list[str]:
        types = [tensor.type for tensor in self.shaped.function.inputs]
        targets = [tensor.type for tensor in self.shaped.targets.values()]
        enter = any(t.is_image and t.content is Content.REAL for t in (*types, *targets))
        leave = any(t.type.is_image for t in self.shaped.outputs)
        leave |= self.training.input_gradients and any(t.is_image for t in types)
        return [render("numpy", "edges", enter=enter, leave=leave)] if enter or leave else []

    # ------------------------------------------------------------ classes

    def constructor(self, plan: ClassPlan) -> NumpyConstructor:
        """What writes the constructor of a class."""
        return NumpyConstructor(plan, self.classes, self.training.backward)

    def forward(self, plan: ClassPlan) -> NumpyForward:
        """What writes the forward pass of a class."""
        return NumpyForward(plan, self.training.backward_of(plan))

    def outside(self, text: str, type_: TensorType) -> str:
        """A gradient in the public layout; it may be a view."""
        return f"channels_first({text})" if type_.is_image else text

    def note_layer(self, plan: ClassPlan, layer: Layer, is_stacked: bool) -> None:
        """A class for all instances of the place, or a function."""
        if isinstance(layer.op, LayerOp):
            kernel = layer.op.kernel(plan.layers_like(layer))
            for name in (kernel, *layer.op.parts(layer)):
                self.kernels.add(layer.op.name, name, is_stacked, self.features(layer))
            if any(map(layer.op.draws_random, self.instances(layer))):
                self.kernels.add("dropout", "Dropout", is_stacked)
            self.note_lengths(layer)
        elif isinstance(layer.op, FunctionOp) and layer.op.has_kernel:
            name = layer.op.function_name
            self.kernels.add(layer.op.name, name, features=self.features(layer))

    # ------------------------------------------------------------ the net

    def net(self, plan: ClassPlan) -> str:
        """The class of the network."""
        self.note_kernels(plan)
        results, inputs = self.results(), ", ".join(t.name for t in plan.function.inputs)
        targets = self.shaped.targets.values()
        return self.fitted(
            "net",
            name=plan.name,
            doc=net_doc(self.shaped),
            construct=self.constructor(plan).lines(),
            inputs=inputs,
            targets=", ".join(t.name for t in targets),
            losses=bool(self.shaped.losses),
            stacked=self.is_stacked(),
            inputs_doc=forward_doc(self.shaped, ", in evaluation mode"),
            expect=self.checks.inputs,
            expect_targets=self.checks.targets,
            enter=[_enter(t) for t in plan.function.inputs if _enter(t)],
            run=self.forward(plan).lines(),
            run_results=", ".join(t.name for t in results),
            leave=self._leave(inputs),
            enter_targets=[_enter(t) for t in targets if _enter(t)],
            loss=self._loss(inputs),
            backward=self.net_backward(plan),
        )

    def _leave(self, inputs: str) -> list[str]:
        run = f"self.run({inputs}, training=False)"
        outputs = self.shaped.outputs
        if len(self.results()) == 1:
            return [f"return {_outside(run, outputs[0].type)}"]
        returned = ", ".join(_outside(self.result(t), t.type) for t in outputs)
        return [f"{self.names_for(outputs)} = {run}", f"return {returned}"]

    def _loss(self, inputs: str) -> list[str]:
        lines = [f"{self.names_for(self.looked_at())} = self.run({inputs}, training)"]
        terms = []
        for loss in self.shaped.losses:
            assert isinstance(loss.op, LossOp)
            given = loss.op.given(loss, [self.result(t) for t in loss.inputs])
            terms.append(f"self.{loss.name}.forward({', '.join([*given, 'training'])})")
        return [*lines, *self.total(terms, "return ")]


def _enter(tensor: Tensor) -> str:
    """The line that brings an input or a real target into the network's layout and type."""
    if tensor.type.content in (Content.TOKEN, Content.LENGTHS):
        return f"{tensor.name} = np.asarray({tensor.name})"
    if tensor.type.content is not Content.REAL:
        return ""
    if tensor.type.is_image:
        return f"{tensor.name} = channels_last({tensor.name}, self.values.dtype)"
    return f"{tensor.name} = np.asarray({tensor.name}, self.values.dtype)"


def _outside(text: str, type_: TensorType) -> str:
    return f"channels_first({text})" if type_.is_image else f"{text}.copy()"
