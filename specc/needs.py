"""Which gradients are needed: those of tensors that something learned has an effect on."""

from __future__ import annotations

from collections.abc import Iterable

import networkx

from specc.classes import Classes, ClassPlan
from specc.graph import Call, Function, Layer, Loop, Node, Scan, Tensor, count_parameters
from specc.types import Content


def gradients_needed(classes: Classes, input_gradients: bool) -> dict[int, list[bool]]:
    """For each class, which of its inputs need a gradient anywhere, callers first.

    The need flows forward: from parameters, and from inputs that need one, to every result.
    """
    needs = {id(p): [False] * len(p.function.inputs) for p in classes}
    needs[id(classes.net)] = [
        input_gradients and tensor.type.content is Content.REAL
        for tensor in classes.net.function.inputs
    ]
    for plan in reversed(list(classes)):
        needed = tensors_in_need(plan.function, needs[id(plan)])
        for node in plan.function.nodes:
            if isinstance(node, Call):
                child = needs[id(classes.plan_at(plan, node))]
                taken = node.sequences if isinstance(node, Scan) else node.inputs
                for i, tensor in enumerate(taken):
                    child[i] |= tensor in needed
                if isinstance(node, Scan) and any(tensor in needed for tensor in node.outputs):
                    child[len(taken) :] = [True] * len(node.function.states)
            elif isinstance(node, Loop):
                _loop_needs(classes.plans_in(plan, node), node, needed, needs)
    return needs


def _loop_needs(
    plans: list[ClassPlan], loop: Loop, needed: set[Tensor], needs: dict[int, list[bool]]
) -> None:
    carried = loop.inputs[0] in needed
    for plan, iteration in zip(plans, loop.iterations, strict=True):
        child = needs[id(plan)]
        child[0] |= carried
        for i, tensor in enumerate(iteration.inputs, start=1):
            child[i] |= tensor in needed
        carried = carried or any(child) or body_learns(iteration.function)


def tensors_in_need(function: Function, inputs: Iterable[bool]) -> set[Tensor]:
    """The tensors whose gradients are needed: those that something learned has an effect on."""
    graph = function.graph()
    learned = [f"{i}:{node.name}" for i, node in enumerate(function.nodes) if learns(node)]
    given = [f"in:{t.name}" for t, n in zip(function.inputs, inputs, strict=True) if n]
    graph.remove_nodes_from([f"{i}:{n.name}" for i, n in enumerate(function.nodes) if _stops(n)])
    graph.add_edges_from(("learned", name) for name in (*learned, *given))
    reached = networkx.descendants(graph, "learned") if "learned" in graph else set()
    needed = {t for t, n in zip(function.inputs, inputs, strict=True) if n}
    for position, node in enumerate(function.nodes):
        if f"{position}:{node.name}" in reached:
            needed.update(node.outputs)
    return needed


def _stops(node: Node) -> bool:
    """Whether no gradient goes through a node."""
    return isinstance(node, Layer) and not node.op.passes_gradient


def learns(node: Node) -> bool:
    """Whether a node has parameters, or what it calls has."""
    if isinstance(node, Layer):
        return any(not parameter.is_buffer for parameter in node.op.parameters(node))
    if isinstance(node, Call):
        return count_parameters(node.function) > 0
    return any(body_learns(i.function) for i in node.iterations)


def body_learns(function: Function) -> bool:
    """Whether any node of a body learns, of those that are shared around it, too."""
    return any(map(learns, function.nodes))
