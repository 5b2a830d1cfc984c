"""What pools have in common: a window, a stride that defaults to it, padding; or all there is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from specc.graph import Layer
from specc.ops.base import Construction, ExpressionOp, LayerOp, ModuleOp
from specc.ops.rules import given, require_image
from specc.ops.site import Site
from specc.ops.windows import Axes, Axis, both, slide
from specc.signature import Argument, pair
from specc.types import TensorType
from specc.values import Value, known_values


class Pool(ModuleOp):
    """A window that slides over each channel of an image by itself.

    `prefix` is the beginning of its kernels' names: "Max".
    """

    family = "pooling"
    prefix: ClassVar[str]
    arguments = (
        Argument("kernel", pair(1), doc="height and width of the window"),
        Argument("stride", pair(1), None, "how far the window moves at a time; left out: `kernel`"),
        Argument("pad", pair(0), 0, "padding at each edge of the image, at most half the window"),
    )

    def infer(self, site: Site) -> TensorType:
        """[channels, H, W] → [channels, (H + 2·pad − kernel) // stride + 1, the same of W]."""
        require_image(site)
        _check_pad(site)
        largest = min(item.number for item in both(site["kernel"])) // 2
        height, width = slide(site, _measure, largest)
        return site.input.with_shape(site.input.features, height, width)

    @property
    def general_kernel(self) -> str:
        """Any window: `MaxPool2d`."""
        return f"{self.prefix}Pool2d"

    def kernel(self, layers: Sequence[Layer]) -> str:
        """A simpler class where the windows tile the image: `TilingMaxPool2d`."""
        tiling = all(_is_tiling(layer) for layer in layers)
        return f"Tiling{self.general_kernel}" if tiling else self.general_kernel

    def construct(self, layer: Layer) -> Construction:
        """`TilingMaxPool2d(kernel)` or `MaxPool2d(kernel, stride, pad=…)`."""
        return self.construct_as(layer, self.kernel((layer,)))

    def construct_as(self, layer: Layer, kernel: str) -> Construction:
        """The same for a particular kernel; the tiling one needs neither stride nor padding."""
        size = layer["kernel"].term
        if kernel != self.general_kernel:
            return Construction(kernel, (size,))
        return Construction(kernel, (size, _stride(layer.arguments).term), given(layer, "pad"))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.MaxPool2d(kernel, stride=…, padding=…)`; the stride is the kernel by default."""
        size, stride = layer["kernel"].term, _stride(layer.arguments).term
        keywords = {} if stride == size else {"stride": stride}
        if "pad" in given(layer, "pad"):
            keywords["padding"] = layer["pad"].term
        return Construction(f"nn.{self.general_kernel}", (size,), keywords)

    def in_pytorch(self, layer: Layer) -> str:
        """The arguments of PyTorch's pooling functions."""
        values = (layer["kernel"], _stride(layer.arguments), layer["pad"])
        return ", ".join(repr(known_values(value.plain)) for value in values)


def _is_tiling(layer: Layer) -> bool:
    stride, kernel = both(_stride(layer.arguments)), both(layer["kernel"])
    return stride == kernel and all(pad.number == 0 for pad in both(layer["pad"]))


def _stride(arguments: Mapping[str, Value]) -> Value:
    return arguments["kernel"] if arguments["stride"].plain is None else arguments["stride"]


def _measure(site: Site) -> Axes:
    """How the window slides over height and over width."""
    return _axis("height", 0, site), _axis("width", 1, site)


def _axis(name: str, i: int, site: Site) -> Axis:
    parts = (site["kernel"], _stride(site.arguments), site["pad"])
    kernel, stride, pad = (both(part)[i] for part in parts)
    return Axis(name, site.input.shape[1 + i], kernel, stride, pad, pad)


def _check_pad(site: Site) -> None:
    """Fail (E0314) where a window could lie in the padding alone; the rule is PyTorch's."""
    kernels, pads = both(site["kernel"]), both(site["pad"])
    wrong = [(k, p) for k, p in zip(kernels, pads, strict=True) if 2 * p.number > k.number]
    if not wrong:
        return
    kernel, pad = wrong[0]
    largest = min(item.number for item in kernels) // 2
    result = site.try_with(pad=largest)
    raise site.fail(
        "E0314",
        f"`{site.op.name}` needs a padding of at most half its window, gets {pad} for {kernel}",
        f"at most {kernel.number // 2} here",
        cause=None,
        argument="pad",
        note=f"{kernel} // 2 = {kernel.number // 2}",
        help=f"with `pad={largest}` the result is {result}" if result else "",
    )


class GlobalPool(ExpressionOp, LayerOp):
    """Each channel of an image, or each feature of a sequence, as a single number.

    `prefix` is the beginning of its kernels' names, `function` that over the steps of padded
    sequences.
    """

    family = "pooling"
    respects_lengths = True
    prefix: ClassVar[str]
    function: ClassVar[str]

    def infer(self, site: Site) -> TensorType:
        """[channels, H, W] → [channels]; [time, features] → [features]."""
        if site.input.rank != 2:
            require_image(site)
        site.require_real()
        return site.input.with_shape(site.input.features)

    def construct(self, layer: Layer) -> Construction:
        """`GlobalMaxPool2d()` of images, `GlobalMaxPool1d()` of sequences."""
        kernel = f"Global{self.prefix}Pool{'2d' if layer.input.is_image else '1d'}"
        return Construction(f"Padded{kernel}" if layer.is_padded else kernel)

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """Over height and width, over time, or over the steps that are no padding."""
        if layer.is_padded:
            return f"{self.function}({', '.join(inputs)})"
        return self.over_pixels(inputs[0]) if layer.input.is_image else self.over_time(inputs[0])

    @abstractmethod
    def over_pixels(self, x: str) -> str:
        """The expression for images."""

    @abstractmethod
    def over_time(self, x: str) -> str:
        """The expression for sequences."""
