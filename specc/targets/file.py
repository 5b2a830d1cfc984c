"""The whole file of a network: its sections, in the order that all targets share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from specc.classes import ClassPlan, is_called_again
from specc.differentiate import Formula, TrainingModel
from specc.graph import Function, Layer, Loop, Origin, Scan, Tensor, carries_state, every_layer
from specc.literal import literal
from specc.ops.base import FunctionOp, LayerOp, LossOp
from specc.ops.registry import ops
from specc.rendering import render, render_some
from specc.targets.backward import BackwardWriter
from specc.targets.base import Runtime
from specc.targets.checks import Checks
from specc.targets.construct import Constructor
from specc.targets.docstrings import block_doc
from specc.targets.forward import ForwardWriter
from specc.targets.imports import standard_imports
from specc.targets.kernels import Kernels
from specc.targets.layout import call, fit
from specc.targets.lines import lines_table
from specc.types import TensorType
from specc.words import variables


@dataclass
class _Section:
    """A stretch of the file under a heading."""

    title: str
    parts: list[str]


class FileWriter(ABC):
    """Writes the file of one network.

    Attributes:
        target: whose templates are used.
        helpers: templates with what several kernels need.
        backward: what writes backward passes; `None` where gradients are left to a library.
    """

    target: ClassVar[str]
    helpers: ClassVar[tuple[str, ...]]
    backward: ClassVar[type[BackwardWriter] | None]

    def __init__(self, training: TrainingModel, runtime: Runtime) -> None:
        self.training = training
        self.runtime = runtime
        self.shaped = training.shaped
        self.classes = training.classes
        self.checks = Checks(self.shaped, self.target)
        is_explicit = runtime.backward == "explicit"
        self.kernels = Kernels(self.target, self.helpers, is_explicit)

    def text(self, doc: Sequence[str]) -> str:
        """The whole source; `doc` are the lines of its docstring."""
        sections = [section for section in self._sections() if section.parts]
        body = "\n".join(part for section in sections for part in section.parts)
        before = self.before()
        source = render(
            self.target,
            "file",
            doc=doc,
            imports=standard_imports(f"{before}\n{body}"),
            before=before,
            libraries=self.libraries(body),
            sections=sections,
        )
        return source.rstrip("\n") + "\n"

    def _sections(self) -> list[_Section]:
        plans = [p for p in self.classes if p is not self.classes.net and not is_seen_through(p)]
        blocks = [self.block(plan) for plan in plans]
        net = self.net(self.classes.net)
        parts = [render_some(self.target, name, context) for name, context in self.runtime.parts]
        return [
            _Section("Layers", self.layers()),
            _Section("The network", [*self.frame(), *blocks, net]),
            _Section("Weights in files", [render(self.target, "safetensors")]),
            _Section("Data", [part for part in parts[:1] if part]),
            _Section("Training", [*self._watch(plans), *(part for part in parts[1:] if part)]),
        ]

    def _watch(self, blocks: Sequence[ClassPlan]) -> list[str]:
        """What `--check-finite` needs: where the parts of each class stand in the spec."""
        if not self.runtime.parts:
            return []
        plans = [(plan, self._parts(plan)) for plan in (*blocks, self.classes.net)]
        context = {
            "lines": lines_table(plans, self.shaped.model.program.source),
            "numpy": self.target == "numpy",
            "explicit": self.runtime.backward == "explicit",
            **_watched(plan.function for plan, _ in plans),
        }
        return [render(self.target, "train/watch", **context)]

    def _parts(self, plan: ClassPlan) -> set[str]:
        """The attributes that a class constructs."""
        lines = self.constructor(plan).lines()
        return {line.removeprefix("self.").split(" = ")[0] for line in lines}

    # ------------------------------------------------------------ what a target writes

    @abstractmethod
    def before(self) -> str:
        """What must run before libraries are imported."""

    @abstractmethod
    def libraries(self, text: str) -> list[str]:
        """The import lines of the libraries that a text uses."""

    @abstractmethod
    def layers(self) -> list[str]:
        """The definitions of layers, once all classes are written."""

    @abstractmethod
    def frame(self) -> list[str]:
        """What every network has."""

    @abstractmethod
    def net(self, plan: ClassPlan) -> str:
        """The class of the network."""

    @abstractmethod
    def constructor(self, plan: ClassPlan) -> Constructor:
        """What writes the constructor of a class."""

    @abstractmethod
    def forward(self, plan: ClassPlan) -> ForwardWriter:
        """What writes the forward pass of a class."""

    def outside(self, text: str, type_: TensorType) -> str:
        """A gradient in the public layout."""
        return text

    @abstractmethod
    def note_layer(self, plan: ClassPlan, layer: Layer, is_stacked: bool) -> None:
        """Note the kernel of a layer."""

    # ------------------------------------------------------------ classes

    def block(self, plan: ClassPlan) -> str:
        """The class of a block or of a loop's body."""
        constructor, function = self.constructor(plan), plan.function
        self.note_kernels(plan)
        return self.fitted(
            "block",
            numpy=self.target == "numpy",
            name=plan.name,
            cell=function.origin is Origin.CELL,
            doc=block_doc(plan, self.classes.conditions(plan), self.shaped.model.program.source),
            arguments=", ".join(constructor.words[n] for n in plan.arguments),
            construct=constructor.lines(),
            inputs=", ".join([*(t.name for t in function.inputs), *function.borrowed]),
            forward=self.forward(plan).lines(),
            results=", ".join(t.name for t in function.outputs),
            **self._block_backward(plan),
        )

    def _block_backward(self, plan: ClassPlan) -> dict[str, object]:
        """What the template of a block takes for the backward pass, where that is explicit."""
        if self.backward is None:
            return {"backward": [], "d_outputs": "", "d_inputs": ""}
        graph = self.training.backward_of(plan)
        writer = self.backward(plan, self.classes, self.training.backward)
        lines = writer.lines()
        d_inputs = [writer.local(t) if t is not None else "None" for t in graph.d_inputs]
        return {
            "backward": lines,
            "d_outputs": ", ".join([*(t.name for t in graph.d_outputs), *plan.function.borrowed]),
            "d_inputs": ", ".join(d_inputs) if any(graph.d_inputs) else "",
        }

    def net_backward(self, plan: ClassPlan) -> list[str]:
        """The lines of the network's backward pass, where that is explicit."""
        if self.backward is None:
            return []
        writer = self.backward(plan, self.classes, self.training.backward)
        return [*writer.lines(), *self._input_gradients(writer)]

    def _input_gradients(self, writer: BackwardWriter) -> list[str]:
        """The statement that hands out the gradients of the inputs, where they are asked for."""
        d_inputs = self.training.backward_of(self.classes.net).d_inputs
        gradients = [
            f"{literal(name)}: {self.outside(writer.local(d_input), tensor.type)}"
            for (name, tensor), d_input in zip(self.shaped.inputs.items(), d_inputs, strict=True)
            if d_input is not None
        ]
        return call("self.input_gradients = {", gradients, "}") if gradients else []

    # ------------------------------------------------------------ tools

    def fitted(self, name: str, /, **context: object) -> str:
        """A template as text, with long lines broken."""
        return fit(render(self.target, name, **context))

    def note_kernels(self, plan: ClassPlan) -> None:
        """Note what a class needs of the templates: for its layers, and for its backward pass."""
        self._note_layers(plan)
        if self.kernels.is_explicit:
            self._note_functions(plan)

    def _note_layers(self, plan: ClassPlan) -> None:
        """The kernels of all layers; of loops that are one call, what that needs."""
        for node in plan.function.nodes:
            if isinstance(node, Loop):
                for child in self.classes.children(plan, node):
                    if is_seen_through(child):
                        self.note_kernels(child)
            elif isinstance(node, Layer):
                is_stacked = plan.is_stacked or is_called_again(plan.function, node)
                self.note_layer(plan, node, is_stacked)
            elif isinstance(node, Scan):
                self.kernels.add("cell", "Cell", features=self._scan_features(plan, node))

    def _note_functions(self, plan: ClassPlan) -> None:
        """The functions of the backward pass, such as `relu_backward`."""
        for statement in self.training.backward_of(plan).statements:
            if isinstance(statement, Formula) and statement.kind.endswith("_backward"):
                self.kernels.add(_op_of(statement.kind), statement.kind)

    def note_lengths(self, layer: Layer) -> None:
        """Note the function by which a loss leaves out the padding of sequences."""
        if isinstance(layer.op, LossOp) and layer.is_padded:
            self.kernels.add(layer.op.name, layer.op.function)

    def features(self, layer: Layer) -> frozenset[str]:
        """What a layer asks of its template, in any of the instances of its place.

        The word `carries` is the file's own: a state may go on where the last pass ended.
        """
        carries = carries_state(layer) and self.runtime.network.get("carries")
        asked = (layer.op.features(n) for n in self.instances(layer))
        return frozenset({"carries"} if carries else ()).union(*asked)

    def instances(self, layer: Layer) -> list[Layer]:
        """All layers that the spec writes where it writes this one, which is among them."""
        others = (n for n in every_layer(self.shaped.function) if n.span == layer.span)
        return [layer, *(n for n in others if n is not layer)]

    def _scan_features(self, plan: ClassPlan, scan: Scan) -> Iterator[str]:
        """What a scan asks of the base of cells."""
        step = self.training.backward_of(self.classes.plan_at(plan, scan))
        if any(step.d_inputs):
            yield "gradient" if any(step.d_inputs[: len(scan.sequences)]) else "none"
        yield "lengths" if scan.is_padded else "whole"
        yield "several" if len(scan.sequences) > 1 else "single"
        if scan.given:
            yield "initial"
        if len(scan.outputs) > 1:
            yield "final"
        if carries_state(scan) and self.runtime.network.get("carries"):
            yield "carries"

    def is_stacked(self) -> bool:
        """Whether some instance is called several times a step."""
        return any(plan.is_stacked for plan in self.classes) or bool(self.kernels.stacked)

    def results(self) -> tuple[Tensor, ...]:
        """What the forward pass returns: the outputs, and what else the losses look at."""
        known = {id(t) for t in (*self.shaped.inputs.values(), *self.shaped.targets.values())}
        known |= {id(tensor) for tensor in self.shaped.outputs}
        seen = (t for loss in self.shaped.losses for t in loss.inputs if id(t) not in known)
        return (*self.shaped.outputs, *dict.fromkeys(seen))

    def total(self, terms: list[str], head: str) -> list[str]:
        """The lines of `head` and the sum of all losses, each under a name if there are several."""
        if len(terms) == 1:
            return call(head, terms, "")
        taken = [t.name for t in (*self.shaped.targets.values(), *self.results())]
        numbered = [f"loss{i}" for i in range(1, len(terms) + 1)]
        words = list(variables(numbered, taken).values())
        lines = [f"{word} = {term}" for word, term in zip(words, terms, strict=True)]
        return [*lines, f"{head}{' + '.join(words)}"]

    def names_for(self, readers: Sequence[Tensor]) -> str:
        """The results as variables: `_` where none of the readers is."""
        wanted = {id(tensor) for tensor in readers}
        return ", ".join(self.result(t) if id(t) in wanted else "_" for t in self.results())

    def result(self, tensor: Tensor) -> str:
        """The variable of a tensor where `run` was called: the tap `tap[1]` is `tap_1` there."""
        if "[" not in tensor.name:
            return tensor.name
        inputs, targets = self.shaped.function.inputs, self.shaped.targets.values()
        taken = [t.name for t in (*inputs, *targets, *self.results())]
        name = tensor.name.replace("[", "_").replace("]", "")
        return variables([name], taken)[name]

    def looked_at(self) -> list[Tensor]:
        """What the losses take."""
        return [tensor for loss in self.shaped.losses for tensor in loss.inputs]


def is_seen_through(plan: ClassPlan) -> bool:
    """A loop's body that is one call has no class of its own."""
    return plan.function.is_single


def _op_of(backward: str) -> str:
    """The op whose template has a function of the backward pass, such as `relu_backward`."""
    name = backward.removesuffix("_backward")
    functions = (op for op in ops().values() if isinstance(op, FunctionOp))
    return next(op.name for op in functions if op.function_name == name)


def _watched(functions: Iterable[Function]) -> dict[str, bool]:
    """Whether parts are handed tensors or gradients by name, have parts, return pairs or `None`."""
    nodes = [node for function in functions for node in function.nodes]
    layers = [node for node in nodes if isinstance(node, Layer)]
    scans = [node for node in nodes if isinstance(node, Scan)]
    steps: list[Layer | Scan] = [*scans, *(n for n in layers if not isinstance(n.op, LossOp))]
    return {
        "named": any(node.tensors for node in steps),
        "finals": any(node.optional_results and len(node.outputs) > 1 for node in steps),
        "stacks": any(isinstance(n.op, LayerOp) and n.op.parts(n) for n in layers),
        "pairs": any(len(n.op.optional_results) > 1 for n in layers),
        "absent": any(n.op.optional_results for n in layers),
    }
