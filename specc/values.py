"""Values while compiling: what an expression *is* for one instance, and how its class writes it.

In `residual(64)` the name `channels` is the number 64 for this instance and the constructor
argument `channels` in `class Residual`. A `Value` carries both, so that shape rules, written
once, yield a shape to check and an expression to emit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specc import terms
from specc.terms import Integer, Polynomial, Term

Plain = int | Polynomial | float | str | bool | None | tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Value:
    """`plain`: the value in this instance. `term`: the same over the class's own symbols.

    Two values are equal when their plain values are.
    """

    plain: Plain
    term: Term

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and self.plain == other.plain

    def __hash__(self) -> int:
        return hash(self.plain)

    def __str__(self) -> str:
        return show(self)

    @property
    def size(self) -> Integer:
        """The plain value, where only a whole number or a free size can stand."""
        if isinstance(self.plain, int | Polynomial):
            return self.plain
        raise TypeError(f"not a size: {self.plain!r}")

    @property
    def number(self) -> int:
        """The plain value, where only a known whole number can stand."""
        if isinstance(self.plain, int):
            return self.plain
        raise TypeError(f"not a known whole number: {self.plain!r}")

    @property
    def is_known(self) -> bool:
        """Whether the value does not depend on a free size."""
        return not isinstance(self.plain, Polynomial)

    def __add__(self, other: Value | int) -> Value:
        return self._combine("+", other)

    def __sub__(self, other: Value | int) -> Value:
        return self._combine("-", other)

    def __mul__(self, other: Value | int) -> Value:
        return self._combine("*", other)

    def __floordiv__(self, other: Value | int) -> Value:
        return self._combine("//", other)

    def __mod__(self, other: Value | int) -> Value:
        return self._combine("%", other)

    def __radd__(self, other: int) -> Value:
        return constant(other) + self

    def __rsub__(self, other: int) -> Value:
        return constant(other) - self

    def __rmul__(self, other: int) -> Value:
        return constant(other) * self

    def _combine(self, operator: str, other: Value | int) -> Value:
        right = other if isinstance(other, Value) else constant(other)
        plain = terms.apply(operator, self.size, right.size)
        if self.term is self.plain and right.term is right.plain:
            return Value(terms.integer(plain), plain)
        term = terms.apply(operator, terms.integer(self.term), terms.integer(right.term))
        return Value(terms.integer(plain), term)


def constant(plain: int | float | str | bool | None) -> Value:
    """A value that is written as it is."""
    return Value(plain, plain)


def sequence(items: tuple[Value, ...]) -> Value:
    """A list of values."""
    return Value(items, tuple(item.term for item in items))


def named(value: Value, name: str) -> Value:
    """The same value under a constructor argument's name; the items of a list are its indices."""
    return _written(value.plain, terms.Symbol(name))


def _written(plain: Plain, term: terms.Atom) -> Value:
    if isinstance(plain, tuple):
        items = tuple(
            _written(item.plain, terms.Operation("[]", (term, index)))
            for index, item in enumerate(plain)
        )
        return Value(items, term)
    is_integer = isinstance(plain, Polynomial | int) and not isinstance(plain, bool)
    return Value(plain, terms.integer(term) if is_integer else term)


def rewritten(value: Value, names: Mapping[str, Term]) -> Value:
    """The same value with its term put in another class's symbols."""
    if isinstance(value.plain, tuple):
        items = tuple(rewritten(item, names) for item in value.plain)
        return Value(items, terms.substitute(value.term, names))
    return Value(value.plain, terms.substitute(value.term, names))


def literal_term(plain: Plain) -> Term:
    """The plain value itself as a term."""
    if isinstance(plain, tuple):
        return tuple(literal_term(item.plain) for item in plain)
    return plain


def known_values(plain: Plain) -> object:
    """A plain Python value (numbers, strings, lists as tuples), for settings."""
    if isinstance(plain, tuple):
        return tuple(known_values(item.plain) for item in plain)
    return plain


def show(value: Value) -> str:
    """A value as a message in the language writes it."""
    plain = value.plain
    if isinstance(plain, tuple):
        return "[" + ", ".join(show(item) for item in plain) + "]"
    if plain is None or isinstance(plain, bool):
        return {None: "none", True: "true", False: "false"}[plain]
    if isinstance(plain, str):
        return _quoted(plain)
    return str(plain)


def _quoted(text: str) -> str:
    """A string as the language writes it, with its four escapes."""
    for character, escape in (("\\", r"\\"), ('"', r"\""), ("\n", r"\n"), ("\t", r"\t")):
        text = text.replace(character, escape)
    return f'"{text}"'


def is_same(a: Plain, b: Plain) -> bool:
    """Whether two values are equal; a truth value is no number, in lists neither."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        pairs = zip(a, b, strict=False)
        return len(a) == len(b) and all(is_same(x.plain, y.plain) for x, y in pairs)
    return a == b and isinstance(a, bool) == isinstance(b, bool)
