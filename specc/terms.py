"""Integer expressions in normal form, and the terms that constructors are written with.

Two things are counted with this one algebra. A *size* that is not known while compiling, such
as the length `T` of a sequence, is a polynomial over such symbols; two sizes are equal when
their normal forms are. A *constructor argument*, such as `channels` of a block, is a symbol in
the code that is written: `channels // 2` stays `channels // 2` there.

A term is an `int`, a `Polynomial`, a `Symbol`, an `Operation`, or a Python literal (real,
string, truth value, `None`, tuple of terms). Integers are plain `int` whenever they are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Union

from specc.literal import literal


@dataclass(frozen=True, slots=True)
class Symbol:
    """A free size or a constructor argument."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Operation:
    """What the normal form does not look into, such as `a // b`, `c[0]` or `max(a, b)`."""

    operator: str
    operands: tuple[Term, ...]

    def __str__(self) -> str:
        if self.operator == "[]":
            base, index = self.operands
            return f"{_atom(base)}[{index}]"
        if self.operator == "1 -":
            return f"1 - {_atom(self.operands[0])}"
        if self.operator.isidentifier() and self.operator not in ("and", "or"):
            return f"{self.operator}({', '.join(render(o) for o in self.operands)})"
        left, right = self.operands
        return f"{_atom(left)} {self.operator} {_atom(right)}"


Atom = Symbol | Operation
Monomial = tuple[tuple[Atom, int], ...]
Term = Union["Polynomial", Atom, int, float, str, bool, None, tuple["Term", ...]]
Integer = Union["Polynomial", int]


@dataclass(frozen=True)
class Polynomial:
    """A sum of products of atoms, sorted; never a plain number (that is an `int`)."""

    monomials: tuple[tuple[Monomial, int], ...]

    @cached_property
    def _hash(self) -> int:
        return hash(self.monomials)

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        pieces: list[str] = []
        for monomial, factor in self.monomials:
            sign, size = ("-" if factor < 0 else "+"), abs(factor)
            product = _product(monomial, size)
            if pieces:
                pieces.append(f" {sign} {product}")
            else:
                pieces.append(f"-{product}" if sign == "-" else product)
        return "".join(pieces)

    def __add__(self, other: Integer) -> Integer:
        if not isinstance(other, int | Polynomial):
            return NotImplemented
        sums = dict(self.monomials)
        for monomial, factor in _monomials(other):
            sums[monomial] = sums.get(monomial, 0) + factor
        return _normal(sums)

    def __mul__(self, other: Integer) -> Integer:
        if not isinstance(other, int | Polynomial):
            return NotImplemented
        sums: dict[Monomial, int] = {}
        for left, a in self.monomials:
            for right, b in _monomials(other):
                monomial = _times(left, right)
                sums[monomial] = sums.get(monomial, 0) + a * b
        return _normal(sums)

    def __neg__(self) -> Integer:
        return self * -1

    def __sub__(self, other: Integer) -> Integer:
        return self + -other

    def __rsub__(self, other: Integer) -> Integer:
        return -self + other

    __radd__ = __add__
    __rmul__ = __mul__

    def __floordiv__(self, other: Integer) -> Integer:
        return floor_divide(self, other)

    def __rfloordiv__(self, other: Integer) -> Integer:
        return floor_divide(other, self)


def symbol(name: str) -> Integer:
    """The integer that a name stands for."""
    return integer(Symbol(name))


def integer(atom: Term) -> Integer:
    """An atom that stands for a whole number, ready for arithmetic."""
    if isinstance(atom, int | Polynomial):
        return atom
    if isinstance(atom, Symbol | Operation):
        return Polynomial(((((atom, 1),), 1),))
    raise TypeError(f"not a whole number: {atom!r}")


def complement(part: Term) -> Term:
    """1 − part; of a number as a person writes it: of 0.9 it is 0.1."""
    return apply("1 -", part)


def floor_divide(numerator: Integer, denominator: Integer) -> Integer:
    """`numerator // denominator`, taking out what divides exactly.

    (16·H + 3) // 16 = H, because 16·H/16 is whole and 0 <= 3 < 16.
    """
    if isinstance(numerator, int | float) and isinstance(denominator, int | float):
        return numerator // denominator
    if numerator == denominator:
        return 1
    if not isinstance(denominator, int):
        return integer(Operation("//", (numerator, denominator)))
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, factor in _monomials(numerator):
        quotient = factor // denominator if not monomial or factor % denominator == 0 else 0
        whole[monomial] = quotient
        rest[monomial] = factor - quotient * denominator
    remainder = _normal(rest)
    if isinstance(remainder, int):  # 0 <= remainder < denominator
        return _normal(whole)
    return _normal(whole) + integer(Operation("//", (remainder, denominator)))


