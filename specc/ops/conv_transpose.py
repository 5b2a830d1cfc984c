"""`conv_transpose`: transposed convolution of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.convolutions import require_groups, weight_and_bias
from specc.ops.rules import given, product, require_image
from specc.ops.site import Site
from specc.ops.windows import both
from specc.signature import BOOLEAN, POSITIVE, Argument, pair
from specc.types import TensorType
from specc.values import Value, known_values

_TORCH = {
    "stride": "stride",
    "pad": "padding",
    "output_pad": "output_padding",
    "dilation": "dilation",
    "groups": "groups",
    "bias": "bias",
}
"""The optional arguments, and what PyTorch calls them."""


class ConvTranspose(ModuleOp):
    """Transposed convolution: what a convolution does to gradients, as a layer that enlarges.

    Each pixel of the image adds its kernel, times the pixel, to the result. Output size:
    (size − 1)·stride − 2·pad + dilation·(kernel − 1) + output_pad + 1.
    A convolution with the same arguments undoes the change of size. With a stride of s it makes
    one size of s different ones; `output_pad` chooses among those.
    """

    name = "conv_transpose"
    family = "convolution"
    sources = "Zeiler et al. 2010; Long et al. 2015; Dumoulin and Visin 2016"
    keeps_input = True
    arguments = (
        Argument("channels", POSITIVE, doc="how many channels come out"),
        Argument("kernel", pair(1), doc="height and width of the kernel"),
        Argument("stride", pair(1), 1, "how far apart the pixels are in the result"),
        Argument("pad", pair(0), 0, "rows and columns that are cut off at each edge of the result"),
        Argument(
            "output_pad", pair(0), 0, "rows and columns that are added at the end, less the cut"
        ),
        Argument("dilation", pair(1), 1, "the distance between the pixels that the kernel writes"),
        Argument("groups", POSITIVE, 1, "parts of the channels that are convolved separately"),
        Argument("bias", BOOLEAN, True, "whether a learned number is added", structural=True),
    )
    samples = (
        Sample("conv_transpose(2, 3)", (3, 4, 5)),
        Sample("conv_transpose(2, 4, stride=2, pad=1)", (3, 4, 3)),
        Sample("conv_transpose(4, 1, bias=false)", (3, 3, 2)),
        Sample("conv_transpose(2, 2, stride=3)", (2, 3, 2)),
        Sample("conv_transpose(2, 3, stride=2, pad=1, output_pad=1)", (2, 3, 4)),
        Sample("conv_transpose(2, 2, stride=3, output_pad=2, groups=2)", (2, 2, 3)),
        Sample("conv_transpose(2, 3, dilation=2, pad=2)", (2, 3, 3)),
        Sample("conv_transpose(2, 2, stride=2, output_pad=2, dilation=3)", (2, 3, 2)),
        Sample("conv_transpose(6, [3, 2], stride=[1, 2], pad=[0, 1], groups=3)", (3, 2, 4)),
    )

    def infer(self, site: Site) -> TensorType:
        """[in, H, W] → [channels, (H − 1)·stride − 2·pad + extent + output_pad, the same of W]."""
        require_image(site)
        require_groups(site)
        axes = _axes(site.arguments, site.input)
        _check_output_pad(site, axes)
        _check_size(site, axes)
        return site.input.with_shape(site["channels"], *(axis.output for axis in axes))

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [in, channels / groups, height, width] and bias [channels]."""
        depth = layer["channels"] // layer["groups"]
        return weight_and_bias(layer, (layer.input.features, depth, *both(layer["kernel"])))

    def multiply_adds(self, layer: Layer) -> Value:
        """One for each number of a pixel's kernels at each place of the image."""
        depth = layer["channels"] // layer["groups"]
        return product(layer.input.shape) * depth * product(both(layer["kernel"]))

    def construct(self, layer: Layer) -> Construction:
        """`ConvTranspose2d(in_channels, channels, kernel, stride=…)`."""
        positional = (layer.input.features.term, layer["channels"].term, layer["kernel"].term)
        return Construction("ConvTranspose2d", positional, given(layer, *_TORCH))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.ConvTranspose2d(in_channels, channels, kernel, padding=…)`."""
        made = self.construct(layer)
        keywords = {_TORCH[name]: term for name, term in made.keywords.items()}
        return Construction("nn.ConvTranspose2d", made.positional, keywords)

    def pytorch(self, layer: Layer) -> str:
        """`F.conv_transpose2d`."""
        bias = "bias" if layer["bias"].plain else "None"
        names = ("stride", "pad", "output_pad", "groups", "dilation")
        values = ", ".join(repr(known_values(layer[name].plain)) for name in names)
        return f"F.conv_transpose2d(x, weight, {bias}, {values})"


@dataclass(frozen=True)
class _Axis:
    """What happens along one axis."""

    size: Value
    kernel: Value
    stride: Value
    pad: Value
    output_pad: Value
    dilation: Value

    @property
    def output(self) -> Value:
        """The size of the result."""
        extent = self.dilation * (self.kernel - 1) + 1
        return (self.size - 1) * self.stride - 2 * self.pad + extent + self.output_pad

    @property
    def uncut(self) -> Value:
        """The size before the padding is cut off."""
        return self.output + 2 * self.pad

    @property
    def arithmetic(self) -> str:
        """The same as a sum: `(1 - 1)*1 - 2*1 + 1*(2 - 1) + 0 + 1 = 0`."""
        placed = f"({self.size} - 1)*{self.stride} - 2*{self.pad}"
        extent = f"{self.dilation}*({self.kernel} - 1)"
        return f"{placed} + {extent} + {self.output_pad} + 1 = {self.output}"


def _axes(arguments: Mapping[str, Value], image: TensorType) -> tuple[_Axis, _Axis]:
    """Height and width."""
    names = ("kernel", "stride", "pad", "output_pad", "dilation")
    height, width = (
        _Axis(image.shape[1 + i], *(both(arguments[name])[i] for name in names)) for i in (0, 1)
    )
    return height, width


def _check_output_pad(site: Site, axes: tuple[_Axis, _Axis]) -> None:
    """Fail (E0317) unless `output_pad` is below stride or dilation; the rule is PyTorch's."""
    limits = [max(axis.stride.number, axis.dilation.number) - 1 for axis in axes]
    wrong = [i for i, axis in enumerate(axes) if axis.output_pad.number > limits[i]]
    if not wrong:
        return
    axis, largest = axes[wrong[0]], min(limits)
    result = site.try_with(output_pad=largest)
    raise site.fail(
        "E0317",
        f"`{site.op.name}` needs an `output_pad` below its stride or dilation,"
        f" gets {axis.output_pad}",
        f"at most {limits[wrong[0]]} here",
        cause=None,
        argument="output_pad",
        note=f"max({axis.stride}, {axis.dilation}) - 1 = {limits[wrong[0]]}",
        help=f"with `output_pad={largest}` the result is {result}" if result else "",
    )


def _check_size(site: Site, axes: tuple[_Axis, _Axis]) -> None:
    """Fail (E0318) where the padding cuts off the whole result."""
    empty = [axis for axis in axes if axis.size.is_known and axis.output.number < 1]
    if not empty:
        return
    axis, known = empty[0], [axis for axis in axes if axis.size.is_known]
    largest = min((axis.uncut.number - 1) // 2 for axis in known)
    result = site.try_with(pad=largest)
    raise site.fail(
        "E0318",
        f"`{site.op.name}` cuts a padding of {axis.pad} off each edge of a result"
        f" of size {axis.uncut}",
        "nothing is left",
        argument="pad",
        note=axis.arithmetic,
        help=f"with `pad={largest}` the result is {result}" if result else "",
    )
