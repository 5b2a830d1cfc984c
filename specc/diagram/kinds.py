"""Which functions look alike in a picture or a table: equal but for their numbers.

Iterations of one kind are drawn once, with `×12`; so are they summed up in a table.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from specc.graph import Call, Function, Iteration, Layer, Loop, Node, Origin, Tensor

FEW = 8
"""A `for` of at most so many iterations, each with a value of its own, is drawn in full."""


@dataclass(frozen=True)
class Run:
    """Iterations that follow one another and look alike, the first of them number `start`."""

    start: int
    iterations: tuple[Iteration, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.iterations)

    @property
    def last(self) -> Function:
        """The body of the last iteration."""
        return self.iterations[-1].function

    @property
    def name(self) -> str:
        """The numbers of its iterations: `0`, `1…11`."""
        end = self.start + self.count - 1
        return str(self.start) if self.count == 1 else f"{self.start}…{end}"

    def functions(self) -> list[Function]:
        """The different bodies, in order."""
        return distinct(i.function for i in self.iterations)


class Kinds:
    """Numbers for functions, the same for those that differ in nothing but sizes and counts."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self._numbers: dict[Hashable, int] = {}

    def of(self, function: Function) -> int:
        """The kind of a function."""
        if id(function) not in self._known:
            key = self._key(function)
            self._known[id(function)] = self._numbers.setdefault(key, len(self._numbers))
        return self._known[id(function)]

    def together(self, loops: Sequence[Loop]) -> list[tuple[Run, ...]]:
        """The iterations of loops of one kind: what is drawn as one, with a run of each loop."""
        first = loops[0]
        if len(loops) == 1 and first.variable is not None and len(first.iterations) <= FEW:
            return [(Run(i, (iteration,)),) for i, iteration in enumerate(first.iterations)]
        return list(zip(*(self._runs(loop) for loop in loops), strict=True))

    def _runs(self, loop: Loop) -> list[Run]:
        """The iterations of a loop, those of one kind together."""
        runs: list[Run] = []
        start, kinds = 0, [self.of(i.function) for i in loop.iterations]
        for index in range(1, len(kinds) + 1):
            if index == len(kinds) or kinds[index] != kinds[start]:
                runs.append(Run(start, loop.iterations[start:index]))
                start = index
        return runs

    def _key(self, function: Function) -> Hashable:
        place = {id(tensor): i for i, tensor in enumerate(function.inputs)}
        nodes = []
        for node in function.nodes:
            nodes.append((node.name, self._node_key(node, place), _places(node.inputs, place)))
            for tensor in node.outputs:
                place[id(tensor)] = len(place)
        outputs = _places(function.outputs, place)
        return function.is_single, len(function.inputs), tuple(nodes), outputs

    def _node_key(self, node: Node, place: dict[int, int]) -> Hashable:
        if isinstance(node, Layer):
            return node.op.name, node.is_shared
        if isinstance(node, Call):
            return self.of(node.function), node.is_shared
        kinds = tuple(self.of(run.iterations[0].function) for run in self._runs(node))
        reads = tuple(dict.fromkeys(_places(i.inputs, place) for i in node.iterations))
        return kinds, reads, len(node.iterations) if node.taps else 0


def _places(tensors: Sequence[Tensor], place: dict[int, int]) -> tuple[int, ...]:
    """Where tensors come from; -1 for a target, which no function lists."""
    return tuple(place.get(id(tensor), -1) for tensor in tensors)


def is_outside(function: Function, name: str) -> bool:
    """Whether a shared instance that a function uses belongs to the body around it."""
    return function.origin is Origin.LOOP and all(name != n.name for n in function.shared)


def distinct(functions: Iterator[Function] | Sequence[Function]) -> list[Function]:
    """Each function once, in order."""
    return list({id(function): function for function in functions}.values())
