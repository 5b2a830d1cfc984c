"""Arguments of layers, blocks, losses and settings: names, kinds, ranges, defaults.

Binding (which argument is which) and checking (is it of the right kind) are separate: binding
needs only the text and happens once a call; checking needs values and happens per instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from specc.diagnostics import Diagnostic, Label
from specc.source import Span
from specc.suggest import did_you_mean
from specc.syntax import Argument as Given
from specc.syntax import Expression
from specc.values import Value, show

LARGEST = 2**31 - 1
"""No size, count or label may be larger than this."""


class Required:
    """The default of an argument that has none."""


REQUIRED = Required()


@dataclass(frozen=True, slots=True)
class Kind:
    """What an argument may be.

    `what` completes "needs …"; `accepts` tests a value. `choices` are bare words.
    """

    what: str
    accepts: Callable[[Value], bool]
    choices: tuple[str, ...] = ()
    tensor: bool = False


def is_integer(value: Value) -> bool:
    """A known whole number (a truth value is none)."""
    return isinstance(value.plain, int) and not isinstance(value.plain, bool)


def is_real(value: Value) -> bool:
    """A known number, finite."""
    plain = value.plain
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        return False
    return abs(plain) < float("inf")


def whole(minimum: int, maximum: int = LARGEST) -> Kind:
    """A whole number within limits."""
    limit = f" from {minimum} to {maximum}" if maximum != LARGEST else f" of at least {minimum}"
    return Kind(
        f"a whole number{limit}",
        lambda v: is_integer(v) and minimum <= v.number <= maximum,
    )


def real(what: str, accepts: Callable[[float], bool]) -> Kind:
    """A number for which `accepts` holds; `what` says so in words."""
    return Kind(what, lambda v: is_real(v) and accepts(v.plain))  # type: ignore[arg-type]


def pair(minimum: int) -> Kind:
    """A whole number, or two in a list for height and width."""

    def accepts(value: Value) -> bool:
        items = value.plain if isinstance(value.plain, tuple) else (value, value)
        return len(items) == 2 and all(
            is_integer(i) and minimum <= i.number <= LARGEST for i in items
        )

    return Kind(
        f"a whole number of at least {minimum}, or two in a list `[height, width]`", accepts
    )


def sizes(minimum: int = 1) -> Kind:
    """A list of whole numbers."""

    def accepts(value: Value) -> bool:
        return (
            isinstance(value.plain, tuple)
            and bool(value.plain)
            and all(is_integer(i) and minimum <= i.number <= LARGEST for i in value.plain)
        )

    return Kind(f"a list of whole numbers of at least {minimum}", accepts)


def choice(*words: str) -> Kind:
    """One of a few bare words."""
    listed = ", ".join(f"`{word}`" for word in words)
    return Kind(f"one of {listed}", lambda v: v.plain in words, words)


def either(first: Kind, second: Kind) -> Kind:
    """What either kind accepts."""
    return Kind(
        f"{first.what}, or {second.what}",
        lambda v: first.accepts(v) or second.accepts(v),
        first.choices + second.choices,
    )


def word(text: str) -> Kind:
    """One particular string, written in quotes: `pad="same"`."""
    return Kind(f'`"{text}"`', lambda v: v.plain == text)


BOOLEAN = Kind("`true` or `false`", lambda v: isinstance(v.plain, bool))
TEXT = Kind("a string", lambda v: isinstance(v.plain, str))
POSITIVE = whole(1)
POSITIVE_REAL = real("a positive number", lambda x: x > 0)
NOT_NEGATIVE_REAL = real("a number of at least 0", lambda x: x >= 0)
NUMBER = real("a number", lambda x: True)
RATE = real("a number of at least 0 and below 1", lambda x: 0 <= x < 1)
TENSOR = Kind("the name of a tensor", lambda v: False, tensor=True)
ANY = Kind("a value", lambda v: True)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a layer: its name, what it may be, its default, and what it does.

    A `structural` argument decides which code is written, not only with which number: two
    instances that differ in it are of two classes.
    """

    name: str
    kind: Kind = ANY
    default: int | float | str | bool | Required | None = REQUIRED
    doc: str = ""
    structural: bool = False

    @property
    def is_required(self) -> bool:
        """Whether a call must give it."""
        return isinstance(self.default, Required)


