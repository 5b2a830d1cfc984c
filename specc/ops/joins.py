"""What the joins have in common: several tensors that must agree in their sizes."""

from __future__ import annotations

from collections.abc import Collection

from specc.ops.base import Site
from specc.ops.rules import equality_help, equality_note
from specc.types import AXES, TensorType
from specc.values import Value


def require_joinable(site: Site, free_axis: int | None = None) -> None:
    """Fail unless there are two or more inputs of one shape, `free_axis` left aside.

    E0313: fewer than two inputs; E0309: ranks or sizes differ.
    """
    site.require_real()
    if len(site.inputs) < 2:
        raise site.fail(
            "E0313",
            f"`{site.op.name}` needs two or more tensors, gets {len(site.inputs)}",
            "nothing to join",
        )
    for position in range(1, len(site.inputs)):
        _compare(site, position, {free_axis})


def _compare(site: Site, position: int, ignored: Collection[int | None]) -> None:
    first, other = site.inputs[0], site.inputs[position]
    if first.rank != other.rank:
        _fail(site, position, f"{first.description} do not go with {other.description}", "")
    for axis, sizes in enumerate(zip(first.shape, other.shape, strict=True)):
        if axis not in ignored and sizes[0] != sizes[1]:
            name = AXES[first.rank][axis]
            _fail(site, position, f"{name}: {sizes[0]} and {sizes[1]}", *_mending(*sizes))


def _mending(first: Value, other: Value) -> tuple[str, str]:
    return equality_note(first, other), equality_help(first, other)


def _fail(site: Site, position: int, difference: str, note: str, help: str = "") -> None:
    first, other = site.inputs[0], site.inputs[position]
    ordinal = position + 1
    raise site.fail(
        "E0309",
        f"`{site.op.name}` needs equal sizes, gets {first} first and {other} as number {ordinal}",
        difference,
        cause=position,
        note=note or _made_by(site),
        help=help or _other_axis(site),
    )


def _made_by(site: Site) -> str:
    """All shapes, where there are more than the two of the message."""
    if len(site.inputs) < 3:
        return ""
    return f"all of them: {', '.join(str(tensor) for tensor in site.inputs)}"


def _other_axis(site: Site) -> str:
    """An axis along which the tensors could be joined instead."""
    if "axis" not in site.arguments or site.input.rank == 1:
        return ""
    for axis in range(site.input.rank):
        result = site.try_with(axis=axis)
        if result is not None:
            return f"with `axis={axis}` ({AXES[site.input.rank][axis]}) the result is {result}"
    return ""


def joined(site: Site, shape: tuple[Value, ...]) -> TensorType:
    """The type of the result: padded as soon as one of the sequences is."""
    return TensorType(shape, padded=any(tensor.padded for tensor in site.inputs))
