"""Checks that several layers share: ranks, known numbers, equal sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt, lcm

from specc import terms
from specc.graph import Layer
from specc.ops.site import Site
from specc.terms import Integer, Operation, Term
from specc.types import Content, TensorType
from specc.values import Value, constant

LARGEST_TRIED = 64
"""Divisors up to this are tried when two free sizes are equal only for some of their values."""


def given(layer: Layer, *names: str) -> dict[str, Term]:
    """The terms of the arguments that are not written as their defaults."""
    declared = {argument.name: argument.default for argument in layer.op.arguments}
    written = {name: layer[name].term for name in names}
    return {name: term for name, term in written.items() if term != declared[name]}


def product(sizes: tuple[Value, ...]) -> Value:
    """How many numbers a tensor of this shape holds."""
    total = constant(1)
    for size in sizes:
        total = total * size
    return total


def product_text(sizes: tuple[Value, ...]) -> str:
    """The same as arithmetic: `16 * 4 * 4 = 256`."""
    if len(sizes) == 1:
        return str(sizes[0])
    factors = " * ".join(_factor(size) for size in sizes)
    total = str(product(sizes))
    return factors if factors == total else f"{factors} = {total}"


def _factor(size: Value) -> str:
    text = str(size)
    return f"({text})" if " " in text else text


def require_image(site: Site) -> None:
    """Fail (E0307) unless the input is a real image: channels, height, width."""
    site.require_real()
    if site.input.is_image:
        return
    has_batch = site.input.rank == 4
    raise site.fail(
        "E0307",
        f"`{site.op.name}` needs an image, gets {site.input.description}",
        "needs channels, height and width",
        note="shapes leave out the batch" if has_batch else "",
        help=declaring(site, site.input.shape[1:]) if has_batch else _as_image(site),
    )


def require_sequence(site: Site) -> None:
    """Fail (E0307) unless the input is a real sequence: length, features."""
    site.require_real()
    if site.input.rank == 2:
        return
    has_batch = site.input.rank == 3
    raise site.fail(
        "E0307",
        f"`{site.op.name}` needs a sequence, gets {site.input.description}",
        "needs length and features",
        note="shapes leave out the batch" if has_batch else "",
        help=declaring(site, site.input.shape[1:]) if has_batch else _as_sequence(site),
    )


def require_tokens(site: Site, count: str) -> None:
    """Fail unless the input is a token or a sequence of them, as many different as `count` says.

    E0319: other contents, or a rank above 1; E0320: another number of tokens.
    """
    if site.input.content is not Content.TOKEN or site.input.rank > 1:
        raise site.fail(
            "E0319",
            f"`{site.op.name}` needs tokens, gets {site.input.description}",
            "looks up tokens, one by one or in a sequence",
        )
    if site.input.classes != site[count]:
        raise site.fail(
            "E0320",
            f"`{site.op.name}` needs as many tokens as its input has, gets {site[count]}",
            f"its input has {site.input.classes}",
            argument=count,
            help=_with_count(site, count),
        )


def _with_count(site: Site, count: str) -> str:
    known = site.input.classes.plain if site.input.classes is not None else None
    result = site.try_with(**{count: known}) if isinstance(known, int) else None
    return f"with `{count}={known}` the result is {result}" if result else ""


def declaring(site: Site, shape: tuple[Value, ...]) -> str:
    """Another declaration of the input, if it is declared in numbers and that one works."""
    written = "".join(site.made_at[0].text.split())
    is_declared = written.endswith(f":{site.input.declaration}".replace(" ", ""))
    better = TensorType(shape)
    works = is_declared and site.try_on(better) is not None
    return f"write `{better.declaration}`" if works else ""


def _as_image(site: Site) -> str:
    """A `reshape` that makes an image of the input, if this layer takes it."""
    sizes = site.input.shape
    if not all(isinstance(size.plain, int) for size in sizes):
        return ""
    if site.input.rank == 1:
        side = isqrt(sizes[0].number)
        sizes = (constant(side), constant(side)) if side * side == sizes[0].number else ()
    if len(sizes) != 2:
        return ""
    image = TensorType((constant(1), *sizes))
    result = site.try_on(image)
    return f"with `reshape({image})` before it the result is {result}" if result else ""


def _as_sequence(site: Site) -> str:
    """A `reshape` that makes a sequence of single numbers of the input, if this layer takes it."""
    sequence = TensorType((*site.input.shape, constant(1)))
    result = site.try_on(sequence)
    return f"with `reshape({sequence})` before it the result is {result}" if result else ""


def require_features(site: Site) -> None:
    """Fail (E0311) on an image: it must become features first, and how is not guessed."""
    site.require_real()
    if not site.input.is_image:
        return
    sizes = site.input.shape
    result = site.try_on(TensorType((product(sizes),)))
    raise site.fail(
        "E0311",
        f"`{site.op.name}` needs features, gets {site.input.description}",
        "needs features or a sequence",
        note=f"as features these are {product_text(sizes)} numbers",
        help=f"with `flatten` before it the result is {result}" if result else "",
    )


def require_number(site: Site, size: Value, what: str, purpose: str) -> int:
    """The number that `size` is; fails (E0302) if it depends on a free size.

    `what` names the size ("features"), `purpose` says why a number is needed.
    """
    if isinstance(size.plain, int):
        return size.plain
    free = sorted(set(terms.symbols(size.size)))
    listed = " and ".join(f"`{name}`" for name in free)
    numbers = tuple(_with_numbers(tensor, free) for tensor in site.inputs)
    works = site.try_on(*numbers) is not None
    raise site.fail(
        "E0302",
        f"`{site.op.name}` needs a known number of {what}, gets {size}",
        "a symbolic size where a number is needed",
        note=f"{listed} {'is' if len(free) == 1 else 'are'} free; {purpose}",
        help=f"declare {'numbers' if len(free) > 1 else 'a number'} in place of {listed}"
        if works
        else "",
    )


def _with_numbers(tensor: TensorType, free: list[str], number: int = 64) -> TensorType:
    values: dict[str, Term] = dict.fromkeys(free, number)
    shape = (terms.integer(terms.substitute(size.size, values)) for size in tensor.shape)
    return TensorType(tuple(Value(size, size) for size in shape))


def require_divisible(
    site: Site, size: Value, name: str, code: str, what: str, cause: int | None = 0
) -> None:
    """Fail (`code`) unless the argument `name` divides `size`, which `what` describes."""
    by = site[name].number
    remainder = terms.modulo(size.size, by)
    if remainder == 0:
        return
    if isinstance(size.plain, int):
        note, help = f"{size} % {by} = {remainder}", _nearest_divisor(site, size.plain, name)
    else:
        note, help = _declared_divisible(size, by)
    raise site.fail(
        code,
        f"`{site.op.name}` needs `{name}` to divide {what}, gets {by} and {size}",
        f"does not divide {size}",
        argument=name,
        cause=cause,
        note=note,
        help=help,
    )


def _nearest_divisor(site: Site, size: int, name: str) -> str:
    """The divisor nearest to what was wanted, of those that work, and the result."""
    wanted = site[name].number
    kind = next(argument.kind for argument in site.op.arguments if argument.name == name)
    divisors = (d for d in range(1, min(size, 4096) + 1) if size % d == 0)
    for divisor in sorted(divisors, key=lambda d: (abs(d - wanted), d)):
        works = kind.accepts(constant(divisor))
        result = site.try_with(**{name: divisor}) if works else None
        if result is not None:
            return f"with `{name}={divisor}` the result is {result}"
    return ""


def warn_padded(site: Site) -> None:
    """Warn (W0302) that a layer over time takes the padding of sequences for values."""
    padded = (position for position, type_ in enumerate(site.inputs) if type_.padded)
    if (cause := next(padded, None)) is not None:
        site.warn(
            site.diagnostic(
                "W0302",
                f"`{site.op.name}` takes the padding of a sequence for values",
                "sequences are shorter than this layer sees them",
                cause=cause,
            )
        )


def _declared_divisible(size: Value, by: int) -> tuple[str, str]:
    """A note and a help for a size that has to be divisible and is only for some free sizes."""
    free = sorted(set(terms.symbols(size.size)))
    multiples = {
        name: terms.substitute(size.size, {name: by * terms.symbol(name)}) for name in free
    }
    works = [name for name, size in multiples.items() if terms.modulo(terms.integer(size), by) == 0]
    help = f"declare `{by}*{works[0]}` in place of `{works[0]}`" if works else ""
    return f"{by} divides {size} only for some values of its free sizes", help


def mending(pairs: Sequence[tuple[Value, Value]]) -> tuple[str, str]:
    """A note and a help for sizes that are equal only for some values of the free sizes in them.

    The note is about the first pair that differs, the help makes all pairs equal. Both are empty
    where nothing can make them so.
    """
    factors: dict[str, int] = {}
    note = ""
    for left, right in (pair for pair in pairs if pair[0] != pair[1]):
        needed = _factor_needed(left, right)
        if needed is None:
            return "", ""
        names, factor = needed
        factors |= {name: lcm(factor, factors.get(name, 1)) for name in names}
        note = note or _certain(left, right, names, factor)
    return note, _declared(pairs, factors)


def _certain(left: Value, right: Value, names: tuple[str, ...], factor: int) -> str:
    listed = " and ".join(f"`{name}`" for name in names)
    verb = "is" if len(names) == 1 else "are"
    return f"{left} is certain to be {right} only where {listed} {verb} divisible by {factor}"


def _declared(pairs: Sequence[tuple[Value, Value]], factors: Mapping[str, int]) -> str:
    """The declaration with these factors, if it makes all pairs equal."""
    if not all(_are_equal(left, right, factors) for left, right in pairs):
        return ""
    listed = (f"`{factor}*{name}` in place of `{name}`" for name, factor in factors.items())
    return f"declare {' and '.join(listed)}"


def _are_equal(left: Value, right: Value, factors: Mapping[str, int]) -> bool:
    values: dict[str, Term] = {name: f * terms.symbol(name) for name, f in factors.items()}
    return terms.substitute(left.size, values) == terms.substitute(right.size, values)


def _factor_needed(left: Value, right: Value) -> tuple[tuple[str, ...], int] | None:
    """Free sizes and the smallest factor of them that makes two sizes equal: (("H",), 2)."""
    names = tuple(sorted({*terms.symbols(left.size), *terms.symbols(right.size)}))
    if not _has_quotient(left.size) and not _has_quotient(right.size):
        return None
    together = (names,) if len(names) > 1 else ()
    for chosen in (*((name,) for name in names), *together):
        for factor in range(2, LARGEST_TRIED + 1):
            if _are_equal(left, right, dict.fromkeys(chosen, factor)):
                return chosen, factor
    return None


def _has_quotient(size: Integer) -> bool:
    if isinstance(size, int):
        return False
    return any(isinstance(a, Operation) for monomial, _ in size.monomials for a, _ in monomial)
