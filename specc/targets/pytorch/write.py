"""The whole file of a network in PyTorch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ClassVar

from specc.classes import Classes, ClassPlan
from specc.differentiate import Backward, Formula, Statement
from specc.graph import Layer, Scan, count_parameters, every_layer
from specc.literal import literal
from specc.needs import learns
from specc.ops.base import Construction, ExpressionOp, LossOp, ModuleOp
from specc.rendering import render, render_some
from specc.targets.backward import BackwardWriter
from specc.targets.construct import Constructor
from specc.targets.docstrings import forward_doc, net_doc
from specc.targets.file import FileWriter
from specc.targets.forward import ForwardWriter
from specc.targets.imports import imports
from specc.targets.layout import call
from specc.types import Content

_LIBRARIES = {
    r"\bnp\.": "import numpy as np",
    r"\btorch\.": "import torch",
    r"\bF\.": "import torch.nn.functional as F",
    r"\bnn\.": "from torch import nn",
}
_BY_NAME = {
    "torch.nn.utils.rnn": ("PackedSequence", "pack_padded_sequence", "pad_packed_sequence"),
    "torch.utils.data": ("BatchSampler", "DataLoader", "TensorDataset"),
}


KernelOf = Callable[[Layer], str | None]
"""The class of the module that a layer is, such as `nn.GRU`; `None` if it is none."""


class ModuleConstructor(Constructor):
    """Writes the constructor of one module."""

    target = "pytorch"
    list_of = ("nn.ModuleList(", ")")

    def __init__(self, plan: ClassPlan, classes: Classes, kernel_of: KernelOf) -> None:
        super().__init__(plan, classes)
        self.kernel_of = kernel_of

    def layer(self, owner: ClassPlan, layer: Layer) -> Construction | None:
        """What is no module is written in the forward pass."""
        kernel = self.kernel_of(layer)
        if kernel is None or not isinstance(layer.op, ModuleOp):
            return None
        return replace(layer.op.torch_module(owner.settled(layer)), kernel=kernel)


class ModuleForward(ForwardWriter):
    """Writes the statements of one forward pass."""

    def __init__(self, plan: ClassPlan, kernel_of: KernelOf) -> None:
        super().__init__(plan)
        self.kernel_of = kernel_of

    def unnamed(self, node: Layer | Scan) -> list[str]:
        """PyTorch's own modules give all states as one."""
        found = super().unnamed(node)
        kernel = self.kernel_of(node) if isinstance(node, Layer) else None
        return found[:1] if kernel is not None and kernel.startswith("nn.") else found

    def expression(self, layer: Layer, inputs: list[str]) -> str | None:
        """What is no module."""
        op = layer.op
        return op.torch_expression(layer, inputs) if isinstance(op, ExpressionOp) else None


