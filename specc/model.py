"""The resolved program: every name bound to what it names, nothing evaluated yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specc import syntax
from specc.ops.base import Op
from specc.source import Source, Span


@dataclass(eq=False, slots=True)
class Names:
    """What a file can name: its own constants and blocks and the imported ones.

    `is_partial`: an import failed, so that a name that is not here is not an error of its own.
    """

    lets: dict[str, syntax.Let] = field(default_factory=dict)
    blocks: dict[str, syntax.Block] = field(default_factory=dict)
    is_partial: bool = False

    def span(self, name: str) -> Span | None:
        """Where a name is declared."""
        item = self.lets.get(name) or self.blocks.get(name)
        return item.name_span if item is not None else None


Callee = Op | syntax.Block | str
"""What a call calls: a layer, a block, or the shared instance of that name."""


@dataclass(eq=False, slots=True)
class Model:
    """A program whose names are bound.

    The tables are keyed by the span of a syntax node, which no other node of its kind has.

    Attributes:
        program: the main file.
        files: the names of every file read, the main file's first.
        callees: what each `Call` calls.
        arguments: the arguments of each `Call` and `Loss`, by parameter name.
        instances: the instance name of each `Call`, `Repeat` and `For`.
        outer: the names that a loop's body takes from around it, by the body's span.
        bound_at: where the name of each reference to a tensor is bound.
    """

    program: syntax.Program
    files: dict[Source, Names] = field(default_factory=dict)
    callees: dict[Span, Callee] = field(default_factory=dict)
    arguments: dict[Span, Mapping[str, syntax.Expression]] = field(default_factory=dict)
    instances: dict[Span, str] = field(default_factory=dict)
    outer: dict[Span, tuple[str, ...]] = field(default_factory=dict)
    bound_at: dict[Span, Span] = field(default_factory=dict)

    @property
    def names(self) -> Names:
        """The names of the main file."""
        return self.files[self.program.source]

    @property
    def nets(self) -> tuple[syntax.Net, ...]:
        """The networks of the main file."""
        return tuple(i for i in self.program.items if isinstance(i, syntax.Net))

    @property
    def trains(self) -> tuple[syntax.Train, ...]:
        """The training sections of the main file."""
        return tuple(i for i in self.program.items if isinstance(i, syntax.Train))
