"""Places: where in the spec the parts of a network stand, by their paths (`stage2.0.conv1`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from specc.check import ShapedModel
from specc.graph import Call, Function, Layer, Loop, Node
from specc.source import Span


@dataclass(frozen=True, slots=True)
class Place:
    """A layer, block, loop or iteration of a network, and where it stands.

    Attributes:
        path: its instance name from the net inwards, as in the names of parameters.
        kind: what it is called in the language: `conv`, `residual`, `repeat`.
        span: the layer, call or loop in the spec.
        node: the same in the graph; of a shared instance the first use.
        owner: the path of the body that it stands in; empty for the net's.
    """

    path: str
    kind: str
    span: Span
    node: Node
    owner: str

    @property
    def line(self) -> str:
        """`resnet.net:12`."""
        return f"{self.span.source.name}:{self.span.line}"

    def __str__(self) -> str:
        return f"`{self.path}` ({self.line})"


def places(shaped: ShapedModel) -> Mapping[str, Place]:
    """Everything in a network that has a path, by it, in the order of the forward pass.

    The iterations of a loop are there, too (`stage2.0`); one that is a single call is that call.
    """
    found: dict[str, Place] = {}
    for place in _body(shaped.function, _Scope()):
        found.setdefault(place.path, place)
    return found


@dataclass(frozen=True, slots=True)
class _Scope:
    """A body at its place: its path, and the paths of the shared instances that it borrows."""

    path: str = ""
    borrowed: Mapping[str, str] = field(default_factory=dict)

    def path_of(self, name: str) -> str:
        """The path of an instance of the body."""
        return self.borrowed.get(name) or f"{self.path}.{name}".lstrip(".")

    def inside(self, function: Function, path: str) -> _Scope:
        """The scope of a function that this body calls."""
        return _Scope(path, {name: self.path_of(name) for name in function.borrowed})


def _body(function: Function, scope: _Scope) -> Iterator[Place]:
    for node in function.nodes:
        yield from _node(node, scope.path_of(node.name), scope, scope.path)


def _node(node: Node, path: str, scope: _Scope, owner: str) -> Iterator[Place]:
    if isinstance(node, Loop):
        kind = "repeat" if node.variable is None else "for"
        yield Place(path, kind, node.span, node, owner)
        yield from _iterations(node, path, kind, scope)
    elif isinstance(node, Call):
        yield Place(path, node.function.name, node.span, node, owner)
        yield from _body(node.function, scope.inside(node.function, path))
    elif isinstance(node, Layer):
        yield Place(path, node.op.name, node.span, node, owner)


def _iterations(loop: Loop, path: str, kind: str, scope: _Scope) -> Iterator[Place]:
    for index, iteration in enumerate(loop.iterations):
        place = f"{path}.{index}"
        inside = scope.inside(iteration.function, place)
        if iteration.function.is_single:
            (node,) = iteration.function.nodes
            yield from _node(node, place, inside, scope.path)
        else:
            yield Place(place, kind, loop.span, loop, scope.path)
            yield from _body(iteration.function, inside)
