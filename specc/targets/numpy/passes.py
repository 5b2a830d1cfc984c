"""Forward and backward passes of a class, a statement a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc.classes import Classes, ClassPlan
from specc.differentiate import Backward, BackwardGraph, Formula
from specc.graph import Call, Function, Iteration, Layer, Loop, Tensor
from specc.ops.base import FunctionOp, LayerOp, LossOp
from specc.targets.layout import call, commented, indented
from specc.terms import Polynomial, render, substitute
from specc.words import safe_name, variables


def forward_lines(plan: ClassPlan, graph: BackwardGraph) -> list[str]:
    """The statements of the forward pass, shapes in the comments, without `return`."""
    writer = _Forward(plan, graph)
    lines: list[str] = []
    for node in plan.function.nodes:
        if isinstance(node, Layer) and isinstance(node.op, LossOp):
            continue
        lines += writer.node(node)
    if graph.kept:
        kept = [tensor.name for tensor in graph.kept]
        lines.append("if training:")
        lines += indented(_keep(kept, plan.is_stacked))
    return lines


def _keep(names: list[str], is_stacked: bool) -> list[str]:
    if is_stacked:
        inner = f"({', '.join(names)})" if len(names) > 1 else names[0]
        return call("self.calls.append(", [inner], ")", 12)
    return call("self.kept = ", names, "", 12)


class _Forward:
    """Writes the statements of one forward pass."""

    def __init__(self, plan: ClassPlan, graph: BackwardGraph) -> None:
        self.plan = plan
        self.graph = graph
        self.shapes = Shapes(plan)
        body = plan.function
        self.read = {*graph.kept, *body.outputs, *(t for n in body.nodes for t in n.inputs)}

    def node(self, node: Layer | Call | Loop) -> list[str]:
        """The lines of one node."""
        if isinstance(node, Loop):
            return self._loop(node) if node.is_uniform else self._unrolled(node)
        results = ", ".join(self._bound(node.outputs))
        return commented(self._applied(node, results), self.shapes.comment(node.outputs))

    def _bound(self, tensors: Sequence[Tensor]) -> list[str]:
        """The variables that results are bound to: `_` where nobody reads one."""
        return [t.name if t in self.read else "_" for t in tensors]

    def _applied(self, node: Layer | Call, results: str) -> list[str]:
        inputs = [t.name for t in node.inputs]
        if isinstance(node, Layer) and not isinstance(node.op, LayerOp):
            return call(f"{results} = ", [self._function(node, inputs)], "")
        owner = "" if node.name in self.plan.function.borrowed else "self."
        borrowed = _lent(node.function) if isinstance(node, Call) else []
        arguments = [*inputs, *borrowed, "training"]
        if isinstance(node, Layer) and len(inputs) > 1:  # a join takes a list
            arguments = [f"[{', '.join(inputs)}]", "training"]
        return call(f"{results} = {owner}{node.name}.forward(", arguments)

    def _function(self, layer: Layer, inputs: list[str]) -> str:
        assert isinstance(layer.op, FunctionOp)
        return layer.op.expression(inputs, self.graph.forward_in_place.get(layer))

    def _loop(self, loop: Loop) -> list[str]:
        """All iterations alike: a loop over the list of parts."""
        result = loop.outputs[0].name
        iteration = loop.iterations[0]
        lines = [f"{result} = {loop.inputs[0].name}"]
        lines += [f"{tap} = []" for tap in loop.taps]
        outer = [t.name for t in iteration.inputs] + _lent_names(iteration.function, self.plan)
        values = [f"{tap}_" for tap in loop.taps]
        part = part_name(loop, self.plan)
        lines.append(f"for {part} in self.{loop.name}:")
        arguments = [result, *outer, "training"]
        lines += indented(
            call(f"{', '.join([result, *values])} = {part}.forward(", arguments, ")", 12)
        )
        lines += [
            f"    {tap}.append({value})" for tap, value in zip(loop.taps, values, strict=True)
        ]
        return lines if loop.taps else commented(lines, self.shapes.comment(loop.outputs[:1]))

    def _unrolled(self, loop: Loop) -> list[str]:
        """Iterations that read or hand out different tensors, one line each."""
        result = loop.outputs[0].name
        lines: list[str] = []
        carried = loop.inputs[0].name
        for index, iteration in enumerate(loop.iterations):
            results = ", ".join([result, *self._bound(iteration.taps)])
            outer = [t.name for t in iteration.inputs]
            arguments = [carried, *outer, *_lent_names(iteration.function, self.plan), "training"]
            lines += call(f"{results} = self.{loop.name}[{index}].forward(", arguments)
            carried = result
        return commented(lines, self.shapes.comment(loop.outputs[:1]))


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


def _lent(function: Function) -> list[str]:
    return [f"self.{name}" for name in function.borrowed]


def _lent_names(function: Function, plan: ClassPlan) -> list[str]:
    """The shared instances that a loop's body is handed."""
    return [n if n in plan.function.borrowed else f"self.{n}" for n in function.borrowed]


