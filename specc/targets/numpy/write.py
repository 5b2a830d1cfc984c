"""The whole file of a network in NumPy."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from specc.classes import ClassPlan, is_called_again, name_classes
from specc.differentiate import Formula, TrainingModel
from specc.graph import Layer, Loop, Tensor, count_parameters
from specc.literal import literal, literal_free
from specc.ops.base import FunctionOp, LayerOp
from specc.ops.registry import ops
from specc.rendering import kernel_classes, render, render_kernels
from specc.source import Source, Span
from specc.targets.layout import WIDTH, call, fit
from specc.targets.numpy.construct import Constructor
from specc.targets.numpy.passes import BackwardWriter, forward_lines
from specc.types import Content, TensorType
from specc.words import variables

TARGET = "numpy"
Context = tuple[str, Mapping[str, object]]


@dataclass(frozen=True)
class Runtime:
    """What the training section adds to the file.

    `network` is the context of the frame `network.py.j2`, but for `stacked`; `parts` are
    templates with their contexts, in order. Both come from `specc.settings.contexts`.
    """

    network: Mapping[str, object]
    parts: Sequence[Context] = ()


@dataclass
class _Kernels:
    """The kernels that a file needs, by the op that has them."""

    by_op: dict[str, set[str]] = field(default_factory=dict)
    stacked: set[str] = field(default_factory=set)

    def add(self, op: str, kernel: str, is_stacked: bool = False) -> None:
        self.by_op.setdefault(op, set()).add(kernel)
        if is_stacked:
            self.stacked.add(kernel)

    def rendered(self) -> list[str]:
        """Their source, in alphabetical order of the ops; helpers first."""
        every = frozenset(k for kernels in self.by_op.values() for k in kernels)
        stacked = frozenset(self.stacked)
        texts = [render_kernels(TARGET, "windows", every, stacked)]
        texts += [render_kernels(TARGET, op, every, stacked) for op in sorted(self.by_op)]
        return [text for text in texts if text]


@dataclass
class _Section:
    """A stretch of the file under a heading."""

    title: str
    parts: list[str]


def write(training: TrainingModel, runtime: Runtime, doc: Sequence[str]) -> str:
    """The source of a file.

    `doc`: the lines of its docstring.
    """
    return _File(training, runtime).text(doc)


def fitted(target: str, name: str, /, **context: object) -> str:
    """A template as text, with long lines broken."""
    return fit(render(target, name, **context))


def class_name(training: TrainingModel) -> str:
    """The name of the network's class."""
    if not training.classes.net.name:
        name_classes(training.classes, _taken(), training.shaped.net.name)
    return training.classes.net.name


def _taken() -> set[str]:
    """The classes of all templates, so that names do not change with what a file uses."""
    return {"Path", *kernel_classes(TARGET)}