class PyTorchFile(FileWriter):
    """Writes the file of one network."""

    target = "pytorch"
    helpers = ("losses", "sequences")
    backward: ClassVar[type[BackwardWriter] | None] = None
    loss_is = "self.last_loss = "

    def before(self) -> str:
        """Nothing."""
        return ""

    def libraries(self, text: str) -> list[str]:
        """What the text uses of PyTorch, and NumPy if it does."""
        lines = imports(text, _LIBRARIES)
        for module, names in _BY_NAME.items():
            found = [name for name in names if re.search(rf"\b{name}\(", text)]
            lines += [f"from {module} import {', '.join(found)}"] * bool(found)
        return lines

    def layers(self) -> list[str]:
        """What PyTorch lacks."""
        return self.kernels.rendered()

    @property
    def carries(self) -> bool:
        """Whether recurrent layers may go on where they ended."""
        return bool(self.runtime.network.get("carries"))

    def frame(self) -> list[str]:
        """The base of the network."""
        explicit = self.runtime.backward == "explicit"
        losses = bool(self.shaped.losses) and not self._is_constant()
        more = {
            "losses": losses,
            "explicit": explicit,
            "scales": " | ".join(sorted(self._scales())),
            "idle": self.is_idle(),
            "detached": self._may_be_detached(),
            "kernels": self.kernels.every,
            "recurrent": any(n.op.carries_state for n in every_layer(self.shaped.function)),
        }
        checks = render(self.target, "expect", **self.checks.context())
        return [checks, render_some("pytorch", "network", {**self.runtime.network, **more})]

    def _scales(self) -> set[str]:
        """The classes whose parameters are no weights, though they have several axes.

        By the number of axes a file tells what it penalises.
        """
        return {
            self.kernel_of(layer) or ""
            for layer in every_layer(self.shaped.function)
            for parameter in layer.op.parameters(layer)
            if len(parameter.shape) > 1 and not (parameter.is_penalised or parameter.is_buffer)
        }

    def is_idle(self) -> bool:
        """Whether the loss does not depend on some parameter."""
        return any(self._has_idle(plan) for plan in self.classes)

    def _may_be_detached(self) -> bool:
        """Whether the loss may depend on nothing that is learned, though there are parameters."""
        own = self.training.backward_of(self.classes.net).statements
        backward = (statement for statement in own if isinstance(statement, Backward))
        reached = any(d_input is not None for s in backward for d_input in s.d_inputs)
        return not reached or any(map(_leaves_idle, self._statements()))

    def _has_idle(self, plan: ClassPlan) -> bool:
        statements = self.training.backward_of(plan).statements
        reached = {s.node.name for s in statements if isinstance(s, Backward)}
        left_out = (n for n in plan.function.nodes if learns(n) and n.name not in reached)
        return any(left_out) or any(_is_zero(s) or _leaves_idle(s) for s in statements)

    def note_layer(self, plan: ClassPlan, layer: Layer, is_stacked: bool) -> None:
        """A class or functions that PyTorch does not have."""
        kernel = self.kernel_of(layer)
        if isinstance(layer.op, ExpressionOp):
            text = layer.op.torch_expression(layer, [t.name for t in layer.inputs])
            for function in re.findall(r"(?<![\w.])[a-z]\w*(?=\()", text):
                self.kernels.add(layer.op.name, function, features=self.features(layer))
        elif kernel is not None and not kernel.startswith("nn."):
            self.kernels.add(layer.op.name, kernel, features=self.features(layer))

    def kernel_of(self, layer: Layer) -> str | None:
        """The class of the module that a layer is, `None` for an expression.

        Recurrent layers of one place are called alike: where one of them needs a class of the file,
        or carries its state on, all are such.
        """
        op = layer.op
        if not isinstance(op, ModuleOp):
            return None
        kernel = op.torch_module(layer).kernel
        if not op.carries_state:
            return kernel
        kernels = (op.torch_module(other).kernel for other in self.instances(layer))
        is_own = self.carries or not all(k.startswith("nn.") for k in kernels)
        return kernel.removeprefix("nn.") if is_own else kernel

    # ------------------------------------------------------------ classes

    def constructor(self, plan: ClassPlan) -> Constructor:
        """What writes the constructor of a class."""
        return ModuleConstructor(plan, self.classes, self.kernel_of)

    def forward(self, plan: ClassPlan) -> ForwardWriter:
        """What writes the forward pass of a class."""
        return ModuleForward(plan, self.kernel_of)

    def differentiation(self) -> dict[str, object]:
        """What the template of the network takes to differentiate by autograd."""
        return {
            "explicit": False,
            "accumulates": False,
            "is_constant": bool(self.shaped.losses) and self._is_constant(),
            "input_gradients": bool(self._differentiated()) and bool(self.shaped.losses),
            "idle_inputs": self._has_idle_inputs(),
        }

    def net(self, plan: ClassPlan) -> str:
        """The class of the network."""
        self.note_kernels(plan)
        names = [t.name for t in plan.function.inputs]
        results = self.results()
        return self.fitted(
            "net",
            name=plan.name,
            doc=net_doc(self.shaped),
            construct=self.constructor(plan).lines(),
            inputs=", ".join(names),
            targets=", ".join(t.name for t in self.shaped.targets.values()),
            inputs_doc=forward_doc(self.shaped),
            expect=self.checks.inputs,
            run=[*self._whole_lengths(plan), *self.forward(plan).lines()],
            run_results=", ".join(t.name for t in results),
            leave=self._leave(names),
            loss=self._loss(names) if self.shaped.losses else [],
            enter=self.enter(),
            backward=self.net_backward(plan),
            **self.differentiation(),
        )

    def _whole_lengths(self, plan: ClassPlan) -> list[str]:
        """The lines that make lengths indices: to PyTorch, small whole numbers are masks."""
        read = (t for t in plan.function.inputs if t in plan.function.read)
        return [f"{t.name} = {t.name}.long()" for t in read if t.type.content is Content.LENGTHS]

    def _runs(self) -> bool:
        """Whether the losses look at what is no output, so that `forward` picks from `run`."""
        return len(self.results()) > len(self.shaped.outputs)

    def _leave(self, inputs: list[str]) -> list[str]:
        """The lines of a `forward` that picks the outputs."""
        if not self._runs():
            return []
        returned = ", ".join(self.result(t) for t in self.shaped.outputs)
        run = call(f"{self.names_for(self.shaped.outputs)} = self.run(", inputs)
        return [*run, f"return {returned}"]

    def _loss(self, inputs: list[str]) -> list[str]:
        """The lines that compute the loss, a sum if there are several."""
        run = "self.run(" if self._runs() else "self("
        lines = call(f"{self.names_for(self.looked_at())} = {run}", inputs)
        terms = [
            self.term(loss, [self.result(t) for t in loss.inputs]) for loss in self.shaped.losses
        ]
        return [*lines, *self.checks.targets, *self.total(terms, self.loss_is)]

    def term(self, loss: Layer, arguments: list[str]) -> str:
        """One loss; like a constant, what it compares with has no gradient."""
        constant = set(self.shaped.targets.values())
        is_differentiated = bool(self._differentiated())
        constant |= {
            tensor
            for tensor in self.shaped.inputs.values()
            if not is_differentiated or tensor.type.content is not Content.REAL
        }
        given = zip(loss.inputs[1:], arguments[1:], strict=True)
        rest = [name if t in constant else f"{name}.detach()" for t, name in given]
        assert isinstance(loss.op, LossOp)
        return loss.op.torch_expression(loss, [arguments[0], *rest])

    def _is_constant(self) -> bool:
        """Whether there is nothing that a loss could be differentiated by."""
        return not self._differentiated() and not count_parameters(self.shaped.function)

    # ------------------------------------------------------------ gradients of the inputs

    def _differentiated(self) -> list[str]:
        """The inputs whose gradients are asked for: those that hold real numbers."""
        graph = self.training.backward_of(self.classes.net)
        pairs = zip(self.shaped.inputs, graph.d_inputs, strict=True)
        return [name for name, d_input in pairs if d_input is not None]

    def enter(self) -> list[str]:
        """The lines that let the inputs have gradients."""
        named = dict(zip(self.shaped.inputs, self.shaped.function.inputs, strict=True))
        words = [(name, named[name].name) for name in self._differentiated()]
        lines = [f"{word} = {word}.detach().requires_grad_()" for _, word in words]
        kept = [f"{literal(name)}: {word}" for name, word in words]
        return lines + (call("self.last_inputs = {", kept, "}") if kept else [])

    def _has_idle_inputs(self) -> bool:
        statements = self.training.backward_of(self.classes.net).statements
        return any(map(_is_zero, statements)) or any(map(_leaves_idle, self._statements()))

    def _statements(self) -> Iterator[Statement]:
        """Those of the backward passes of all classes."""
        return (s for plan in self.classes for s in self.training.backward_of(plan).statements)


def _leaves_idle(statement: Statement) -> bool:
    """Whether a gradient of a cell is of what has no effect on the used results of the same step.

    That may have an effect on those of later steps, but there may be none.
    """
    if not (isinstance(statement, Backward) and isinstance(statement.node, Scan)):
        return False
    scan, step = statement.node, statement.node.function
    results = zip(("", *step.states), step.outputs, strict=True)
    reached = {tensor for name, tensor in results if name in statement.names}
    for node in reversed(step.nodes):
        used = [tensor in reached for tensor in node.outputs]
        reached.update(node.inputs if any(used) else ())
        if learns(node) and not (any(used) if isinstance(node, Layer | Scan) else all(used)):
            return True
    given = (*step.proper, *map(step.before.get, scan.tensors))
    wanted = (t for t, d in zip(given, statement.d_inputs, strict=True) if d is not None)
    return any(tensor not in reached for tensor in wanted)


def _is_zero(statement: Statement) -> bool:
    """Whether a gradient is zero because nothing depends on what it is of."""
    return isinstance(statement, Formula) and statement.kind == "zeros"