# ---------------------------------------------------------------- shapes


class Shapes:
    """Shapes as comments: numbers where all instances agree, names otherwise."""

    def __init__(self, plan: ClassPlan) -> None:
        self.plan = plan
        self.position = {
            id(t): (node, j) for node in plan.function.nodes for j, t in enumerate(node.outputs)
        }

    def comment(self, tensors: Sequence[Tensor]) -> str:
        """`[N, 28, 28, 6]`, channels last as inside."""
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
        if tensor.type.is_image:
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


# ---------------------------------------------------------------- backward


class BackwardWriter:
    """Writes the statements of one backward pass."""

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
            source = "self.calls.pop()" if self.plan.is_stacked else "self.kept"
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
        if formula.in_place and formula.kind == "sum":
            self.names[formula.result] = arguments[0]
            return f"{arguments[0]} += {arguments[1]}"
        result = self.local(formula.result)
        if formula.kind == "sum":
            return f"{result} = {' + '.join(arguments)}"
        if formula.kind == "product":
            return f"{result} = {' * '.join(arguments)}"
        if formula.kind == "zeros":
            return f"{result} = np.zeros_like({arguments[0]})"
        if formula.in_place:
            arguments.append(f"out={arguments[0]}")
        return f"{result} = {formula.kind}({', '.join(arguments)})"

    def _backward(self, statement: Backward) -> list[str]:
        node = statement.node
        if isinstance(node, Loop):
            return self._loop(statement, node)
        copied = self.graph.copies.get(statement, set())
        given = [
            self.local(t) + (".copy()" if i in copied else "")
            for i, t in enumerate(statement.d_outputs)
        ]
        if isinstance(node, Call):
            given += _lent(node.function)
        owner = "" if node.name in self.plan.function.borrowed else "self."
        d_inputs = statement.d_inputs
        if isinstance(node, Layer) and isinstance(node.op, LossOp):
            d_inputs = d_inputs[:1]
        prefix = self._results(d_inputs)
        return call(f"{prefix}{owner}{node.name}.backward(", given)

    def _results(self, d_inputs: Sequence[Tensor | None]) -> str:
        if all(t is None for t in d_inputs):
            return ""
        return ", ".join("_" if t is None else self.local(t) for t in d_inputs) + " = "

    # ------------------------------------------------------------ loops

    def _loop(self, statement: Backward, loop: Loop) -> list[str]:
        carried = statement.d_inputs[0]
        first = self.local(statement.d_outputs[0])
        copied = ".copy()" if 0 in self.graph.copies.get(statement, set()) else ""
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
            self.local(t) + (".copy()" if i in self.graph.copies.get(statement, set()) else "")
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
        copied = self.graph.copies.get(statement, set())
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
        prefix = "" if set(results) == {"_"} else f"{', '.join(results)} = "
        arguments = [*given, *_lent_names(iteration.function, self.plan)]
        return [*call(f"{prefix}{part}.backward(", arguments, ")", 12), *sums]


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
