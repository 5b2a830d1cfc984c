"""The kinds of blocks of a network, for a picture that draws each of them once beside the net.

Blocks that only arrange other blocks, such as the stages of a residual network, are none of them:
they are drawn open in their place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from specc.diagram.kinds import Kinds
from specc.graph import Function, Layer, Loop, Origin
from specc.source import Span


@dataclass(frozen=True)
class Part:
    """The calls of a block that have one structure: its name, its number, and their functions."""

    name: str
    number: int
    functions: list[Function]


class Parts:
    """The kinds of blocks of a network, in the order in which they are met."""

    def __init__(self, net: Function, kinds: Kinds) -> None:
        self._kinds = kinds
        self._parts: dict[tuple[Span, int], Part] = {}
        variants: Counter[Span] = Counter()
        for function in _walk(net, set()):
            if function.origin is Origin.LOOP or not _has_layers(function):
                continue
            key = function.span, kinds.of(function)
            if key not in self._parts:
                variants[function.span] += 1
                count = variants[function.span]
                name = function.name if count == 1 else f"{function.name} ({count})"
                self._parts[key] = Part(name, len(self._parts), [])
            self._parts[key].functions.append(function)

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts.values())

    def of(self, function: Function) -> Part | None:
        """The part that a function belongs to; `None` if it is drawn in its place."""
        return self._parts.get((function.span, self._kinds.of(function)))


def is_empty(function: Function) -> bool:
    """Whether a body has no layers and no states, and nothing of it is drawn."""
    is_drawn = function.states or any(isinstance(node, Layer) for node in function.nodes)
    return not is_drawn and all(is_empty(child) for child in function.children())


def _has_layers(function: Function) -> bool:
    """Whether a body has layers of its own, also in loops."""
    return any(
        any(_has_layers(i.function) for i in node.iterations)
        if isinstance(node, Loop)
        else isinstance(node, Layer)
        for node in function.nodes
    )


def _walk(function: Function, seen: set[int]) -> Iterator[Function]:
    """Every function that a net calls, once, callers first."""
    for child in function.children():
        if id(child) not in seen:
            seen.add(id(child))
            yield child
            yield from _walk(child, seen)
