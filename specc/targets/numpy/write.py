"""The whole file of a network in NumPy."""

from __future__ import annotations

from specc.classes import ClassPlan
from specc.differentiate import Formula
from specc.graph import Layer, Origin, Tensor
from specc.ops.base import FunctionOp, LayerOp, LossOp
from specc.rendering import render, render_some
from specc.targets.docstrings import block_doc, forward_doc, net_doc
from specc.targets.file import FileWriter, op_of
from specc.targets.imports import imports
from specc.targets.numpy.construct import NumpyConstructor
from specc.targets.numpy.passes import NumpyBackward, NumpyForward
from specc.types import Content, TensorType


class NumpyFile(FileWriter):
    """Writes the file of one network."""

    target = "numpy"
    helpers = ("losses", "recurrent", "windows")

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

    def block(self, plan: ClassPlan) -> str:
        """The class of a block."""
        graph = self.training.backward_of(plan)
        constructor = self.constructor(plan)
        writer = NumpyBackward(plan, self.classes, self.training.backward)
        backward = writer.lines()
        self.note_kernels(plan)
        borrowed = plan.function.borrowed
        d_inputs = [writer.local(t) if t is not None else "None" for t in graph.d_inputs]
        return self.fitted(
            "block",
            name=plan.name,
            cell=plan.function.origin is Origin.CELL,
            doc=block_doc(plan, self.classes.conditions(plan), self.shaped.model.program.source),
            arguments=", ".join(constructor.words[n] for n in plan.arguments),
            construct=constructor.lines(),
            inputs=", ".join([*(t.name for t in plan.function.inputs), *borrowed]),
            forward=NumpyForward(plan, graph).lines(),
            results=", ".join(t.name for t in plan.function.outputs),
            d_outputs=", ".join([*(t.name for t in graph.d_outputs), *borrowed]),
            backward=backward,
            d_inputs=", ".join(d_inputs) if any(graph.d_inputs) else "",
        )

    def note_kernels(self, plan: ClassPlan) -> None:
        """The kernels of the layers, and the functions of the backward pass."""
        super().note_kernels(plan)
        for statement in self.training.backward_of(plan).statements:
            if isinstance(statement, Formula) and statement.kind.endswith("_backward"):
                self.kernels.add(op_of(statement.kind), statement.kind)

    def note_layer(self, plan: ClassPlan, layer: Layer, is_stacked: bool) -> None:
        """A class for all instances of the place, or a function."""
        if isinstance(layer.op, LayerOp):
            kernel = layer.op.kernel(plan.layers_like(layer))
            features = self.features(layer)
            self.kernels.add(layer.op.name, kernel, is_stacked, features)
            if "dropout" in features:
                self.kernels.add("dropout", "Dropout", is_stacked)
            self.note_lengths(layer)
        elif isinstance(layer.op, FunctionOp) and layer.op.has_kernel:
            name = layer.op.function_name
            self.kernels.add(layer.op.name, name, features=self.features(layer))

    # ------------------------------------------------------------ the net

    def net(self, plan: ClassPlan) -> str:
        """The class of the network."""
        graph = self.training.backward_of(plan)
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
            run=NumpyForward(plan, graph).lines(),
            run_results=", ".join(t.name for t in results),
            leave=self._leave(inputs),
            enter_targets=[_enter(t) for t in targets if _enter(t)],
            loss=self._loss(inputs),
            backward=self._backward(plan),
        )

    def _backward(self, plan: ClassPlan) -> list[str]:
        writer = NumpyBackward(plan, self.classes, self.training.backward)
        return [*writer.lines(), *self.input_gradients(writer, _leaving)]

    def _leave(self, inputs: str) -> list[str]:
        run = f"self.run({inputs}, training=False)"
        outputs = self.shaped.outputs
        if len(self.results()) == 1:
            return [f"return {_outside(run, outputs[0].type)}"]
        returned = ", ".join(_outside(t.name, t.type) for t in outputs)
        return [f"{self.names_for(outputs)} = {run}", f"return {returned}"]

    def _loss(self, inputs: str) -> list[str]:
        lines = [f"{self.names_for(self.looked_at())} = self.run({inputs}, training)"]
        terms = []
        for loss in self.shaped.losses:
            assert isinstance(loss.op, LossOp)
            given = loss.op.given(loss, [t.name for t in loss.inputs])
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


def _leaving(text: str, type_: TensorType) -> str:
    """A gradient in the public layout; it may be a view."""
    return f"channels_first({text})" if type_.is_image else text


def _outside(text: str, type_: TensorType) -> str:
    return f"channels_first({text})" if type_.is_image else f"{text}.copy()"
