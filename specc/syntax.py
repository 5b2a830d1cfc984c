"""The syntax tree: one frozen class a construct of the language, each with its span.

What a construct means is not decided here; `resolve` and `check` do that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from specc.expressions import (
    Apply,
    Argument,
    Binary,
    Expression,
    Incoming,
    Index,
    List,
    Literal,
    Name,
    Unary,
    walk,
)
from specc.source import Source, Span

__all__ = [
    "Apply", "Argument", "Binary", "Expression", "Incoming", "Index", "List", "Literal", "Name",
    "Unary", "walk",
]  # fmt: skip
"""What of `specc.expressions` is found here, too."""

# ---------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True)
class Type:
    """`real[1, 28, 28]`, `token[T] of vocab padded`, `label of 10`.

    `kind` is the word as written; whether it is one of `real`, `token`, `label` is checked later.
    """

    kind: str
    dimensions: tuple[Expression, ...]
    of: Expression | None
    padded: bool
    span: Span
    kind_span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a block, cell or net, with or without a default."""

    name: str
    default: Expression | None
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Let:
    """`let name = value`, in a file or in a body."""

    name: str
    value: Expression
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Declared:
    """A name declared by `input` or `target`; its type is `None` in a block or cell."""

    name: str
    type: Type | None
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Input:
    """`input image: real[1, 28, 28]` in a net, `input x, skip` in a block or cell."""

    names: tuple[Declared, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """`target digit: label of 10`."""

    names: tuple[Declared, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Stated:
    """`h: [units]`: a state of a cell, and its sizes."""

    name: str
    sizes: tuple[Expression, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class State:
    """`state h: [units], c: [units]`."""

    names: tuple[Stated, ...]
    span: Span


# ---------------------------------------------------------------- steps


@dataclass(frozen=True, slots=True)
class Label:
    """`stem:` before a step."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Path:
    """`path { … }` of a join."""

    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A layer or block, `conv(64, 3)`; with `paths`, a join: `concat { path {…} path {…} }`.

    `paths` is `None` where no braces follow. `name_span` is that of the name alone.
    """

    name: str
    arguments: tuple[Argument, ...]
    paths: tuple[Path, ...] | None
    label: Label | None
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Scan(Call):
    """`scan peephole(64)`: a cell, run along sequences."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A tensor's name, with an index for a tap: `a`, `tap[i]`; `_` skips a result in `as`.

    `in` stands for the incoming tensor.
    """

    name: str
    index: Expression | None
    span: Span

    @classmethod
    def of(cls, argument: Expression) -> Reference | None:
        """The tensor that an argument is, if it is written as one."""
        match argument:
            case Name():
                return cls(argument.id, None, argument.span)
            case Index(base=Name() as base):
                return cls(base.id, argument.index, argument.span)
        return None


@dataclass(frozen=True, slots=True)
class From:
    """`from a, b`: make these tensors current."""

    references: tuple[Reference, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class As:
    """`as x`, `as (sequence, state)`: name the current tensor(s)."""

    references: tuple[Reference, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class NextState:
    """`as state h`: the current tensor is what a state will be in the next step."""

    name: str
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    """`repeat n { … }`."""

    count: Expression
    body: Body
    label: Label | None
    span: Span


@dataclass(frozen=True, slots=True)
class For:
    """`for x in values { … }`."""

    variable: str
    values: Expression
    body: Body
    label: Label | None
    span: Span
    variable_span: Span


@dataclass(frozen=True, slots=True)
class If:
    """`if c { … } else if d { … } else { … }`; an `else if` is an `otherwise` of one `If`."""

    condition: Expression
    then: Body
    otherwise: Body | None
    span: Span


@dataclass(frozen=True, slots=True)
class Loss:
    """`loss cross_entropy(mask=m, target=digit, scale=0.5)`."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span
    name_span: Span


Step = Call | From | As | NextState | Repeat | For | If | Loss


@dataclass(frozen=True, slots=True)
class Flow:
    """Steps in order: `conv(6, 5) -> sigmoid -> maxpool(2) as pooled`."""

    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Shared:
    """`shared enc = conv_stack(64)`: one set of parameters under a name."""

    name: str
    call: Call
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Output:
    """`output a, b`."""

    references: tuple[Reference, ...]
    span: Span


Statement = Flow | Let | Input | State | Target | Shared | Output


@dataclass(frozen=True, slots=True)
class Body:
    """The statements between two braces; the span includes the braces."""

    statements: tuple[Statement, ...]
    span: Span


# ---------------------------------------------------------------- items


@dataclass(frozen=True, slots=True)
class Import:
    """`import "blocks/inception.net"`."""

    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """`block name(params) { … }`."""

    word: ClassVar[str] = "block"
    name: str
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Cell(Block):
    """`cell name(params) { … }`: one step of a recurrence, called with `scan`."""

    word: ClassVar[str] = "cell"

    @property
    def states(self) -> tuple[Stated, ...]:
        """What a step hands to the next, in order."""
        declared = (s.names for s in self.body.statements if isinstance(s, State))
        return tuple(stated for names in declared for stated in names)


@dataclass(frozen=True, slots=True)
class Net:
    """`net Name(params) { … }`."""

    word: ClassVar[str] = "net"
    name: str
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of a `train` section: `optimizer adam(lr=0.002)`, `split validation=0.1`."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Train:
    """`train { … }`, `train quick { … }`, `train quick for LeNet { … }`."""

    name: str | None
    net: str | None
    settings: tuple[Setting, ...]
    span: Span
    name_span: Span
    net_span: Span | None = None


Item = Import | Let | Block | Net | Train


@dataclass(frozen=True, slots=True)
class Program:
    """One file."""

    source: Source
    items: tuple[Item, ...]
