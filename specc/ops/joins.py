"""What the joins have in common: several tensors that must agree in their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from specc.graph import Layer
from specc.ops.base import FunctionOp
from specc.ops.padding import common_lengths
from specc.ops.rules import mending
from specc.ops.site import Site
from specc.types import AXES, TensorType
from specc.values import Value


class ArithmeticJoin(FunctionOp):
    """Tensors of one shape, joined number by number.

    It needs no kernel: it is written with a `sign`, or in place with a `ufunc` of NumPy.
    """

    family = "join"
    input_count = None
    sign: ClassVar[str]
    ufunc: ClassVar[str]

    def infer(self, site: Site) -> TensorType:
        """The shape of each."""
        require_joinable(site)
        return joined(site, site.input.shape)

    @property
    def has_kernel(self) -> bool:
        """It is plain arithmetic."""
        return False

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`a + b`."""
        return self.expression(layer, inputs, None)

    def expression(self, layer: Layer, inputs: Sequence[str], place: int | None) -> str:
        """`a + b`, or `np.add(a, b, out=a)`."""
        if place is None or len(inputs) != 2:
            return f" {self.sign} ".join(inputs)
        return f"{self.ufunc}({', '.join(inputs)}, out={inputs[place]})"


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
            note=f"a join takes all tensors of `from a, b -> {site.op.name}`, "
            "or the results of its paths",
        )
    for position in range(1, len(site.inputs)):
        _compare(site, position, free_axis)


def _compare(site: Site, position: int, free_axis: int | None) -> None:
    first, other = site.inputs[0], site.inputs[position]
    if first.rank != other.rank:
        _fail(site, position, f"{first.description}, and {other.description}", ("", ""))
    axes = [axis for axis in range(first.rank) if axis != free_axis]
    pairs = [(first.shape[axis], other.shape[axis]) for axis in axes]
    for axis, (size, other_size) in zip(axes, pairs, strict=True):
        if size != other_size:
            name = AXES[first.rank][axis]
            _fail(site, position, f"{name}: {size} and {other_size}", mending(pairs))


def _fail(site: Site, position: int, difference: str, mended: tuple[str, str]) -> None:
    first, other = str(site.inputs[0]), str(site.inputs[position])
    if len(site.inputs) > 2:
        first, other = f"{first} (tensor 1)", f"{other} (tensor {position + 1})"
    note, help = mended
    raise site.fail(
        "E0309",
        f"`{site.op.name}` needs equal sizes, gets {first} and {other}",
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
    """The type of the result: padded as soon as one of the sequences is.

    E0309: two are padded to different lengths.
    """
    inputs = zip(site.inputs, site.made_at, strict=False)
    return TensorType(shape, padded=common_lengths(site.op.name, inputs, site.span))
