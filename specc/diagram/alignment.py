"""Where paths stand: side by side in the order of the spec, a join below the fork of its paths."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from specc.diagram import style
from specc.diagram.canvas import Canvas
from specc.diagram.frames import Frame
from specc.diagram.ways import Ways, seen
from specc.graph import Layer

if TYPE_CHECKING:
    import graphviz


def align_branches(canvas: Canvas, frame: Frame, ways: Ways) -> None:
    """The first layers of paths on one level, from left to right as in the spec."""
    branches: dict[int, list[str]] = {}
    for node in frame.functions[0].nodes:
        inputs = seen(node)
        if isinstance(node, Layer) and len(inputs) == 1:
            drawn = frame.read(node.outputs[0])[0].node
            branches.setdefault(id(inputs[0]), []).append(drawn)
    for tensor, names in branches.items():
        if len(names) > 1:
            with frame.graph.subgraph(graph_attr={"rank": "same"}) as level:
                join = ways.forks.get(tensor)
                if join is not None and len(names) == len(join.inputs):
                    fork = frame.sources[tensor][0].node
                    names = _centre(canvas, frame, level, names, fork, join)
                for left, right in pairwise(names):
                    level.edge(left, right, **style.ORDER)


def _centre(
    canvas: Canvas, frame: Frame, level: graphviz.Digraph, names: list[str], fork: str, join: Layer
) -> list[str]:
    """Put a join straight below the fork of its paths, and the caption above the first path.

    Returns:
        The names of what stands on one level: the first layers, of an even number of paths
        with a point in their middle.
    """
    head, middle = frame.read(join.outputs[0])[0].node, len(names) // 2
    if frame.path and len(names) > 2:
        canvas.edge(f"{frame.path}/caption", names[0], style.ABOVE)
    if len(names) % 2:
        canvas.edge(fork, names[middle], style.PLUMB)
        return names
    centre = f"{head}/centre"
    canvas.point(level, centre, style.UNSEEN)
    canvas.edge(fork, centre, style.PLUMB)
    canvas.edge(centre, head, style.PLUMB)
    return [*names[:middle], centre, *names[middle:]]
