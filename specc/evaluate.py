"""Evaluating the expressions of a spec: arithmetic that always ends and reads nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from specc import syntax, terms
from specc.diagnostics import Diagnostic, Label
from specc.signature import bind, is_integer
from specc.source import Span
from specc.terms import Polynomial, Term
from specc.values import Plain, Value, constant, is_same, literal_term, sequence, show

LARGEST = 2**63
LONGEST = 100_000
"""Limits on numbers and on the lengths of lists."""


class EvaluationError(Exception):
    """An expression has no value; carries the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


def fail(
    code: str,
    message: str,
    span: Span,
    label: str = "",
    note: str = "",
    help: str = "",
    second: Label | None = None,
) -> EvaluationError:
    """The exception to raise for a problem at one place, with its cause at a second."""
    return EvaluationError(Diagnostic(code, message, Label(span, label), second, note, help))


@dataclass(frozen=True, slots=True)
class Environment:
    """Where names and `in.…` get their values; both raise `EvaluationError`.

    `spend` is told of the work that long lists make.
    """

    name: Callable[[syntax.Name], Value]
    incoming: Callable[[syntax.Incoming], Value]
    spend: Callable[[int, Span], None] = lambda work, span: None


def evaluate(expression: syntax.Expression, environment: Environment) -> Value:
    """The value of an expression."""
    match expression:
        case syntax.Literal():
            return _literal(expression)
        case syntax.Name():
            return _counted(environment.name(expression), expression.span, environment)
        case syntax.Incoming():
            return environment.incoming(expression)
        case syntax.List():
            items = tuple(evaluate(item, environment) for item in expression.items)
            return _counted(_list(items, expression.span), expression.span, environment)
        case syntax.Unary():
            return _unary(expression, environment)
        case syntax.Binary():
            return _binary(expression, environment)
        case syntax.Index():
            return _index(expression, environment)
        case syntax.Apply():
            return _counted(_apply(expression, environment), expression.span, environment)


