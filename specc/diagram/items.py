"""What is drawn at a place: its name, what is written on it, and how much it learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from specc.check import ShapedModel
from specc.diagram import labels
from specc.diagram.frames import Frame
from specc.diagram.kinds import Run, is_outside
from specc.graph import (
    Call,
    Function,
    Layer,
    Loop,
    Node,
    count_parameters,
    layer_parameters,
)
from specc.model import Model

_LONGEST_PATH = 160


@dataclass(frozen=True)
class Item:
    """Something to draw: how it is called, what it is, how often, and how much it learns.

    `id` is its path; `counts` are the parameters of one, `totals` those of all `times` of it,
    each for every peer. `shared` is what is said of a use of a shared instance.
    """

    id: str
    name: str
    text: str
    times: tuple[int, ...]
    counts: tuple[int, ...]
    totals: tuple[int, ...]
    shared: str = ""

    @property
    def small(self) -> str:
        """The line about parameters."""
        if self.shared:
            return self.shared
        if set(self.times) == {1} or not any(self.totals):
            return labels.parameters_text(self.counts)
        if len(set(self.counts)) == 1:
            return f"{labels.numbers(self.times)} × {labels.parameters_text(self.counts)}"
        return f"{labels.parameters_text(self.totals)} in all"


class Items:
    """Makes the items of one drawing: every name is given once, shared parameters count once."""

    def __init__(self, model: Model) -> None:
        self._blocks = labels.Blocks(model)
        self._counts: dict[int, int] = {}
        self._shared: set[str] = set()
        self._uses: dict[str, int] = {}

    def count(self, function: Function) -> int:
        """How many numbers a function learns."""
        return count_parameters(function, self._counts)

    def call_text(self, functions: Sequence[Function]) -> str:
        """`residual(64…512, stride=1…2)`, for calls of a block that are drawn as one."""
        return self._blocks.call_text(functions)

    def net_text(self, shaped: ShapedModel) -> str:
        """`ResNet(bottleneck=true)`: the net and the parameters that differ from their defaults."""
        return self._blocks.net_text(shaped)

    def id(self, path: str, name: str) -> str:
        """A name for a node that no other has: its path, with a number if it is used again."""
        joined = _join(path, name)
        uses = self._uses[joined] = self._uses.get(joined, 0) + 1
        return joined if uses == 1 else f"{joined}@{uses}"

    def instance(self, frame: Frame, peers: Sequence[Node], name: str) -> Item:
        """A layer or call."""
        layers = [p for p in peers if isinstance(p, Layer)]
        calls = [p for p in peers if isinstance(p, Call)]
        if layers:
            text = _own_text(labels.layer_text(layers), layers[0], name)
            counts = tuple(layer_parameters(x) for x in layers)
        else:
            text = self.call_text([c.function for c in calls])
            counts = tuple(self.count(c.function) for c in calls)
        shared = self._use(frame, peers[0], counts)
        counts = counts if frame.is_counted else (0,)
        path, shown = self.id(frame.path, name), labels.clip(name)
        return Item(path, shown, text, (1,), counts, counts, shared)

    def loop(self, frame: Frame, loop: Loop, runs: Sequence[Run], name: str) -> Item:
        """Iterations of a loop that look alike; `runs` are those of its peers."""
        functions = [function for run in runs for function in run.functions()]
        counts = tuple(self.count(f) for f in functions) if frame.is_counted else (0,)
        path, shown = self.id(frame.path, name), labels.clip(name)
        item = Item(path, shown, _variable(loop, functions), (1,), counts, counts)
        return self.repeated(item, runs)

    def repeated(self, item: Item, runs: Sequence[Run]) -> Item:
        """The same, as often as these iterations."""
        totals = tuple(sum(self.count(i.function) for i in run.iterations) for run in runs)
        totals = totals if any(item.counts) else (0,)
        return replace(item, times=tuple(run.count for run in runs), totals=totals)

    def _use(self, frame: Frame, node: Node, counts: Sequence[int]) -> str:
        """What is said of a use of a shared instance: its parameters are given at the first."""
        if isinstance(node, Loop) or not node.is_shared:
            return ""
        owner = frame
        while owner.parent is not None and is_outside(owner.functions[0], node.name):
            owner = owner.parent
        key = _join(owner.path, node.name)
        if key in self._shared:
            return "shared, counted once"
        self._shared.add(key)
        return ", ".join(t for t in (labels.parameters_text(counts), "shared") if t)


def _own_text(text: str, layer: Layer, name: str) -> str:
    """Nothing, where the name of the instance says it all: `relu1`."""
    return "" if text == layer.op.name == name.rstrip("0123456789") else text


def _variable(loop: Loop, functions: Sequence[Function]) -> str:
    """`width = 128`, where the variable of a `for` is used."""
    if loop.variable is None:
        return ""
    values = [f.symbols[loop.variable] for f in functions]
    return labels.clip(f"{loop.variable} = {labels.spread(values)}")


def _join(path: str, name: str) -> str:
    """A path; a very long one by its beginning and a digest, so that no picture explodes."""
    joined = f"{path}.{name}" if path else name
    if len(joined) <= _LONGEST_PATH:
        return joined
    return f"{joined[:100]}~{sha256(joined.encode()).hexdigest()[:16]}"
