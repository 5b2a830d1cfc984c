"""Numbers for the sizes that are free while compiling, and for how many examples there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from specc import terms
from specc.check import ShapedModel
from specc.graph import Layer, Tensor
from specc.ops.batchnorm import BatchNorm
from specc.places import Place
from specc.values import Value

_SMALLEST = 5
_LARGEST = 1000

Sizes = Mapping[str, int]
"""A number for each free size."""


class SizeError(ValueError):
    """A number that does not fit the network; `option` is the one that it was given with."""

    def __init__(self, message: str, option: str = "--size") -> None:
        super().__init__(message)
        self.option = option


def choose_sizes(shaped: ShapedModel, places: Iterable[Place], given: Sizes) -> dict[str, int]:
    """A number for each free size: what is given, else 5, 6, 7, … in the order of the spec.

    Where these leave nothing of a tensor, they begin later.

    Raises:
        SizeError: if `given` names something else, or leaves nothing of a tensor.
    """
    declared = (*shaped.inputs.values(), *shaped.targets.values())
    free = list(dict.fromkeys(n for t in declared for s in t.type.shape for n in _names(s)))
    for name in given:
        if name not in free:
            known = ", ".join(f"`{n}`" for n in free) or "none"
            raise SizeError(f"`{shaped.net.name}` has no free size `{name}`; it has {known}")
    makers = [(f"`{t.name}`", t) for t in declared]
    makers += [(str(place), t) for place in places for t in place.node.outputs]
    found: dict[str, int] = {}
    for smallest in range(_SMALLEST, _LARGEST if len(given) < len(free) else _SMALLEST + 1):
        found = {name: given.get(name, smallest + i) for i, name in enumerate(free)}
        if all(_empty(tensor, found) is None for _, tensor in makers):
            return found
    raise _too_small(makers, found)


def _names(size: Value) -> Iterable[str]:
    return terms.symbols(size.size)


def _empty(tensor: Tensor, sizes: Sizes) -> Value | None:
    """A size of a tensor that is no positive number."""
    return next((size for size in tensor.type.shape if put(size, sizes) < 1), None)


def _too_small(makers: Iterable[tuple[str, Tensor]], sizes: Sizes) -> SizeError:
    empty = ((maker, _empty(tensor, sizes)) for maker, tensor in makers)
    maker, size = next((maker, size) for maker, size in empty if size is not None)
    numbers = ", ".join(f"{name} = {number}" for name, number in sizes.items())
    return SizeError(
        f"{maker} has the size {size}, which would be {put(size, sizes)} for {numbers}"
    )


def need_examples(places: Iterable[Place], sizes: Sizes, count: int) -> None:
    """Make sure that every batch norm has more than one number of each feature.

    Raises:
        SizeError: if `count` examples are too few.
    """
    for place in places:
        if isinstance(place.node, Layer) and isinstance(place.node.op, BatchNorm):
            type_ = place.node.input
            axes = type_.shape[1:] if type_.is_image else type_.shape[:-1]
            if count * math.prod(put(size, sizes) for size in axes) < 2:
                message = f"{place} normalises over the batch and needs two examples at least"
                raise SizeError(message, "--batch")


def put(size: Value, sizes: Sizes) -> int:
    """A size with numbers for all free sizes."""
    number = terms.substitute(size.size, sizes)
    assert isinstance(number, int)
    return number
