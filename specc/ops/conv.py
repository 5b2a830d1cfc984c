"""`conv`: convolution of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc.graph import Layer
from specc.ops.base import Construction, LayerOp, ParameterSpec, Sample, Site
from specc.ops.rules import given, product, require_divisible, require_image, require_number
from specc.ops.windows import Axes, Axis, both, slide
from specc.signature import BOOLEAN, POSITIVE, Argument, either, pair, word
from specc.terms import Term
from specc.types import TensorType
from specc.values import Value, known_values


class Conv(LayerOp):
    """Convolution: a kernel slides over the image, y = Σ w ⊙ window + b for each output channel.

    The kernel is not mirrored (cross-correlation). Output size:
    floor((size + 2·pad − dilation·(kernel − 1) − 1) / stride) + 1.
    `pad="same"` keeps height and width, at stride 1 only; where the padding is odd, the larger
    part is at the end, as in PyTorch.
    """

    name = "conv"
    family = "convolution"
    sources = "notes (convolution); book, chapter 4; Dumoulin and Visin 2016"
    keeps_input = True
    arguments = (
        Argument("channels", POSITIVE, doc="how many channels come out"),
        Argument("kernel", pair(1), doc="height and width of the kernel"),
        Argument("stride", pair(1), 1, "how far the kernel moves at a time"),
        Argument("pad", either(pair(0), word("same")), 0, "zeros at each edge of the image"),
        Argument("dilation", pair(1), 1, "the distance between the pixels that the kernel reads"),
        Argument("groups", POSITIVE, 1, "parts of the channels that are convolved separately"),
        Argument("bias", BOOLEAN, True, "whether a learned number is added", structural=True),
    )
    samples = (
        Sample("conv(4, 3)", (3, 8, 8)),
        Sample("conv(4, 1)", (3, 5, 5)),
        Sample("conv(4, 1, stride=2)", (3, 5, 5)),
        Sample("conv(2, 3, pad=1, bias=false)", (3, 6, 7)),
        Sample("conv(4, 5, stride=2, pad=2)", (3, 8, 8)),
        Sample("conv(4, 3, stride=3)", (2, 9, 10)),
        Sample("conv(4, [3, 2], stride=[1, 2], pad=[1, 0])", (3, 8, 7)),
        Sample("conv(4, 3, dilation=2)", (2, 7, 8)),
        Sample("conv(4, 3, dilation=[1, 2], pad=2)", (2, 6, 6)),
        Sample("conv(4, 3, groups=2)", (2, 6, 6)),
        Sample("conv(6, 3, pad=1, groups=3)", (3, 5, 5)),
        Sample('conv(3, 5, pad="same")', (2, 6, 6)),
        Sample('conv(3, [2, 4], pad="same", dilation=[1, 2])', (2, 7, 8)),
    )

    def infer(self, site: Site) -> TensorType:
        """[in, H, W] → [channels, (H + 2·pad − extent) // stride + 1, the same of W]."""
        require_image(site)
        require_number(site, site.input.features, "channels", "its weight has a slice for each")
        _check_same(site)
        require_divisible(site, site.input.features, "groups", "E0315", "its input channels")
        require_divisible(site, site["channels"], "groups", "E0315", "`channels`", None)
        height, width = slide(site, _measure)
        return site.input.with_shape(site["channels"], height, width)

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [channels, in / groups, height, width] and bias [channels]."""
        shape = (layer["channels"], layer.input.features // layer["groups"], *both(layer["kernel"]))
        weight = ParameterSpec("weight", shape, is_penalised=True)
        bias = ParameterSpec("bias", (layer["channels"],))
        return (weight, bias) if layer["bias"].plain else (weight,)

    def multiply_adds(self, layer: Layer) -> Value:
        """One for each number of a kernel at each place of the result."""
        height, width = both(layer["kernel"])
        return (
            product(layer.output.shape) * (layer.input.features // layer["groups"]) * height * width
        )

    @property
    def general_kernel(self) -> str:
        """Any window."""
        return "Conv2d"

    def kernel(self, layers: Sequence[Layer]) -> str:
        """One matrix product for kernels of one pixel; simpler indices where the stride is 1."""
        for kernel, allows in _SPECIAL.items():
            if all(allows(layer) for layer in layers):
                return kernel
        return self.general_kernel

    def construct(self, layer: Layer) -> Construction:
        """`UnitStrideConv2d(in_channels, channels, kernel, pad=…)`."""
        return self.construct_as(layer, self.kernel((layer,)))

    def construct_as(self, layer: Layer, kernel: str) -> Construction:
        """The same for a particular kernel, which does not take what it does not need."""
        positional = (layer.input.features.term, layer["channels"].term, layer["kernel"].term)
        keywords = given(layer, *_KEYWORDS[kernel])
        if layer["pad"].plain == "same" and "pad" in keywords:
            keywords["pad"] = _same(layer)
        return Construction(kernel, positional[:2] if kernel == "Conv1x1" else positional, keywords)

    def pytorch(self, layer: Layer) -> str:
        """`F.conv2d`; the padding that `"same"` means is put on first."""
        bias = "bias" if layer["bias"].plain else "None"
        keywords = {
            "stride": "stride",
            "padding": "pad",
            "dilation": "dilation",
            "groups": "groups",
        }
        values = {name: known_values(layer[own].plain) for name, own in keywords.items()}
        x = "x"
        if values["padding"] == "same":
            height, width = _layer_axes(layer)
            ends = (width.before, width.after, height.before, height.after)
            x, values["padding"] = f"F.pad(x, ({', '.join(map(str, ends))}))", 0
        written = (f"{name}={value!r}" for name, value in values.items())
        return f"F.conv2d({x}, weight, {bias}, {', '.join(written)})"


def _measure(site: Site) -> Axes:
    """How the kernel slides over height and over width."""
    return _axis("height", 0, site.arguments, site.input), _axis(
        "width", 1, site.arguments, site.input
    )


def _axis(name: str, i: int, arguments: Mapping[str, Value], image: TensorType) -> Axis:
    parts = (arguments["kernel"], arguments["stride"], arguments["dilation"])
    kernel, stride, dilation = (both(part)[i] for part in parts)
    before, after = _ends(arguments["pad"], i, dilation * (kernel - 1))
    return Axis(name, image.shape[1 + i], kernel, stride, before, after, dilation)


def _ends(pad: Value, i: int, lost: Value) -> tuple[Value, Value]:
    """The padding before and after; `lost` is what the result would be smaller by."""
    if pad.plain == "same":
        return lost // 2, lost - lost // 2
    return both(pad)[i], both(pad)[i]


def _layer_axes(layer: Layer) -> Axes:
    """The same of a finished layer."""
    return tuple(_axis("", i, layer.arguments, layer.input) for i in (0, 1))  # type: ignore[return-value]


def _same(layer: Layer) -> Term:
    """The padding that `"same"` means, with both ends where they differ."""
    axes = _layer_axes(layer)
    if any(axis.before != axis.after for axis in axes):
        return tuple((axis.before.term, axis.after.term) for axis in axes)
    height, width = ((axis.extent // 2).term for axis in axes)
    return height if height == width else (height, width)


def _check_same(site: Site) -> None:
    """Fail (E0306) where `pad="same"` meets a stride, which always makes the image smaller."""
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


def _is(layer: Layer, name: str, number: int) -> bool:
    return all(item.plain == number for item in both(layer[name]))


def _is_pointwise(layer: Layer) -> bool:
    """A kernel of one pixel that reads every pixel once: the dilation makes no difference."""
    return _is(layer, "kernel", 1) and _is_plain(layer, "stride", "groups")


def _is_dense(layer: Layer) -> bool:
    """A window that moves by one and never lies in the padding alone, over many channels.

    With few channels the general kernel is faster.
    """
    return layer.input.features.number >= 8 and _is_plain(layer, "stride", "dilation", "groups")


def _is_plain(layer: Layer, *names: str) -> bool:
    kernels, pads = both(layer["kernel"]), both(layer["pad"])
    narrow = layer["pad"].plain == "same" or all(
        pad.number < kernel.number for pad, kernel in zip(pads, kernels, strict=True)
    )
    return narrow and all(_is(layer, name, 1) for name in names)


_SPECIAL = {"Conv1x1": _is_pointwise, "UnitStrideConv2d": _is_dense}
_KEYWORDS = {
    "Conv1x1": ("bias",),
    "UnitStrideConv2d": ("pad", "bias"),
    "Conv2d": ("stride", "pad", "dilation", "groups", "bias"),
}
