"""What the convolutions have in common: channels in groups, kernels that slide, `pad="same"`."""

from __future__ import annotations

from collections.abc import Mapping

from specc.graph import Layer
from specc.ops.base import ParameterSpec
from specc.ops.rules import require_divisible, require_number
from specc.ops.site import Site
from specc.ops.windows import Axis, both
from specc.values import Value


def require_groups(site: Site) -> None:
    """Fail unless channels go in whose number is known (E0302) and `groups` divides (E0315)."""
    channels = "channels" if site.input.is_image else "features"
    require_number(site, site.input.features, channels, "its weight has a slice for each")
    require_divisible(site, site.input.features, "groups", "E0315", f"its input {channels}")
    require_divisible(site, site["channels"], "groups", "E0315", "`channels`", None)


def weight_and_bias(layer: Layer, shape: tuple[Value, ...]) -> tuple[ParameterSpec, ...]:
    """A weight of this shape, and a number for each channel that comes out."""
    weight = ParameterSpec("weight", shape, is_penalised=True)
    bias = ParameterSpec("bias", (layer["channels"],))
    return (weight, bias) if layer["bias"].plain else (weight,)


def kernel_axis(name: str, i: int, arguments: Mapping[str, Value], size: Value) -> Axis:
    """How a kernel slides along its axis number `i`, which is of this size."""
    parts = (arguments["kernel"], arguments["stride"], arguments["dilation"])
    kernel, stride, dilation = (both(part)[i] for part in parts)
    before, after = _ends(arguments["pad"], i, dilation * (kernel - 1))
    return Axis(name, size, kernel, stride, before, after, dilation)


def _ends(pad: Value, i: int, lost: Value) -> tuple[Value, Value]:
    """The padding before and after; `lost` is what the result would be smaller by."""
    if pad.plain == "same":
        return lost // 2, lost - lost // 2
    return both(pad)[i], both(pad)[i]


def check_same(site: Site) -> None:
    """Fail (E0306) where `pad="same"` meets a stride, which always makes the result smaller."""
    if site["pad"].plain != "same" or all(item.number == 1 for item in both(site["stride"])):
        return
    works = site.try_with(stride=1)
    raise site.fail(
        "E0306",
        f'`pad="same"` needs a stride of 1, gets {site["stride"]}',
        "the result cannot be of the same size",
        argument="pad",
        help=f"with `stride=1` the result is {works}" if works else "",
    )