def show_default(argument: Argument) -> str:
    """`name` or `name=default`, as documentation writes a signature."""
    if isinstance(argument.default, Required):
        return argument.name
    if argument.default in argument.kind.choices:
        return f"{argument.name}={argument.default}"
    return f"{argument.name}={show(Value(argument.default, argument.default))}"


Report = Callable[[Diagnostic], None]


def bind(
    owner: str,
    call: Span,
    name_span: Span,
    declared: Sequence[tuple[str, bool]],
    given: Iterable[Given],
    report: Report,
    declared_at: Label | None = None,
) -> dict[str, Expression]:
    """Match the arguments of a call with the declared `(name, is required)` ones.

    Reports unknown, repeated, missing and surplus arguments; `owner` is the call's name.
    """
    names = [name for name, _ in declared]
    bound: dict[str, Expression] = {}
    places: dict[str, Span] = {}
    surplus: list[Given] = []
    position = 0
    for argument in given:
        name = argument.name
        if name is None:
            if position >= len(names):
                surplus.append(argument)
                continue
            name = names[position]
            position += 1
        elif name not in names:
            report(_unknown(owner, argument, names, declared_at))
            continue
        if name in bound:
            report(_repeated(owner, name, argument.span, places[name]))
            continue
        bound[name] = argument.value
        places[name] = argument.span
    if surplus:
        report(_surplus(owner, surplus, names, declared_at))
    missing = [name for name, required in declared if required and name not in bound]
    if missing and not surplus:
        report(_missing(owner, call, name_span, missing, names, declared_at))
    return bound


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) if names else "none"


def _unknown(owner: str, given: Given, names: Sequence[str], at: Label | None) -> Diagnostic:
    assert given.name is not None
    return Diagnostic(
        "E0201",
        f"`{owner}` has no argument `{given.name}`",
        Label(given.name_span or given.span, "unknown argument"),
        at,
        note=f"the arguments of `{owner}`: {_listed(names)}",
        help=did_you_mean(given.name, names),
    )


def _repeated(owner: str, name: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        "E0202",
        f"`{owner}` gets the argument `{name}` twice",
        Label(span, "given again here"),
        Label(first, "first given here"),
        help="remove one of the two",
    )


def _surplus(owner: str, extra: list[Given], names: Sequence[str], at: Label | None) -> Diagnostic:
    count = len(names)
    needs = "no arguments" if count == 0 else f"at most {count} argument{'s' * (count != 1)}"
    return Diagnostic(
        "E0203",
        f"`{owner}` takes {needs}, gets {count + len(extra)}",
        Label(extra[0].span.to(extra[-1].span), "too many"),
        at,
        note=f"the arguments of `{owner}`: {_listed(names)}" if names else "",
    )


def _missing(
    owner: str,
    call: Span,
    name_span: Span,
    missing: Sequence[str],
    names: Sequence[str],
    at: Label | None,
) -> Diagnostic:
    plural = "s" * (len(missing) != 1)
    return Diagnostic(
        "E0204",
        f"`{owner}` needs the argument{plural} {_listed(missing)}",
        Label(call if call.text else name_span, "missing here"),
        at,
        note=f"the arguments of `{owner}`, in order: {_listed(names)}",
    )


def wrong_kind(
    owner: str, argument: Argument, value: Value | str, span: Span, declared_at: Label | None = None
) -> Diagnostic:
    """The diagnostic of a value that its argument does not accept."""
    shown = value if isinstance(value, str) else show(value)
    return Diagnostic(
        "E0205",
        f"`{argument.name}` of `{owner}` needs {argument.kind.what}, gets `{shown}`",
        Label(span, "this is not"),
        declared_at,
        help=did_you_mean(shown, argument.kind.choices),
    )


def defaults(arguments: Sequence[Argument]) -> Mapping[str, Value]:
    """The values of the arguments that have defaults."""
    return {
        a.name: Value(a.default, a.default)
        for a in arguments
        if not isinstance(a.default, Required)
    }
