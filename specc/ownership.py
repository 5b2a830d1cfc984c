"""Who may overwrite what: the last use of an array may be done in place.

Every array has one owner, and views share it. `root` maps a tensor to the tensor whose memory it
may use; two tensors with different roots never share memory. Where that cannot be told, they are
given the same root, so that a mistake costs time and never a wrong number.
"""

from __future__ import annotations

from collections.abc import Iterable

from specc.classes import Classes, ClassPlan
from specc.differentiate import Backward, BackwardGraph, Formula, Statement
from specc.graph import Call, Layer, Loop, Node, Origin, Scan, Tensor
from specc.ops.base import LayerOp, LossOp


def allow_overwriting(classes: Classes, graphs: dict[int, BackwardGraph]) -> None:
    """Mark the functions of all passes that may work in place, callees first."""
    for plan in classes:
        graph = graphs[id(plan)]
        _forward(plan, graph)
        _Pass(plan, classes, graphs).mark()


class _Memory:
    """Which tensors may share memory."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self.root: dict[Tensor, Tensor] = {}
        self.sharing: dict[Tensor, list[Tensor]] = {}
        for tensor in tensors:
            self.own(tensor)

    def own(self, tensor: Tensor) -> None:
        """A tensor with memory of its own."""
        self.root[tensor] = tensor
        self.sharing[tensor] = [tensor]

    def share(self, tensor: Tensor, other: Tensor) -> None:
        """A tensor that may lie in the memory of another."""
        root = self.root.setdefault(other, other)
        self.root[tensor] = root
        self.sharing.setdefault(root, [root]).append(tensor)

    def aliases(self, tensor: Tensor) -> list[Tensor]:
        """The tensors that may share memory with this one, itself included."""
        return self.sharing.get(self.root.get(tensor, tensor), [tensor])


# ---------------------------------------------------------------- forward


def _forward(plan: ClassPlan, graph: BackwardGraph) -> None:
    """A function may overwrite what a layer of the same body made.

    It may if nobody reads it later and nobody keeps it for the backward pass.
    """
    memory = _Memory(plan.function.inputs)
    pinned = set(plan.function.inputs)  # roots that must stay as they are
    kept = set(graph.kept)
    last_use = _last_uses(plan)
    for position, node in enumerate(plan.function.nodes):
        if not isinstance(node, Layer):
            for tensor in node.outputs:
                memory.own(tensor)
            # The callee may have kept them, or handed on what it was given.
            pinned.update(memory.root.get(t, t) for t in (*node.inputs, *node.outputs))
        elif isinstance(node.op, LayerOp) or node.op.is_view:
            for tensor in node.outputs:
                if node.op.is_view:
                    memory.share(tensor, node.inputs[0])
                else:
                    memory.own(tensor)
            if node.op.keeps_input:
                pinned.update(memory.root.get(t, t) for t in node.inputs)
            if node.op.keeps_output:
                pinned.update(memory.root[t] for t in node.outputs)
        else:
            result = node.outputs[0]
            free = [
                i
                for i, tensor in enumerate(node.inputs)
                if memory.root[tensor] not in pinned
                and all(last_use.get(t, -1) <= position for t in memory.aliases(tensor))
                and kept.isdisjoint(memory.aliases(tensor))
                and len(node.inputs) <= 2
            ]
            if free:
                graph.forward_in_place[node] = free[0]
                memory.share(result, node.inputs[free[0]])
            else:
                memory.own(result)


def _last_uses(plan: ClassPlan) -> dict[Tensor, int]:
    """The position of the last node that reads each tensor; losses and results come at the end."""
    last: dict[Tensor, int] = {}
    end = len(plan.function.nodes)
    for position, node in enumerate(plan.function.nodes):
        is_loss = isinstance(node, Layer) and isinstance(node.op, LossOp)
        for tensor in node.inputs:
            last[tensor] = max(last.get(tensor, 0), end if is_loss else position)
    last.update(dict.fromkeys(plan.function.outputs, end))
    return last


# ---------------------------------------------------------------- backward


class _Pass:
    """The backward pass of one class, statement by statement."""

    def __init__(self, plan: ClassPlan, classes: Classes, graphs: dict[int, BackwardGraph]) -> None:
        self.plan = plan
        self.classes = classes
        self.graphs = graphs
        self.graph = graphs[id(plan)]
        self.memory = _Memory(self.graph.d_outputs)
        # What the forward pass keeps belongs to it: never overwritten.
        self.foreign = set(self.graph.kept)
        self.last_use = self._last_uses()
        self.overwritten: set[Tensor] = set()

    def mark(self) -> None:
        """Mark what may be done in place, and sum up what callers have to know."""
        for position, statement in enumerate(self.graph.statements):
            if isinstance(statement, Formula):
                self._formula(position, statement)
            else:
                self._backward(position, statement)
        incoming = self.graph.d_outputs
        self.graph.overwrites = tuple(t in self.overwritten for t in incoming)
        roots = [d and self.memory.root[d] for d in self.graph.d_inputs]
        self.graph.hands_on = tuple(
            next((i for i, t in enumerate(incoming) if root is t), None) for root in roots
        )
        self.graph.twins = tuple(roots.index(root) for root in roots)

    def _last_uses(self) -> dict[Tensor, int]:
        last: dict[Tensor, int] = {}
        for position, statement in enumerate(self.graph.statements):
            for tensor in _reads(statement):
                last[tensor] = position
        kept = [tensor for tensor in self.graph.d_inputs if tensor is not None]
        if self.plan.function.origin is Origin.CELL:
            kept += self.graph.d_outputs  # perhaps what the step after it returned twice
        return last | dict.fromkeys(kept, len(self.graph.statements))

    def _is_last_use(self, position: int, tensor: Tensor) -> bool:
        """Whether nothing reads the memory of `tensor` after this statement."""
        if tensor in self.foreign:
            return False
        return all(self.last_use.get(t, -1) <= position for t in self.memory.aliases(tensor))

    def _formula(self, position: int, formula: Formula) -> None:
        candidates = formula.arguments if formula.kind == "sum" else formula.arguments[:1]
        free = [t for t in candidates if self._is_last_use(position, t)]
        formula.in_place = formula.kind != "zeros" and bool(free)
        if not formula.in_place:
            self.memory.own(formula.result)
            return
        if free[0] is not formula.arguments[0]:
            formula.arguments = formula.arguments[::-1]
        self.overwritten.add(self.memory.root[free[0]])
        self.memory.share(formula.result, free[0])

    def _backward(self, position: int, statement: Backward) -> None:
        if isinstance(statement.node, Layer):
            self._layer(position, statement, statement.node)
            return
        callees = [self.graphs[id(p)] for p in self.classes.children(self.plan, statement.node)]
        roots = [self.memory.root[t] for t in statement.d_outputs]
        copied: set[int] = set()
        for i, tensor in enumerate(statement.d_outputs):
            if not _may_overwrite(statement.node, callees, i):
                continue
            others = (j for j, root in enumerate(roots) if root is roots[i] and j != i)
            if self._is_last_use(position, tensor) and copied.issuperset(others):
                self.overwritten.add(roots[i])
            else:
                copied.add(i)
        if copied:
            self.graph.copies[statement] = copied
        self._results(statement, callees)

    def _layer(self, position: int, statement: Backward, layer: Layer) -> None:
        shares = isinstance(layer.op, LayerOp) and layer.op.returns_view_of_gradient
        if isinstance(layer.op, LayerOp) and layer.op.works_in_place and any(statement.d_inputs):
            (d_output,) = statement.d_outputs
            if self._is_last_use(position, d_output):
                self.graph.layers_in_place.add(statement)
                self.overwritten.add(self.memory.root[d_output])
                shares = True
        for d_input in statement.d_inputs:
            if d_input is not None and shares and statement.d_outputs:
                self.memory.share(d_input, statement.d_outputs[0])
            elif d_input is not None:
                self.memory.own(d_input)

    def _results(self, statement: Backward, callees: list[BackwardGraph]) -> None:
        """What a call returns may be memory of what it was given."""
        copied = self.graph.copies.get(statement, set())
        for position, d_input in enumerate(statement.d_inputs):
            if d_input is None:
                continue
            found = {c.hands_on[position] for c in callees if position < len(c.hands_on)}
            handed_on = found - copied
            if isinstance(statement.node, Scan):  # copies what it returns
                self.memory.own(d_input)
                continue
            if isinstance(statement.node, Loop):  # outer tensors get sums; taps are copied
                handed_on = handed_on & {0} if position == 0 else set()
            shared = [i for i in handed_on if i is not None and i < len(statement.d_outputs)]
            is_call = isinstance(statement.node, Call)
            twin = statement.d_inputs[callees[0].twins[position]] if is_call else None
            if shared:
                self.memory.share(d_input, statement.d_outputs[min(shared)])
            elif twin is not None and twin is not d_input:
                self.memory.share(d_input, twin)
            else:
                self.memory.own(d_input)


def _may_overwrite(node: Node, callees: list[BackwardGraph], i: int) -> bool:
    """Whether a call or loop may overwrite its gradient number `i`.

    In a loop, 0 is the carried one. The others are those of the taps, which differ from
    iteration to iteration: all are as the worst, and one that is handed on becomes the carried.
    """
    if isinstance(node, Scan):
        return False  # a cell leaves it as it is
    if isinstance(node, Loop) and i > 0:
        return any(any(c.overwrites) or set(c.hands_on) != {None} for c in callees)
    return any(c.overwrites[i] for c in callees if i < len(c.overwrites))


def _reads(statement: Statement) -> tuple[Tensor, ...]:
    return statement.arguments if isinstance(statement, Formula) else statement.d_outputs
