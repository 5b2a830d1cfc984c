"""Expressions of the language, as they are written; `specc.syntax` has them, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specc.source import Span


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