def modulo(numerator: Integer, denominator: Integer) -> Integer:
    """`numerator % denominator`."""
    if isinstance(numerator, int | float) and isinstance(denominator, int | float):
        return numerator % denominator
    quotient = floor_divide(numerator, denominator)
    exact = quotient * denominator
    if exact == numerator:
        return 0
    return integer(Operation("%", (numerator, denominator)))


def symbols(term: Term) -> Iterator[str]:
    """The names in a term, in order, with repetitions."""
    if isinstance(term, Symbol):
        yield term.name
    elif isinstance(term, Operation):
        for operand in term.operands:
            yield from symbols(operand)
    elif isinstance(term, Polynomial):
        for monomial, _ in term.monomials:
            for atom, _power in monomial:
                yield from symbols(atom)
    elif isinstance(term, tuple):
        for item in term:
            yield from symbols(item)


def substitute(term: Term, values: Mapping[str, Term]) -> Term:
    """The term with names replaced, folded again: `channels // 2` with 64 is 32."""
    if isinstance(term, Symbol):
        return values.get(term.name, term)
    if isinstance(term, Operation):
        return apply(term.operator, *(substitute(o, values) for o in term.operands))
    if isinstance(term, Polynomial):
        return _substitute_polynomial(term, values)
    if isinstance(term, tuple):
        return tuple(substitute(item, values) for item in term)
    return term


def _substitute_polynomial(term: Polynomial, values: Mapping[str, Term]) -> Integer:
    total: Integer = 0
    for monomial, factor in term.monomials:
        product: Integer = factor
        for atom, power in monomial:
            replaced = integer(substitute(atom, values))
            for _ in range(power):
                product = product * replaced
        total = total + product
    return total


_FOLD: dict[str, Callable[..., object]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": floor_divide,
    "%": modulo,
    "**": lambda a, b: a**b,
    "[]": lambda a, b: a[b],
    "min": min,
    "max": max,
    "sum": lambda items: sum(items),
    "len": len,
    "range": lambda *bounds: tuple(range(*bounds)),
    "1 -": lambda a: float(1 - Decimal(repr(a))),
}
_EXACT = ("+", "-", "*", "//", "%")


def apply(operator: str, *operands: Term) -> Term:
    """An operation on terms; folded when every operand is known, and where the normal form can."""
    polynomial = any(isinstance(o, Polynomial) for o in operands)
    if polynomial and operator in _EXACT and all(isinstance(o, int | Polynomial) for o in operands):
        return _FOLD[operator](*operands)  # type: ignore[return-value]
    if operator == "[]" and isinstance(operands[0], tuple) and isinstance(operands[1], int):
        return operands[0][operands[1]]
    if any(True for o in operands for _ in symbols(o)):
        return Operation(operator, operands)
    return _FOLD[operator](*operands)  # type: ignore[return-value]


def can_be_positive(size: Polynomial) -> bool:
    """Whether a size may be more than 0 for some numbers, which are not negative themselves."""
    return any(factor > 0 for _, factor in size.monomials)


def solved(size: Integer, name: str, value: Integer) -> Integer | None:
    """What a symbol is where `size` is `value`, rounded down; `None` unless `size` is linear in it.

    In 2·T + 1 it is (value − 1) // 2.
    """
    factor = dict(_monomials(size)).get(((Symbol(name), 1),), 0)
    rest = size - factor * symbol(name)
    if not factor or name in symbols(rest):
        return None
    return floor_divide(value - rest, factor)


def render(term: Term) -> str:
    """A term as Python source."""
    if isinstance(term, tuple):
        inner = ", ".join(render(item) for item in term)
        return f"({inner},)" if len(term) == 1 else f"({inner})"
    if isinstance(term, str | float | bool) or term is None:
        return literal(term)
    return str(term)


def _monomials(size: Integer) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(size, int):
        return (((), size),) if size else ()
    return size.monomials


def _normal(sums: Mapping[Monomial, int]) -> Integer:
    kept = [(monomial, factor) for monomial, factor in sums.items() if factor]
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Polynomial(tuple(sorted(kept, key=lambda pair: _order(pair[0]))))


def _order(monomial: Monomial) -> tuple[int, str]:
    degree = sum(power for _, power in monomial)
    return -degree, " ".join(str(atom) for atom, _ in monomial)


def _times(left: Monomial, right: Monomial) -> Monomial:
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=lambda pair: str(pair[0])))


def _product(monomial: Monomial, factor: int) -> str:
    parts = [str(factor)] if factor != 1 or not monomial else []
    alone = len(monomial) == 1 and monomial[0][1] == 1 and not parts
    for atom, power in monomial:
        text = str(atom) if alone else _atom(atom)
        parts.append(text if power == 1 else f"{text}**{power}")
    return " * ".join(parts)


def _atom(term: Term) -> str:
    """A term as an operand: in parentheses unless nothing can bind into it."""
    text = render(term)
    simple = text.isidentifier() or text.isdigit() or (text[-1] in ')]"' and " " not in text)
    return text if simple else f"({text})"
