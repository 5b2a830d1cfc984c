"""`conv`: convolution of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.convolutions import check_same, kernel_axis, require_groups, weight_and_bias
from specc.ops.rules import given, product, require_image
from specc.ops.site import Site
from specc.ops.windows import Axes, both, slide
from specc.signature import BOOLEAN, POSITIVE, Argument, either, pair, word
from specc.terms import Term
from specc.types import TensorType
from specc.values import Value, known_values


class Conv(ModuleOp):
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
        Sample("conv(3, 3, pad=1, groups=3)", (3, 6, 5)),
        Sample("conv(4, 3, stride=2, pad=1, dilation=[1, 2], groups=4)", (4, 7, 8)),
        Sample('conv(3, 5, pad="same")', (2, 6, 6)),
        Sample('conv(3, [2, 4], pad="same", dilation=[1, 2])', (2, 7, 8)),
    )

    def infer(self, site: Site) -> TensorType:
        """[in, H, W] → [channels, (H + 2·pad − extent) // stride + 1, the same of W]."""
        require_image(site)
        check_same(site)
        require_groups(site)
        height, width = slide(site, _measure)
        return site.input.with_shape(site["channels"], height, width)

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [channels, in / groups, height, width] and bias [channels]."""
        depth = layer.input.features // layer["groups"]
        return weight_and_bias(layer, (layer["channels"], depth, *both(layer["kernel"])))

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
        """The first of the special classes that can do all of the layers, else the general one."""
        for kernel, allows in _SPECIAL.items():
            if all(allows(layer) for layer in layers):
                return kernel
        return self.general_kernel

    def construct(self, layer: Layer) -> Construction:
        """`UnitStrideConv2d(in_channels, channels, kernel, pad=…)`."""
        return self.construct_as(layer, self.kernel((layer,)))

    def construct_as(self, layer: Layer, kernel: str) -> Construction:
        """The same for a particular kernel, which does not take what it does not need."""
        sizes = (layer.input.features, layer["channels"], layer["kernel"])
        positional = tuple(size.term for size in sizes)
        keywords = given(layer, *_KEYWORDS[kernel])
        if layer["pad"].plain == "same" and "pad" in keywords:
            keywords["pad"] = _same(layer)
        return Construction(kernel, positional[_POSITIONAL.get(kernel, slice(None))], keywords)

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.Conv2d(in_channels, channels, kernel, padding=…)`."""
        positional = (layer.input.features.term, layer["channels"].term, layer["kernel"].term)
        keywords = given(layer, *_KEYWORDS["Conv2d"])
        renamed = {"padding" if k == "pad" else k: term for k, term in keywords.items()}
        return Construction("nn.Conv2d", positional, renamed)

    def torch_layer(self, layer: Layer) -> Construction:
        """`Conv2d`, or `SameConv2d` where the padding is worked out."""
        made = super().torch_layer(layer)
        if layer["pad"].plain != "same":
            return made
        keywords = {name: term for name, term in made.keywords.items() if name != "padding"}
        return Construction("SameConv2d", made.positional, keywords)

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
            height, width = _axes(layer.arguments, layer.input)
            ends = (width.before, width.after, height.before, height.after)
            x, values["padding"] = f"F.pad(x, ({', '.join(map(str, ends))}))", 0
        written = (f"{name}={value!r}" for name, value in values.items())
        return f"F.conv2d({x}, weight, {bias}, {', '.join(written)})"


def _measure(site: Site) -> Axes:
    """How the kernel slides over height and over width."""
    return _axes(site.arguments, site.input)


def _axes(arguments: Mapping[str, Value], image: TensorType) -> Axes:
    _, height, width = image.shape
    return (
        kernel_axis("height", 0, arguments, height),
        kernel_axis("width", 1, arguments, width),
    )


def _same(layer: Layer) -> Term:
    """The padding that `"same"` means, with both ends where they differ."""
    axes = _axes(layer.arguments, layer.input)
    if any(axis.before != axis.after for axis in axes):
        return tuple((axis.before.term, axis.after.term) for axis in axes)
    height, width = ((axis.extent // 2).term for axis in axes)
    return height if height == width else (height, width)


def _is(layer: Layer, name: str, number: int) -> bool:
    return all(item.plain == number for item in both(layer[name]))


def _is_pointwise(layer: Layer) -> bool:
    """A kernel of one pixel that reads every pixel once: the dilation makes no difference."""
    return _is(layer, "kernel", 1) and _is_plain(layer, "stride", "groups")


def _is_dense(layer: Layer) -> bool:
    """A window that moves by one and never lies in the padding alone, with long rows.

    With short ones the general kernel is faster.
    """
    _, width = both(layer["kernel"])
    is_long = layer.input.features.number * width.number >= 16
    return is_long and _is_plain(layer, "stride", "dilation", "groups")


def _is_plain(layer: Layer, *names: str) -> bool:
    kernels, pads = both(layer["kernel"]), both(layer["pad"])
    narrow = layer["pad"].plain == "same" or all(
        pad.number < kernel.number for pad, kernel in zip(pads, kernels, strict=True)
    )
    return narrow and all(_is(layer, name, 1) for name in names)


def _is_depthwise(layer: Layer) -> bool:
    """A kernel for each channel, and a channel for each kernel."""
    return layer.input.features == layer["groups"] == layer["channels"]


_SPECIAL = {
    "Conv1x1": _is_pointwise,
    "UnitStrideConv2d": _is_dense,
    "DepthwiseConv2d": _is_depthwise,
}
_POSITIONAL = {"Conv1x1": slice(2), "DepthwiseConv2d": slice(1, None)}
_KEYWORDS = {
    "Conv1x1": ("bias",),
    "UnitStrideConv2d": ("pad", "bias"),
    "DepthwiseConv2d": ("stride", "pad", "dilation", "bias"),
    "Conv2d": ("stride", "pad", "dilation", "groups", "bias"),
}
