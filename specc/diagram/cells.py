"""The states of a cell: boxes where they come in and leave, and the way back to the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from specc.diagram import labels, style
from specc.diagram.canvas import Canvas
from specc.diagram.frames import Frame, Given, Source, Sources, typed

if TYPE_CHECKING:
    import graphviz


def enter(
    canvas: Canvas, frame: Frame, given: Sequence[Given], level: graphviz.Digraph
) -> list[str]:
    """Draw the states that come in, on a level, and the lines of those that are given.

    Returns:
        The names of the nodes.
    """
    states = frame.functions[0].states
    names = [f"{frame.path}/in.{state}" for state in states]
    for index, (state, name) in enumerate(zip(states, names, strict=True), -len(states)):
        canvas.node(level, name, style.formula([(labels.clip(state), "")]), style.STATE)
        peers = [function.inputs[index] for function in frame.functions]
        frame.sources[id(peers[0])] = typed((Source(name, ()),), peers)
        for sources, role in given:
            if role == state:
                canvas.connect(sources, name, style.LIGHT)
    return names


def leave(canvas: Canvas, frame: Frame) -> list[Sources]:
    """Draw the next states and their ways back, and where other results leave.

    Returns:
        Where the results come from: what the step gives, and the states. A state that is also what
        the step gives leaves as both from its box.
    """
    function = frame.functions[0]
    first = len(function.outputs) - len(function.states)
    ends: dict[int, Source] = {}
    results = list(zip(function.outputs, frame.results(), strict=True))
    with frame.graph.subgraph(graph_attr={"rank": "same"}) as level:
        for state, (tensor, sources) in zip(function.states, results[first:], strict=True):
            name = f"{frame.path}/next.{state}"
            canvas.node(level, name, style.formula([(labels.clip(state), "")]), style.STATE)
            canvas.connect(sources, name, {})
            look = style.NEXT if ends else style.NEXT | style.NEXT_STEP
            canvas.edge(f"{frame.path}/in.{state}", name, look)
            ends[id(tensor)] = Source(name, ())
        for tensor, sources in results[:first]:
            if id(tensor) not in ends:
                name = f"{frame.path}/out"
                canvas.point(level, name, style.point())
                canvas.connect(sources, name, style.LINE_ON)
                ends[id(tensor)] = Source(name, ())
    names = ("",) * first + tuple(map(labels.clip, function.states))
    named = zip(function.outputs, names, strict=True)
    return [(replace(ends[id(tensor)], name=name),) for tensor, name in named]
