"""The syntax tree: one frozen class a construct of the language, each with its span.

What a construct means is not decided here; `resolve` and `check` do that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specc.source import Source, Span

# ---------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Literal:
    """An integer, a real, a string, `true`, `false` or `none`."""

    value: int | float | str | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A name standing for a value, a tensor or a choice (`level=char`)."""

    id: str
    span: Span


@dataclass(frozen=True, slots=True)
class Incoming:
    """`in.channels` and its like; `attribute` is the part after the dot."""

    attribute: str
    span: Span


@dataclass(frozen=True, slots=True)
class List:
    """`[a, b, c]`."""

    items: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, a comparison (never chained), `and` or `or`."""

    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`base[index]`."""

    base: Expression
    index: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """A positional (`name is None`) or named argument; `name_span` is that of the name."""

    name: str | None
    value: Expression
    span: Span
    name_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """`range(4)`, and in settings `adam(lr=0.002)`: a name applied to arguments."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span
    name_span: Span


Expression = Literal | Name | Incoming | List | Unary | Binary | Index | Apply


def walk(expression: Expression) -> Iterator[Expression]:
    """An expression and all that it consists of, without recursion."""
    pending = [expression]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case List():
                pending.extend(node.items)
            case Unary():
                pending.append(node.operand)
            case Binary():
                pending.extend((node.left, node.right))
            case Index():
                pending.extend((node.base, node.index))
            case Apply():
                pending.extend(argument.value for argument in node.arguments)


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
    """A parameter of a block or net, with or without a default."""

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
    """A name declared by `input` or `target`; its type is `None` in a block."""

    name: str
    type: Type | None
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Input:
    """`input image: real[1, 28, 28]` in a net, `input x, skip` in a block."""

    names: tuple[Declared, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """`target digit: label of 10`."""

    names: tuple[Declared, ...]
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
class Reference:
    """A tensor's name, with an index for a tap: `a`, `tap[i]`; `_` skips a result in `as`.

    `in` stands for the incoming tensor.
    """

    name: str
    index: Expression | None
    span: Span


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


Step = Call | From | As | Repeat | For | If | Loss


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


Statement = Flow | Let | Input | Target | Shared | Output


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

    name: str
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Net:
    """`net Name(params) { … }`."""

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