def _counted(value: Value, span: Span, environment: Environment) -> Value:
    if isinstance(value.plain, tuple):
        environment.spend(len(value.plain) // 10, span)
    return value


def _list(items: tuple[Value, ...], span: Span) -> Value:
    """A list, unless it and the lists in it have too many items in all."""
    count, pending = 0, [items]
    while pending:
        inner = pending.pop()
        count += len(inner)
        if count > LONGEST:
            raise fail("E0615", f"a list may have at most {LONGEST} items", span, "this has more")
        pending += [item.plain for item in inner if isinstance(item.plain, tuple)]
    return sequence(items)


def number(value: Value, span: Span, what: str) -> int:
    """The known whole number that a value must be; `what` needs it."""
    if isinstance(value.plain, Polynomial):
        raise needs_number(value.plain, span, what)
    if not is_integer(value):
        raise fail(
            "E0208", f"{what} needs a whole number, gets `{show(value)}`", span, "this is none"
        )
    return value.number


def needs_number(size: Polynomial, span: Span, what: str) -> EvaluationError:
    """The error of a free size where a number is needed."""
    return fail(
        "E0302",
        f"{what} needs a number, gets the free size `{size}`",
        span,
        "not known while compiling",
        help="write a number in place of the free size in the net's `input`",
    )


def truth(expression: syntax.Expression, environment: Environment) -> bool:
    """The value of a condition."""
    value = evaluate(expression, environment)
    if not isinstance(value.plain, bool):
        raise fail(
            "E0208",
            f"a condition needs `true` or `false`, gets `{show(value)}`",
            expression.span,
            "this is neither",
            help="compare it with something" if is_integer(value) else "",
        )
    return value.plain


def _literal(expression: syntax.Literal) -> Value:
    if isinstance(expression.value, int | float):
        return _limited(expression.value, expression.value, expression.span)
    return constant(expression.value)


def _unary(expression: syntax.Unary, environment: Environment) -> Value:
    if expression.operator == "not":
        return constant(not truth(expression.operand, environment))
    operand = evaluate(expression.operand, environment)
    _need_number(operand, expression.operand.span, expression.operator)
    if expression.operator == "+":
        return operand
    if isinstance(operand.plain, float):
        return Value(-operand.plain, terms.apply("-", 0, operand.term))
    return 0 - operand


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _binary(expression: syntax.Binary, environment: Environment) -> Value:
    # A long chain of operators leans to the left: walk down it without recursion.
    chain: list[syntax.Binary] = []
    node: syntax.Expression = expression
    while isinstance(node, syntax.Binary):
        chain.append(node)
        node = node.left
    left = None
    for link in reversed(chain):
        if link.operator in ("and", "or"):
            left = constant(_logic(link, left, environment))
            continue
        left = evaluate(link.left, environment) if left is None else left
        right = evaluate(link.right, environment)
        left = _combine(link, left, right)
    assert left is not None
    return left


def _logic(link: syntax.Binary, left: Value | None, environment: Environment) -> bool:
    if left is None:
        first = truth(link.left, environment)
    elif isinstance(left.plain, bool):
        first = left.plain
    else:
        raise fail(
            "E0208",
            f"`{link.operator}` needs `true` or `false`, gets `{show(left)}`",
            link.left.span,
            "this is neither",
        )
    if first is (link.operator == "or"):
        return first
    return truth(link.right, environment)


def _combine(link: syntax.Binary, left: Value, right: Value) -> Value:
    if link.operator in ("==", "!=", *_ORDER):
        return constant(_compare(link, left, right))
    if link.operator == "+" and isinstance(left.plain, tuple) and isinstance(right.plain, tuple):
        return _joined(left, right, link.span)
    _need_number(left, link.left.span, link.operator)
    _need_number(right, link.right.span, link.operator)
    return _arithmetic(link, left, right)


def _joined(left: Value, right: Value, span: Span) -> Value:
    assert isinstance(left.plain, tuple) and isinstance(right.plain, tuple)
    return _list(left.plain + right.plain, span)


def _compare(link: syntax.Binary, left: Value, right: Value) -> bool:
    a, b = left.plain, right.plain
    if link.operator in ("==", "!="):
        if isinstance(a, Polynomial) or isinstance(b, Polynomial):
            return _compare_sizes(link, a, b)
        return is_same(a, b) is (link.operator == "==")
    for side, value in ((link.left, left), (link.right, right)):
        _need_number(value, side.span, link.operator)
        if isinstance(value.plain, Polynomial):
            raise needs_number(value.plain, side.span, f"`{link.operator}`")
    return _ORDER[link.operator](a, b)


def _compare_sizes(link: syntax.Binary, a: Plain, b: Plain) -> bool:
    if a == b:
        return link.operator == "=="
    is_a_free = isinstance(a, Polynomial)
    free = a if is_a_free else b
    assert isinstance(free, Polynomial)
    raise needs_number(free, (link.left if is_a_free else link.right).span, f"`{link.operator}`")


def _need_number(value: Value, span: Span, operator_: str) -> None:
    plain = value.plain
    if isinstance(plain, bool) or not isinstance(plain, int | float | Polynomial):
        raise fail(
            "E0208", f"`{operator_}` needs a number, gets `{show(value)}`", span, "this is none"
        )


def _arithmetic(link: syntax.Binary, left: Value, right: Value) -> Value:
    a, b, name = left.plain, right.plain, link.operator
    if name in ("/", "//", "%") and b == 0:
        raise fail("E0209", f"`{name}` divides by zero", link.span, f"the divisor is {show(right)}")
    if isinstance(a, Polynomial) or isinstance(b, Polynomial):
        if name in ("/", "**") or isinstance(a, float) or isinstance(b, float):
            raise needs_number(a if isinstance(a, Polynomial) else b, link.span, f"`{name}`")  # type: ignore[arg-type]
    elif name == "**":
        _check_power(link, a, b)
    try:
        plain: Plain = terms.apply(name, a, b)  # type: ignore[arg-type, assignment]
    except (OverflowError, ZeroDivisionError):
        raise _too_large(link.span) from None
    return _limited(plain, _term(name, left, right, plain), link.span)


def _check_power(link: syntax.Binary, base: Plain, exponent: Plain) -> None:
    assert isinstance(base, int | float) and isinstance(exponent, int | float)
    if abs(exponent) > 63 and abs(base) > 1:
        raise _too_large(link.span)
    if base < 0 and not isinstance(exponent, int):
        raise fail("E0209", "a root of a negative number is not real", link.span, "here")
    if base == 0 and exponent < 0:
        raise fail("E0209", "`**` divides by zero", link.span, "0 to a negative power")


def _term(name: str, left: Value, right: Value, plain: Plain) -> Term:
    a, b = left.term, right.term
    if isinstance(plain, int | Polynomial) and name in ("+", "-", "*", "//", "%", "**"):
        applied = terms.apply(name, terms.integer(a), terms.integer(b))
        return terms.integer(applied)
    return terms.apply(name, a, b)


def _limited(plain: Plain, term: Term, span: Span) -> Value:
    if isinstance(plain, int) and abs(plain) >= LARGEST:
        raise _too_large(span)
    if isinstance(plain, float) and not abs(plain) < float("inf"):
        raise _too_large(span)
    return Value(plain, term)


def _too_large(span: Span) -> EvaluationError:
    return fail("E0615", "this number is too large", span, "beyond 2**63")


def _index(expression: syntax.Index, environment: Environment) -> Value:
    base = evaluate(expression.base, environment)
    index = evaluate(expression.index, environment)
    if not isinstance(base.plain, tuple):
        raise fail(
            "E0208",
            f"only a list has items, `{show(base)}` is none",
            expression.base.span,
            "not a list",
        )
    position = number(index, expression.index.span, "an index")
    length = len(base.plain)
    if not -length <= position < length:
        raise fail(
            "E0210",
            f"there is no item {position} in a list of {length}",
            expression.index.span,
            f"needs {-length} to {length - 1}" if length else "the list is empty",
        )
    item = base.plain[position]
    if index.term == index.plain:
        return item
    term = terms.Operation("[]", (base.term, index.term))
    is_size = isinstance(item.plain, int | Polynomial) and not isinstance(item.plain, bool)
    return Value(item.plain, terms.integer(term) if is_size else term)


_SIGNATURES = {
    "len": [("items", True)],
    "sum": [("items", True)],
    "range": [("start", True), ("stop", False), ("step", False)],
}


def _apply(expression: syntax.Apply, environment: Environment) -> Value:
    if expression.name in ("min", "max"):
        return _extreme(expression, environment)
    problems: list[Diagnostic] = []
    bound = bind(
        expression.name,
        expression.span,
        expression.name_span,
        _SIGNATURES[expression.name],
        expression.arguments,
        problems.append,
    )
    if problems:
        raise EvaluationError(problems[0])
    values = {name: evaluate(given, environment) for name, given in bound.items()}
    if expression.name == "range":
        return _range(expression, values, bound)
    items = values["items"].plain
    if not isinstance(items, tuple):
        raise fail(
            "E0208",
            f"`{expression.name}` needs a list, gets `{show(values['items'])}`",
            bound["items"].span,
            "not a list",
        )
    if expression.name == "len":
        term = values["items"].term
        is_known = isinstance(term, tuple)
        written = len(items) if is_known else terms.integer(terms.Operation("len", (term,)))
        return Value(len(items), written)
    return _sum(items, expression)


def _sum(items: tuple[Value, ...], expression: syntax.Apply) -> Value:
    total = constant(0)
    for item in items:
        _need_number(item, expression.span, "sum")
        plain: Plain = terms.apply("+", total.plain, item.plain)  # type: ignore[arg-type, assignment]
        total = _limited(plain, _term("+", total, item, plain), expression.span)
    return total


def _range(
    expression: syntax.Apply, values: dict[str, Value], bound: dict[str, syntax.Expression]
) -> Value:
    numbers = {n: number(v, bound[n].span, "`range`") for n, v in values.items()}
    if "stop" not in numbers:
        numbers = {"start": 0, "stop": numbers["start"]} | {
            k: v for k, v in numbers.items() if k == "step"
        }
    step = numbers.get("step", 1)
    if step == 0:
        raise fail("E0209", "the step of `range` is zero", expression.span, "this never ends")
    result = range(numbers["start"], numbers["stop"], step)
    if len(result) > LONGEST:
        raise fail(
            "E0615",
            f"a list may have at most {LONGEST} items",
            expression.span,
            f"this has {len(result)}",
        )
    items = tuple(constant(i) for i in result)
    if all(isinstance(v.term, int) for v in values.values()):
        return sequence(items)
    return Value(items, terms.Operation("range", tuple(values[name].term for name in values)))


def _extreme(expression: syntax.Apply, environment: Environment) -> Value:
    values = [evaluate(a.value, environment) for a in expression.arguments]
    if len(values) == 1 and isinstance(values[0].plain, tuple):
        values = list(values[0].plain)
    if not values:
        raise fail("E0204", f"`{expression.name}` needs an argument", expression.span, "here")
    for value in values:
        _need_number(value, expression.span, expression.name)
        if isinstance(value.plain, Polynomial):
            raise needs_number(value.plain, expression.span, f"`{expression.name}`")
    pick = min if expression.name == "min" else max
    plain = pick(v.plain for v in values)  # type: ignore[type-var]
    if all(v.term == literal_term(v.plain) for v in values):
        return constant(plain)  # type: ignore[arg-type]
    term = terms.Operation(expression.name, tuple(v.term for v in values))
    return Value(plain, terms.integer(term) if isinstance(plain, int) else term)
