"""Backward passes, a statement a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar

from specc.classes import Classes, ClassPlan
from specc.differentiate import Backward, BackwardGraph, Formula
from specc.graph import Iteration, Layer, Loop, Scan, Tensor
from specc.ops.base import LossOp
from specc.targets.forward import lent, lent_names, part_name
from specc.targets.layout import call, indented
from specc.words import variables

_T = TypeVar("_T")


class BackwardWriter:
    """Writes the statements of one backward pass.

    Attributes:
        zeros: the function that makes a gradient of zero.
        stack: where an instance that is called several times a step keeps its values.
        in_place: whether gradients are overwritten once they are used.
    """

    zeros: ClassVar[str]
    stack: ClassVar[str]
    in_place: ClassVar[bool]

    def __init__(
        self, plan: ClassPlan, classes: Classes, graphs: Mapping[int, BackwardGraph]
    ) -> None:
        self.plan = plan
        self.classes = classes
        self.graphs = graphs
        self.graph = graphs[id(plan)]
        self.names: dict[Tensor, str] = {}
        self.taken = _names_in(self.graph) | set(plan.function.borrowed)

    def lines(self) -> list[str]:
        """The body of `backward`, without `return`."""
        lines: list[str] = []
        kept = [self.local(t) for t in self.graph.kept]
        if kept:
            source = f"{self.stack}.pop()" if self.plan.is_stacked else "self.kept"
            lines += _unpack(kept, source)
        for statement in self.graph.statements:
            if isinstance(statement, Formula):
                lines.append(self._formula(statement))
            else:
                lines += self._backward(statement)
        return lines

    def local(self, tensor: Tensor) -> str:
        """The variable of a tensor here: the tap `tap[1]` is kept as `tap_1`."""
        if tensor not in self.names:
            is_tap = "[" in tensor.name
            name = tensor.name.replace("[", "_").replace("]", "")
            self.names[tensor] = self._free(name) if is_tap else name
        return self.names[tensor]

    def _free(self, name: str) -> str:
        """A variable that no tensor has."""
        return variables([name], self.taken)[name]

    def _formula(self, formula: Formula) -> str:
        arguments = [self.local(t) for t in formula.arguments]
        in_place = formula.in_place and self.in_place
        if in_place and formula.kind == "sum":
            self.names[formula.result] = arguments[0]
            return f"{arguments[0]} += {arguments[1]}"
        result = self.local(formula.result)
        if formula.kind == "sum":
            return f"{result} = {' + '.join(arguments)}"
        if formula.kind == "negative":
            return f"{result} = -{arguments[0]}"
        if formula.kind == "product":
            return f"{result} = {' * '.join(arguments)}"
        if formula.kind == "zeros":
            return f"{result} = {self.zeros}({arguments[0]})"
        if in_place:
            arguments.append(f"out={arguments[0]}")
        return f"{result} = {formula.kind}({', '.join(arguments)})"

    def _backward(self, statement: Backward) -> list[str]:
        node = statement.node
        if isinstance(node, Loop):
            return self._loop(statement, node)
        copied = self._copied(statement)
        given = [
            self.local(t) + (".copy()" if i in copied else "")
            for i, t in enumerate(statement.d_outputs)
        ]
        if isinstance(node, Layer | Scan):
            given = [
                f"d_{name}={text}" if name else text
                for name, text in zip(statement.names, given, strict=True)
            ]
        else:
            given += lent(node.function)
        if self.in_place and statement in self.graph.layers_in_place:
            given.append("in_place=True")
        owner = "" if node.name in self.plan.function.borrowed else "self."
        d_inputs: Sequence[Tensor | None] = statement.d_inputs
        if isinstance(node, Layer | Scan):
            d_inputs = handed_back(node, d_inputs)
        prefix = self._results(d_inputs)
        return call(f"{prefix}{owner}{node.name}.backward(", given)

    def _copied(self, statement: Backward) -> set[int]:
        """The positions of gradients that are copied, because the call may overwrite them."""
        return self.graph.copies.get(statement, set()) if self.in_place else set()

    def _results(self, d_inputs: Sequence[Tensor | None]) -> str:
        if all(t is None for t in d_inputs):
            return ""
        return ", ".join("_" if t is None else self.local(t) for t in d_inputs) + " = "

    # ------------------------------------------------------------ loops

    def _loop(self, statement: Backward, loop: Loop) -> list[str]:
        carried = statement.d_inputs[0]
        first = self.local(statement.d_outputs[0])
        copied = ".copy()" if 0 in self._copied(statement) else ""
        name = self.local(carried) if carried is not None else self._free(f"d_{loop.name}_x")
        lines = [f"{name} = {first}{copied}"] if name != first or copied else []
        captured = dict(zip(loop.inputs[1:], statement.d_inputs[1:], strict=True))
        lines += [f"{self.local(d)} = 0" for d in captured.values() if d is not None]
        if loop.is_uniform:
            return lines + self._uniform(statement, loop, name, captured)
        return lines + self._unrolled(statement, loop, name, captured)

    def _uniform(
        self, statement: Backward, loop: Loop, name: str, captured: dict[Tensor, Tensor | None]
    ) -> list[str]:
        part = part_name(loop, self.plan)
        taps = self._tap_gradients(statement, loop)
        plan = self.classes.plans_in(self.plan, loop)[0]
        heads = [f"for {part} in reversed(self.{loop.name}):"]
        given = [name]
        if taps:
            columns = [f"d_{tap}_" for tap, column in zip(loop.taps, taps, strict=False) if column]
            rows = [f"[{', '.join(column)}]" for column in taps if column]
            sources = [f"reversed(self.{loop.name})", *(f"reversed({r})" for r in rows)]
            head = f"for {part}, {', '.join(columns)} in zip("
            heads = call(head, [*sources, "strict=True"], "):")
            given += columns
        body = self._step(loop.iterations[0], plan, f"{part}", name, given, captured)
        return [*heads, *indented(body)]

    def _tap_gradients(self, statement: Backward, loop: Loop) -> list[list[str]]:
        """For each tap that is used, its gradients in the order of the iterations."""
        rest = [
            self.local(t) + (".copy()" if i in self._copied(statement) else "")
            for i, t in enumerate(statement.d_outputs[1:], start=1)
        ]
        count = len(loop.iterations)
        width = len(rest) // count
        return [rest[position::width] for position in range(width)]

    def _unrolled(
        self, statement: Backward, loop: Loop, name: str, captured: dict[Tensor, Tensor | None]
    ) -> list[str]:
        plans = self.classes.plans_in(self.plan, loop)
        lines: list[str] = []
        copied = self._copied(statement)
        d_taps = [self.local(t) for t in statement.d_outputs[1:]]
        for i, tap in enumerate(loop.outputs[1:]):
            if i + 1 in copied:
                lines.append(f"d_{tap.name}_ = {d_taps[i]}.copy()")
                d_taps[i] = f"d_{tap.name}_"
        taps = reversed(d_taps)
        for index in reversed(range(len(loop.iterations))):
            iteration = loop.iterations[index]
            d_taps = [next(taps) for _ in iteration.taps][::-1]
            part = f"self.{loop.name}[{index}]"
            lines += self._step(iteration, plans[index], part, name, [name, *d_taps], captured)
        return lines

    def _step(
        self,
        iteration: Iteration,
        plan: ClassPlan,
        part: str,
        name: str,
        given: list[str],
        captured: dict[Tensor, Tensor | None],
    ) -> list[str]:
        """The backward call of one iteration; gradients of outer tensors are added up."""
        d_inputs = self.graphs[id(plan)].d_inputs
        if not plan.used[0]:
            given = given[1:]
        results = [name if d_inputs[0] is not None else "_"]
        sums: list[str] = []
        for outer, d_inner in zip(iteration.inputs, d_inputs[1:], strict=True):
            total = captured.get(outer)
            if d_inner is None or total is None:
                results.append("_")
                continue
            part_of = self._free(f"{self.local(total)}_part")
            results.append(part_of)
            sums.append(f"{self.local(total)} = {self.local(total)} + {part_of}")
        function = iteration.function
        if function.is_single and isinstance(function.nodes[0], Layer | Scan):
            names = dict(zip(function.inputs, results, strict=True))
            given_to = tuple(names.get(t) for t in function.nodes[0].inputs)
            results = [name or "_" for name in handed_back(function.nodes[0], given_to)]
        prefix = "" if set(results) == {"_"} else f"{', '.join(results)} = "
        arguments = [*given, *lent_names(iteration.function, self.plan)]
        return [*call(f"{prefix}{part}.backward(", arguments, ")", 12), *sums]


def handed_back(node: Layer | Scan, d_inputs: Sequence[_T | None]) -> Sequence[_T | None]:
    """Of something for each input, what stands for what the backward pass of a layer returns.

    That is, of a loss, the gradient of the prediction. Any other layer returns those of its inputs
    proper and one for each tensor that it can be handed by name, given or not.
    """
    if isinstance(node, Layer) and isinstance(node.op, LossOp):
        return d_inputs[:1]
    proper, named = node.split(d_inputs)
    return (*proper, *map(named.get, node.tensor_arguments))


def _names_in(graph: BackwardGraph) -> set[str]:
    """The names of all tensors of a backward pass."""
    tensors: list[Tensor | None] = [*graph.kept, *graph.d_outputs]
    for statement in graph.statements:
        if isinstance(statement, Formula):
            tensors += [statement.result, *statement.arguments]
        else:
            tensors += [*statement.d_outputs, *statement.d_inputs]
    return {tensor.name for tensor in tensors if tensor is not None}


def _unpack(names: list[str], source: str) -> list[str]:
    return call("", names, f" = {source}")
