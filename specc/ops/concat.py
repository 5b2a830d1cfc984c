"""`concat`: several tensors one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, ExpressionOp, LayerOp, Sample
from specc.ops.joins import joined, require_joinable
from specc.ops.rules import warn_padded
from specc.ops.site import Site, SiteError
from specc.signature import Argument, whole
from specc.types import AXES, TensorType
from specc.values import Value


class Concat(ExpressionOp, LayerOp):
    """Tensors one after the other along an axis; all other sizes must be equal.

    Without `axis` that is the channels of images and the features of anything else. Axes are
    counted without the batch: 0 is the channels of an image, the time of a sequence; negative
    ones from the end.
    """

    name = "concat"
    family = "join"
    input_count = None
    returns_view_of_gradient = True
    sources = "Szegedy et al. 2015; Huang et al. 2017"
    arguments = (
        Argument(
            "axis", whole(-3, 2), None, "which axis grows; left out: channels or features", True
        ),
    )
    samples = (
        Sample("concat", (4,), (3,)),
        Sample("concat", (4, 3), (4, 2)),
        Sample("concat", (3, 4, 2), (1, 4, 2), (2, 4, 2)),
        Sample("concat(axis=0)", (4, 3), (2, 3)),
        Sample("concat(axis=1)", (3, 4, 2), (3, 1, 2)),
        Sample("concat(axis=-1)", (3, 4, 2), (3, 4, 3)),
    )

    def infer(self, site: Site) -> TensorType:
        """The sizes along the axis are added."""
        site.require_real()
        axis = _axis(site["axis"], site.input)
        if not 0 <= axis < site.input.rank:
            raise _no_axis(site)
        require_joinable(site, axis)
        total = site.input.shape[axis]
        for tensor in site.inputs[1:]:
            total = total + tensor.shape[axis]
        shape = (*site.input.shape[:axis], total, *site.input.shape[axis + 1 :])
        if site.input.rank == 2 and axis == 0:
            warn_padded(site)
            return TensorType(shape)
        return joined(site, shape)

    def construct(self, layer: Layer) -> Construction:
        """`Concat(axis=…)`, the axis counted in the layout inside, batch included."""
        axis = _axis(layer["axis"], layer.input)
        inside = (-1, 1, 2)[axis] if layer.input.is_image else (1, -1)[axis - layer.input.rank]
        return Construction("Concat", (), {"axis": inside})

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`torch.cat`."""
        return f"torch.cat([{', '.join(inputs)}], dim={_axis(layer['axis'], layer.input) + 1})"

    def torch_layer(self, layer: Layer) -> Construction:
        """`Concat(dim)`, the axis counted in the public layout."""
        return Construction("Concat", (_axis(layer["axis"], layer.input) + 1,))

    def pytorch(self, layer: Layer) -> str:
        """`torch.cat`."""
        tensors = ", ".join(f"x{i}" for i in range(len(layer.inputs)))
        return f"torch.cat(({tensors}), {_axis(layer['axis'], layer.input) + 1})"


def _axis(argument: Value, tensor: TensorType) -> int:
    """The axis of the public layout, from 0; out of range where the argument is."""
    if argument.plain is None:
        return 0 if tensor.is_image else tensor.rank - 1
    return argument.number + (tensor.rank if argument.number < 0 else 0)


def _no_axis(site: Site) -> SiteError:
    names = ", ".join(f"{i} ({name})" for i, name in enumerate(AXES[site.input.rank]))
    works = site.try_with(axis=None)
    return site.fail(
        "E0312",
        f"`concat` has no axis {site['axis']} in {site.input.description}",
        "no such axis",
        argument="axis",
        note=f"the axes are {names}",
        help=f"without `axis` the result is {works}" if works else "",
    )
