"""Forward passes, a statement a line, with the shape of each result behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from specc.classes import ClassPlan
from specc.differentiate import BackwardGraph
from specc.graph import Call, Function, Iteration, Layer, Loop, Scan, Tensor
from specc.ops.base import LossOp
from specc.targets.layout import call, commented, indented
from specc.terms import Polynomial, render, substitute
from specc.words import safe_name, variables


class ForwardWriter(ABC):
    """Writes the statements of one forward pass.

    Attributes:
        channels_last: whether the shapes of images in comments end with the channels.
    """

    channels_last: ClassVar[bool] = False

    def __init__(self, plan: ClassPlan) -> None:
        self.plan = plan
        self.shapes = Shapes(plan, self.channels_last)
        body = plan.function
        self.read = {*body.outputs, *(t for n in body.nodes for t in n.inputs)}

    def lines(self) -> list[str]:
        """The statements, without `return`; losses are written elsewhere."""
        nodes = self.plan.function.nodes
        flow = [n for n in nodes if not (isinstance(n, Layer) and isinstance(n.op, LossOp))]
        return [line for node in flow for line in self.node(node)]

    @abstractmethod
    def expression(self, layer: Layer, inputs: list[str]) -> str | None:
        """A layer that is no object, applied to variables; `None` if it is an object."""

    def called(self, part: str, arguments: list[str]) -> tuple[str, list[str]]:
        """How an object is called: up to the opening bracket, and its arguments."""
        return f"{part}(", arguments

    def listed(self, inputs: list[str]) -> list[str]:
        """The inputs of a layer that is an object, as its arguments."""
        return inputs

    def node(self, node: Layer | Call | Loop) -> list[str]:
        """The lines of one node."""
        if isinstance(node, Loop):
            return self._loop(node) if node.is_uniform else self._unrolled(node)
        bound = self._bound(node.outputs)
        if isinstance(node, Layer | Scan) and len(bound) == 1:
            bound += self.unnamed(node)
        results = ", ".join(bound)
        return commented(self._applied(node, results), self.shapes.comment(node.outputs))

    def unnamed(self, node: Layer | Scan) -> list[str]:
        """What takes the optional results where the spec does not name them."""
        return ["_"] * len(node.optional_results)

    def _bound(self, tensors: Sequence[Tensor]) -> list[str]:
        """The variables that results are bound to: `_` where nobody reads one."""
        return [t.name if t in self.read else "_" for t in tensors]

    def _applied(self, node: Layer | Call, results: str) -> list[str]:
        inputs, keywords = [t.name for t in node.inputs], list[str]()
        expression = self.expression(node, inputs) if isinstance(node, Layer) else None
        if expression is not None:
            return call(f"{results} = ", [expression], "")
        if isinstance(node, Layer | Scan):
            inputs, keywords = self._given(node, inputs)
        else:
            inputs += lent(node.function)
        owner = "" if node.name in self.plan.function.borrowed else "self."
        return self._call(results, f"{owner}{node.name}", inputs, keywords)

    def _given(self, node: Layer | Scan, inputs: list[str]) -> tuple[list[str], list[str]]:
        """Variables as arguments: the inputs proper, and then tensors by name."""
        proper, named = node.split(inputs)
        return self.listed(proper), [f"{name}={tensor}" for name, tensor in named.items()]

    def _call(
        self,
        results: str,
        part: str,
        arguments: list[str],
        keywords: Sequence[str] = (),
        indent: int = 8,
    ) -> list[str]:
        """The lines of `results = part(arguments)`."""
        prefix, arguments = self.called(part, arguments)
        return call(f"{results} = {prefix}", [*arguments, *keywords], ")", indent)

    def _loop(self, loop: Loop) -> list[str]:
        """All iterations alike: a loop over the list of parts."""
        result = loop.outputs[0].name
        iteration = loop.iterations[0]
        lines = [f"{result} = {loop.inputs[0].name}"]
        lines += [f"{tap} = []" for tap in loop.taps]
        values = [f"{tap}_" for tap in loop.taps]
        part = part_name(loop, self.plan)
        lines.append(f"for {part} in self.{loop.name}:")
        lines += indented(self._iteration([result, *values], part, iteration, result, indent=12))
        lines += [
            f"    {tap}.append({value})" for tap, value in zip(loop.taps, values, strict=True)
        ]
        if loop.taps:
            return lines
        when = "at the end " if self._changes(loop) else ""
        return commented(lines, self.shapes.comment(loop.outputs[:1]), when=when)

    def _iteration(
        self, results: list[str], part: str, iteration: Iteration, carried: str, indent: int = 8
    ) -> list[str]:
        """The call of one round; where the body is one layer, that is called as it is elsewhere."""
        function = iteration.function
        arguments, keywords = [carried, *(t.name for t in iteration.inputs)], list[str]()
        node = function.nodes[0]
        if function.is_single and isinstance(node, Layer | Scan):
            names = dict(zip(function.inputs, arguments, strict=True))
            arguments, keywords = self._given(node, [names[t] for t in node.inputs])
            results = results + self.unnamed(node)
        else:
            arguments += lent_names(function, self.plan)
        return self._call(", ".join(results), part, arguments, keywords, indent)

    def _changes(self, loop: Loop) -> bool:
        """Whether a round of the loop hands on another shape than it gets, in any instance."""
        peers = (n for n in self.plan.peers(loop) if isinstance(n, Loop))
        return any(peer.inputs[0].type.shape != peer.outputs[0].type.shape for peer in peers)

    def _unrolled(self, loop: Loop) -> list[str]:
        """Iterations that read or hand out different tensors, one line each."""
        result = loop.outputs[0].name
        lines: list[str] = []
        carried = loop.inputs[0].name
        for index, iteration in enumerate(loop.iterations):
            results = [result, *self._bound(iteration.taps)]
            part = f"self.{loop.name}[{index}]"
            lines += self._iteration(results, part, iteration, carried)
            carried = result
        return commented(lines, self.shapes.comment(loop.outputs[:1]))


class KeepingForward(ForwardWriter):
    """Writes a forward pass that keeps what the backward pass reads.

    Attributes:
        mode: what says whether the network is training.
        stack: where an instance that is called several times a step keeps its values.
    """

    mode: ClassVar[str]
    stack: ClassVar[str]

    def __init__(self, plan: ClassPlan, graph: BackwardGraph) -> None:
        super().__init__(plan)
        self.graph = graph
        self.read |= {*graph.kept}

    def lines(self) -> list[str]:
        """The statements, and what is kept while training."""
        if not self.graph.kept:
            return super().lines()
        return [*super().lines(), f"if {self.mode}:", *indented(self._keep())]

    def _keep(self) -> list[str]:
        names = [tensor.name for tensor in self.graph.kept]
        if not self.plan.is_stacked:
            return call("self.kept = ", names, "", 12)
        inner = f"({', '.join(names)})" if len(names) > 1 else names[0]
        return call(f"{self.stack}.append(", [inner], ")", 12)


def part_name(loop: Loop, plan: ClassPlan) -> str:
    """What one iteration of a loop is called: the block's name where that is free, or `part`."""
    function = loop.iterations[0].function
    taken = {t.name for n in plan.function.nodes for t in n.outputs}
    taken.update(t.name for t in plan.function.inputs)
    taken.update(tap for n in plan.function.nodes if isinstance(n, Loop) for tap in n.taps)
    taken.update(plan.function.borrowed)
    if function.is_single and isinstance(function.nodes[0], Call):
        name = safe_name(function.nodes[0].function.name)
        if name not in taken and not name.startswith("d_"):
            return name
    return variables(["part"], taken)["part"]


