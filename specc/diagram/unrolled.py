"""What runs over time as copies of it side by side: one column a step, the time to the right.

Below the copies is the sequence that comes in, above them the one that leaves, each as a strip with
a place for every step; dots before the last one stand for the steps that are not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from specc.diagram import labels, style
from specc.diagram.canvas import Canvas, Look
from specc.diagram.frames import Frame, Source, Sources
from specc.diagram.items import Item
from specc.diagram.recurrence import Recurrence, Row
from specc.values import Value

DOTS = "⋯"
_INDICES = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LONGEST = 16
"""No name of a state is longer, nor is the number of the last step."""


@dataclass(frozen=True)
class _Level:
    """What stands in one line: a node for each step, or a strip, which is one node for all."""

    nodes: tuple[str, ...]
    is_strip: bool = False


class Unrolled:
    """The copies of one recurrence, in a cluster of their own."""

    def __init__(
        self, canvas: Canvas, frame: Frame, item: Item, over_time: Recurrence, copies: int
    ) -> None:
        import graphviz

        look = style.cluster(frame.level, bool(item.shared), is_loop=False)
        self._graph = graphviz.Digraph(f"cluster_{item.id}", graph_attr=look)
        self._outer = frame.graph
        self._canvas = canvas
        self._item = item
        self._over_time = over_time
        self._marks = marks(over_time, copies)
        self._lanes = 1 + over_time.is_bidirectional
        self._rows: list[tuple[Row, _Level]] = []

    def draw(self, inputs: Sequence[Sources], look: Look) -> Source:
        """Draw all layers, in a look, and the lines of the sequences that come in.

        Returns:
            Where the sequence is that leaves.
        """
        strip = self._strip("x", *self._over_time.inputs)
        for sources in inputs:
            self._canvas.connect(sources, strip.nodes[0], {})
        below = {False: strip, True: strip}
        for layer in range(1, self._over_time.layers + 1):
            is_last = layer == self._over_time.layers
            rows = {row.is_backward: self._row(row, look) for row in self._over_time.rows(layer)}
            for backward, level in rows.items():
                self._rise(below[backward], level, int(backward))
            if is_last or (len(rows) > 1 and self._over_time.is_joined_often):
                strip = self._strip("y", "y") if is_last else self._strip(f"y{layer}")
                for backward, level in rows.items():
                    self._rise(level, strip, int(backward))
                rows = dict.fromkeys(rows, strip)
            below = rows
        self._captions()
        self._outer.subgraph(self._graph)
        return Source(f"{self._item.id}/y", (), end=f"p{len(self._marks) - 1}:n")

    def begin(self, sources: Sources, role: str) -> None:
        """Draw the lines of a state in which the rows begin."""
        heads = [level.nodes[-1 if row.is_backward else 0] for row, level in self._rows]
        if len(sources) == len(heads) and all(s.name and not s.port for s in sources):
            for source, head in zip(sources, heads, strict=True):
                self._canvas.flow(source.node, head)
        else:
            for position, head in enumerate(heads):
                self._canvas.connect(sources, head, style.LIGHT, role if position == 0 else "")

    def ends(self, name: str) -> Sources:
        """Where a state is that the rows end in."""
        ends = (level.nodes[0 if row.is_backward else -1] for row, level in self._rows)
        return tuple(Source(end, (), is_fan=True, name=name) for end in ends)

    # ------------------------------------------------------------ the parts

    def _strip(self, name: str, *letters: str) -> _Level:
        """A sequence of so many variables, or a thin one of none."""
        node = f"{self._item.id}/{name}"
        shown = [labels.clip(letter, _LONGEST) for letter in letters]
        places = [[(s, mark) for s in shown] if mark else [("", DOTS)] for mark in self._marks]
        places = places if letters else [[]] * len(places)
        html = style.strip(places, self._width, self._lanes)
        self._graph.node(node, html, **style.STACK)
        return _Level((node,) * len(self._marks), is_strip=True)

    def _row(self, row: Row, look: Look) -> _Level:
        """The copies of a layer on one level, with their states, in the order of time."""
        name = f"{self._item.id}/{row.layer}{'b' if row.is_backward else 'f'}"
        nodes = tuple(f"{name}{i}" for i in range(len(self._marks)))
        text = self._over_time.row_text(row)
        with self._graph.subgraph(graph_attr={"rank": "same"}) as level:
            for node, mark in zip(nodes, self._marks, strict=True):
                if mark:
                    texts = [(labels.clip(s, _LONGEST), mark) for s in self._over_time.states]
                    level.node(node, style.formula(texts), **look | style.COPY)
                else:
                    level.node(node, DOTS, **style.DOTS)
            for left, right in pairwise(nodes):
                level.edge(left, right, **style.ROW_BACK if row.is_backward else style.ROW)
            if text:
                level.node(f"{nodes[0]}/text", text, **style.STUB)
                level.edge(f"{nodes[0]}/text", nodes[0], **style.ORDER)
        self._rows.append((row, _Level(nodes)))
        return self._rows[-1][1]

    def _rise(self, lower: _Level, upper: _Level, lane: int) -> None:
        """The lines from one level up to another."""
        steps = zip(lower.nodes, upper.nodes, self._marks, strict=True)
        for index, (tail, head, mark) in enumerate(steps):
            look: Look = {} if mark else style.PLUMB
            if lower.is_strip:
                look = look | {"tailport": f"t{index}.{lane}:n"}
            if upper.is_strip:
                look = look | {"headport": f"b{index}.{lane}:s"}
            self._canvas.edge(tail, head, look)

    def _captions(self) -> None:
        """The caption beside the uppermost strip; each row above the one before."""
        item, top = self._item, f"{self._item.id}/y"
        text = style.caption(item.name, item.text, labels.times_text(item.times), item.small)
        with self._graph.subgraph(graph_attr={"rank": "same"}) as level:
            level.node(f"{item.id}/caption", text, **style.CAPTION)
            level.edge(f"{item.id}/caption", top, **style.ORDER)
        names = [
            f"{level.nodes[0]}/text" for row, level in self._rows if self._over_time.row_text(row)
        ]
        for lower, upper in pairwise([*names, f"{item.id}/caption"]):
            self._canvas.edge(lower, upper, style.PLUMB)
        for (low, below), (high, above) in pairwise(self._rows):
            if low.is_backward != high.is_backward:
                self._canvas.edge(below.nodes[0], above.nodes[0], style.ORDER)

    @property
    def _width(self) -> int:
        """The width of a place of a strip, such that the lines to its copies are straight."""
        names = [labels.clip(state, _LONGEST) for state in self._over_time.states]
        longest = max(len(", ".join(name + mark for name in names)) for mark in self._marks)
        return max(36, 7 * longest) + 64 + 18 * (self._lanes - 1)


def marks(over_time: Recurrence, copies: int) -> list[str]:
    """The indices of the steps that are drawn; an empty one for the dots before the last."""
    steps = over_time.steps.plain
    if isinstance(steps, int) and steps <= copies:
        return [_index(i + 1) for i in range(steps)]
    return [*(_index(i + 1) for i in range(copies - 1)), "", _index(over_time.steps)]


def _index(step: int | Value) -> str:
    """`₁₀`, and `T` as it is."""
    text = labels.clip(str(step), _LONGEST)
    return text.translate(_INDICES) if text.isdecimal() else text