class _File:
    """Writes the file of one network."""

    def __init__(self, training: TrainingModel, runtime: Runtime) -> None:
        self.training = training
        self.runtime = runtime
        self.shaped = training.shaped
        self.classes = training.classes
        self.kernels = _Kernels()
        class_name(training)
        self.types = [t.type for t in self.shaped.function.inputs]

    def text(self, doc: Sequence[str]) -> str:
        """The whole source."""
        blocks = [
            self._block(plan)
            for plan in self.classes
            if plan is not self.classes.net and not _is_seen_through(plan)
        ]
        net = self._net(self.classes.net)
        sections = [
            _Section("Layers", [render(TARGET, "module"), *self.kernels.rendered()]),
            _Section("The network", [self._edges(), self._network(), *blocks, net]),
            _Section("Weights in files", [render(TARGET, "safetensors")]),
        ]
        if self.runtime.parts:
            texts = [render(TARGET, name, **context) for name, context in self.runtime.parts]
            sections += [_Section("Data", texts[:1]), _Section("Training", texts[1:])]
        for section in sections:
            section.parts = [part for part in section.parts if part]
        parts = [part for section in sections for part in section.parts]
        body = "\n".join(parts)
        threads = render(TARGET, "train/threads") if self.runtime.parts else ""
        return (
            render(
                TARGET,
                "file",
                doc=doc,
                imports=_standard_imports(body + threads),
                before_numpy=threads,
                numpy_imports=_numpy_imports(body),
                sections=sections,
            ).rstrip("\n")
            + "\n"
        )

    # ------------------------------------------------------------ frames

    def _edges(self) -> str:
        targets = [t.type for t in self.shaped.targets.values()]
        enter = any(t.is_image and t.content is Content.REAL for t in (*self.types, *targets))
        leave = any(t.type.is_image for t in self.shaped.outputs)
        leave |= self.training.input_gradients and any(t.is_image for t in self.types)
        return render(TARGET, "edges", enter=enter, leave=leave) if enter or leave else ""

    def _network(self) -> str:
        return render(
            TARGET,
            "network",
            **self.runtime.network,
            stacked=any(plan.is_stacked for plan in self.classes) or bool(self.kernels.stacked),
        )

    # ------------------------------------------------------------ classes

    def _block(self, plan: ClassPlan) -> str:
        graph = self.training.backward_of(plan)
        constructor = Constructor(plan, self.classes, self.training.backward)
        construct = constructor.lines()
        forward = forward_lines(plan, graph)
        writer = BackwardWriter(plan, self.classes, self.training.backward)
        backward = writer.lines()
        self._note_kernels(plan)
        borrowed = plan.function.borrowed
        d_inputs = [writer.local(t) if t is not None else "None" for t in graph.d_inputs]
        return fitted(
            TARGET,
            "block",
            name=plan.name,
            doc=_block_doc(plan, self.shaped.model.program.source),
            arguments=", ".join(constructor.words[n] for n in plan.arguments),
            construct=construct,
            inputs=", ".join([*(t.name for t in plan.function.inputs), *borrowed]),
            forward=forward,
            results=", ".join(t.name for t in plan.function.outputs),
            d_outputs=", ".join([*(t.name for t in graph.d_outputs), *borrowed]),
            backward=backward,
            d_inputs=", ".join(d_inputs) if any(graph.d_inputs) else "",
        )

    def _note_kernels(self, plan: ClassPlan) -> None:
        for node in plan.function.nodes:
            if isinstance(node, Loop):
                for child in self.classes.children(plan, node):
                    if _is_seen_through(child):
                        self._note_kernels(child)
            elif isinstance(node, Layer):
                self._note_layer(plan, node)
        for statement in self.training.backward_of(plan).statements:
            if isinstance(statement, Formula) and statement.kind.endswith("_backward"):
                self.kernels.add(_op_of(statement.kind), statement.kind)

    def _note_layer(self, plan: ClassPlan, node: Layer) -> None:
        stacked = plan.is_stacked or is_called_again(plan.function, node)
        if isinstance(node.op, LayerOp):
            self.kernels.add(node.op.name, node.op.kernel(plan.layers_like(node)), stacked)
        elif isinstance(node.op, FunctionOp) and node.op.has_kernel:
            self.kernels.add(node.op.name, node.op.function_name)

    # ------------------------------------------------------------ the net

    def _net(self, plan: ClassPlan) -> str:
        graph = self.training.backward_of(plan)
        construct = Constructor(plan, self.classes, self.training.backward).lines()
        run = forward_lines(plan, graph)
        writer = BackwardWriter(plan, self.classes, self.training.backward)
        backward = writer.lines()
        self._note_kernels(plan)
        gradients: list[str] = []
        for name, tensor, d in zip(
            self.shaped.inputs, plan.function.inputs, graph.d_inputs, strict=True
        ):
            if d is not None:
                value = (
                    f"channels_first({writer.local(d)})"
                    if tensor.type.is_image
                    else writer.local(d)
                )
                gradients.append(f"{literal(name)}: {value}")
        if gradients:
            backward += call("self.input_gradients = {", gradients, "}")
        results = self._results()
        inputs = ", ".join(t.name for t in plan.function.inputs)
        names = ", ".join(t.name for t in results)
        return fitted(
            TARGET,
            "net",
            name=plan.name,
            doc=self._net_doc(),
            construct=construct,
            inputs=inputs,
            targets=", ".join(t.name for t in self.shaped.targets.values()),
            losses=bool(self.shaped.losses),
            stacked=any(p.is_stacked for p in self.classes) or bool(self.kernels.stacked),
            inputs_doc=self._inputs_doc(),
            enter=[_enter(t) for t in plan.function.inputs if _enter(t)],
            run=run,
            run_results=names,
            leave=self._leave(results, inputs),
            enter_targets=[_enter(t) for t in self.shaped.targets.values() if _enter(t)],
            loss=self._loss(results, inputs),
            backward=backward,
        )

    def _results(self) -> tuple[Tensor, ...]:
        """What the forward pass returns: the outputs, and what else the losses look at."""
        seen = self.shaped.losses
        known = {id(t) for t in (*self.shaped.inputs.values(), *self.shaped.targets.values())}
        others = (t for loss in seen for t in loss.inputs if id(t) not in known)
        return tuple(dict.fromkeys((*self.shaped.outputs, *others)))

    def _leave(self, results: tuple[Tensor, ...], inputs: str) -> list[str]:
        run = f"self.run({inputs}, training=False)"
        outputs = self.shaped.outputs
        if len(results) == 1:
            return [f"return {_outside(run, outputs[0].type)}"]
        names = [t.name if t in outputs else "_" for t in results]
        returned = ", ".join(_outside(t.name, t.type) for t in outputs)
        return [f"{', '.join(names)} = {run}", f"return {returned}"]

    def _loss(self, results: tuple[Tensor, ...], inputs: str) -> list[str]:
        looked_at = {id(t) for loss in self.shaped.losses for t in loss.inputs}
        names = [t.name if id(t) in looked_at else "_" for t in results]
        lines = [f"{', '.join(names)} = self.run({inputs}, training)"]
        terms = []
        for loss in self.shaped.losses:
            arguments = ", ".join([*(t.name for t in loss.inputs), "training"])
            terms.append(f"self.{loss.name}.forward({arguments})")
        if len(terms) == 1:
            return [*lines, f"return {terms[0]}"]
        taken = [t.name for t in (*self.shaped.targets.values(), *results)]
        numbered = [f"loss{i}" for i in range(1, len(terms) + 1)]
        words = variables(numbered, taken).values()
        lines += [f"{word} = {term}" for word, term in zip(words, terms, strict=True)]
        return [*lines, f"return {' + '.join(words)}"]

    def _net_doc(self) -> list[str]:
        net, source = self.shaped.net, self.shaped.model.program.source
        count = count_parameters(self.shaped.function)
        place = _place(net.name_span, source)
        whole = f"The network `{net.name}` ({place}): {count:,} parameters."
        if len(whole) + 10 <= WIDTH:
            return [whole]
        return [f"The network `{net.name}`.", f"From {place}; {count:,} parameters."]

    def _inputs_doc(self) -> list[str]:
        takes = ", ".join(f"{t.name} {_public(t.type)}" for t in self.shaped.function.inputs)
        gives = ", ".join(_public(t.type) for t in self.shaped.outputs)
        whole = f"{gives} from {takes}, in evaluation mode."
        if len(whole) + 14 <= WIDTH:
            return [whole]
        more = textwrap.wrap(f"{gives} from {takes}.", WIDTH - 8, break_long_words=False)
        return ["The outputs, in evaluation mode.", "", *more]