def lent(function: Function) -> list[str]:
    """The shared instances that a block's call is handed."""
    return [f"self.{name}" for name in function.borrowed]


def lent_names(function: Function, plan: ClassPlan) -> list[str]:
    """The shared instances that a loop's body is handed."""
    return [n if n in plan.function.borrowed else f"self.{n}" for n in function.borrowed]


# ---------------------------------------------------------------- shapes


class Shapes:
    """Shapes as comments: numbers where all instances agree, names otherwise."""

    def __init__(self, plan: ClassPlan, channels_last: bool) -> None:
        self.plan = plan
        self.channels_last = channels_last
        self.position = {
            id(t): (node, j) for node in plan.function.nodes for j, t in enumerate(node.outputs)
        }

    def comment(self, tensors: Sequence[Tensor]) -> str:
        """`[N, 28, 28, 6]`, one for each."""
        return ", ".join(self.shape(tensor) for tensor in tensors)

    def shape(self, tensor: Tensor) -> str:
        """The shape of one tensor."""
        found = self.position.get(id(tensor))
        if found is None:
            alike = [tensor]
        else:
            node, output = found
            peers = self.plan.peers(node)
            alike = [p.outputs[output] for p in peers if output < len(p.outputs)]
        sizes = [self._size(axis, alike) for axis in range(tensor.type.rank)]
        if tensor.type.is_image and self.channels_last:
            sizes = [*sizes[1:], sizes[0]]
        return f"[{', '.join(['N', *sizes])}]"

    def _size(self, axis: int, alike: list[Tensor]) -> str:
        sizes = [t.type.shape[axis] for t in alike]
        if all(s.plain == sizes[0].plain for s in sizes):
            return str(sizes[0].plain)
        term = substitute(sizes[0].term, self.plan.fixed)
        if isinstance(term, Polynomial):
            return _short(render(term))
        return {3: "CHW", 2: "TF", 1: "F"}.get(len(alike[0].type.shape), "?" * 9)[axis]


def _short(text: str) -> str:
    for name, letter in (("in_height", "H"), ("in_width", "W"), ("in_length", "T")):
        text = text.replace(name, letter)
    return text
