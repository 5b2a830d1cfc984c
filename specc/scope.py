"""Lexical scopes: which name stands for what, where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from specc.source import Span


class Means(Enum):
    """What a name stands for."""

    VALUE = "value"
    TENSOR = "tensor"
    TAP = "tap"
    TARGET = "target"
    SHARED = "shared instance"


@dataclass(eq=False, slots=True)
class Binding:
    """A name, what it stands for, where it was bound, and whether anything reads it.

    `says_unused` is how a warning calls it; empty where none is due. `is_in_list`: whether others
    are bound with it, by their places in one list.
    """

    name: str
    means: Means
    span: Span
    says_unused: str = ""
    is_in_list: bool = False
    is_used: bool = False


@dataclass(eq=False)
class Scope:
    """The names of a body, on top of those around it.

    `loop` is the span of a loop's body, set where the scope is one: names found beyond it are
    the loop's outer names.
    """

    parent: Scope | None = None
    loop: Span | None = None
    bindings: dict[str, Binding] = field(default_factory=dict)
    loops_outer: dict[Span, dict[str, None]] = field(default_factory=dict)

    def find(self, name: str) -> Binding | None:
        """The binding of a name, marked as used; notes it as outer in every loop it crosses."""
        crossed: list[Span] = []
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bindings:
                self.mark_outer(name, crossed)
                scope.bindings[name].is_used = True
                return scope.bindings[name]
            if scope.loop is not None:
                crossed.append(scope.loop)
            scope = scope.parent
        return None

    def mark_outer(self, name: str, loops: list[Span] | None = None) -> None:
        """Note that loops (by default every one around here) read a name from outside."""
        for loop in self.enclosing_loops() if loops is None else loops:
            self.loops_outer.setdefault(loop, {})[name] = None

    def enclosing_loops(self) -> list[Span]:
        """The bodies of the loops around here, inmost first."""
        return [s.loop for s in self._outwards() if s.loop is not None]

    def peek(self, name: str) -> Binding | None:
        """The binding of a name, without using it."""
        for scope in self._outwards():
            if name in scope.bindings:
                return scope.bindings[name]
        return None

    def visible(self) -> Iterator[str]:
        """Every name that can be seen from here."""
        for scope in self._outwards():
            yield from scope.bindings

    def child(self, loop: Span | None = None) -> Scope:
        """A scope inside this one."""
        return Scope(self, loop, {}, self.loops_outer)

    def absorb(self, arm: Scope) -> None:
        """Take over the names that an arm of an `if` bound; the other arm may bind the same."""
        for name, binding in arm.bindings.items():
            known = self.bindings.setdefault(name, binding)
            if known is not binding:
                binding.is_used = True  # one warning is enough, at the first arm

    def _outwards(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent
