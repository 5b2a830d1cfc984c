"""`reshape`: the same numbers in another shape."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, Sample
from specc.ops.rules import mending, product, product_text, warn_padded
from specc.ops.site import Site
from specc.signature import LARGEST, Argument, Kind, is_integer
from specc.terms import Polynomial
from specc.types import TensorType
from specc.values import Value


def _is_size(value: Value) -> bool:
    if isinstance(value.plain, Polynomial):
        return True
    return is_integer(value) and 1 <= value.number <= LARGEST


SHAPE = Kind(
    "a list of one to three sizes of at least 1",
    lambda v: isinstance(v.plain, tuple) and 1 <= len(v.plain) <= 3 and all(map(_is_size, v.plain)),
)
"""A shape without the batch: features, time × features, or channels × height × width."""


class Reshape(ModuleOp):
    """The same numbers in another shape, both in the public layout (images channel by channel).

    Every size is written, also one that could be worked out (there is no -1), so that a reader
    sees the shape and the compiler can check it. At most one size may be free, such as
    `in.length`.
    """

    name = "reshape"
    family = "shape"
    is_view = True
    returns_view_of_gradient = True
    arguments = (Argument("shape", SHAPE, doc="the new sizes, without the batch"),)
    samples = (
        Sample("reshape([2, 3, 4])", (24,)),
        Sample("reshape([24])", (2, 3, 4)),
        Sample("reshape([4, 3, 2])", (2, 3, 4)),
        Sample("reshape([6, 4])", (2, 3, 4)),
        Sample("reshape([2, 3, 4])", (6, 4)),
        Sample("reshape([3, 4])", (4, 3)),
        Sample("reshape([2, 3])", (6,)),
    )

    def infer(self, site: Site) -> TensorType:
        """Any shape with as many numbers."""
        site.require_real()
        warn_padded(site)
        shape = _sizes(site["shape"])
        have, wanted = product(site.input.shape), product(shape)
        if have != wanted:
            _fail_on_count(site, shape)
        free = [size for size in shape if not size.is_known]
        if len(free) > 1:
            raise site.fail(
                "E0302",
                f"`reshape` needs at most one free size, gets {len(free)}",
                "a symbolic size where a number is needed",
                argument="shape",
                note="the others are numbers in the code, and the free one is worked out there",
            )
        return TensorType(shape)

    def construct(self, layer: Layer) -> Construction:
        """`Reshape(channels, height, width)`; -1 stands for a free size."""
        sizes = _sizes(layer["shape"])
        return Construction("Reshape", tuple(s.term if s.is_known else -1 for s in sizes))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.Unflatten` of features, `nn.Flatten` of all numbers, else a module of its own."""
        made = self.construct(layer)
        if len(made.positional) == 1:
            return Construction("nn.Flatten")
        if layer.input.rank == 1:
            return Construction("nn.Unflatten", (1, made.positional))
        return made

    def torch_layer(self, layer: Layer) -> Construction:
        """One class for all shapes."""
        return self.construct(layer)

    def pytorch(self, layer: Layer) -> str:
        """`reshape` without the batch."""
        sizes = ", ".join(str(s) if s.is_known else "-1" for s in _sizes(layer["shape"]))
        return f"x.reshape(len(x), {sizes})"


def _sizes(shape: Value) -> tuple[Value, ...]:
    assert isinstance(shape.plain, tuple)
    return shape.plain


def _fail_on_count(site: Site, shape: tuple[Value, ...]) -> None:
    have, wanted = product(site.input.shape), product(shape)
    note, help = mending([(have, wanted)])
    gets = product_text(site.input.shape)
    raise site.fail(
        "E0308",
        f"`reshape` to {TensorType(shape)} needs {wanted} numbers, gets {have}",
        f"{product_text(shape)}",
        argument="shape",
        note=note or (f"it gets {gets}" if site.input.rank > 1 else ""),
        help=help or _mended(site, shape),
    )


def _mended(site: Site, shape: tuple[Value, ...]) -> str:
    """The same shape with its last size set right, if the other sizes divide the count."""
    have, rest = product(site.input.shape), product(shape[:-1])
    if not isinstance(have.plain, int) or not isinstance(rest.plain, int):
        return ""
    if have.plain % rest.plain:
        return f"`reshape([{have}])` keeps all of them" if len(shape) == 1 else ""
    last = Value(have.plain // rest.plain, have.plain // rest.plain)
    return f"`reshape({TensorType((*shape[:-1], last))})` fits"