def _is_seen_through(plan: ClassPlan) -> bool:
    """A loop's body that is one call has no class of its own."""
    return plan.function.is_single


def _op_of(backward: str) -> str:
    name = backward.removesuffix("_backward")
    return next(
        op.name for op in ops().values() if isinstance(op, FunctionOp) and op.function_name == name
    )


def _enter(tensor: Tensor) -> str:
    """The line that brings an input or a real target into the network's layout and type."""
    if tensor.type.content is not Content.REAL:
        return ""
    if tensor.type.is_image:
        return f"{tensor.name} = channels_last({tensor.name}, self.values.dtype)"
    return f"{tensor.name} = np.asarray({tensor.name}, self.values.dtype)"


def _outside(text: str, type_: TensorType) -> str:
    return f"channels_first({text})" if type_.is_image else f"{text}.copy()"


def _public(type_: TensorType) -> str:
    return f"[{', '.join(['N', *(str(size) for size in type_.shape)])}]"


def _place(span: Span, spec: Source) -> str:
    """File and line; the file as seen from the spec's folder, wherever that lies."""
    folder, name = PurePath(spec.name).parent, PurePath(span.source.name)
    inside = name.relative_to(folder) if name.is_relative_to(folder) else PurePath(name.name)
    return f"{literal_free(inside.as_posix())}:{span.line}"


def _block_doc(plan: ClassPlan, spec: Source) -> list[str]:
    """The docstring: the spec's name and line, and which instances it stands for."""
    function = plan.function
    where = [path for path in plan.instances if path][:4]
    more = ", …" if len(plan.instances) > 4 else ""
    first = f"`{function.name}` ({_place(function.span, spec)})"
    used = ", ".join(f"`{path}`" for path in where)
    one = f"{first}: {used}{more}."
    if len(one) + 10 <= 100:
        return [one]
    lines = [f"{first}."]
    current = "Instances:"
    for word in (used + more + ".").split(" "):
        if len(current) + len(word) + 5 > 100:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}"
    return [*lines, current]


# ---------------------------------------------------------------- imports

_STANDARD = (
    "argparse", "csv", "gzip", "itertools", "json", "math", "os", "sys", "time", "zipfile", "zlib",
)  # fmt: skip


def _standard_imports(text: str) -> list[str]:
    """The modules that the text uses, as import lines in their customary order."""
    lines = [f"import {name}" for name in _STANDARD if re.search(rf"\b{name}\.\w", text)]
    if re.search(r"\bPath\b", text):
        lines.append("from pathlib import Path")
    return lines


def _numpy_imports(text: str) -> list[str]:
    lines = ["import numpy as np"]
    if "sliding_window_view(" in text:
        lines.append("from numpy.lib.stride_tricks import sliding_window_view")
    return lines
