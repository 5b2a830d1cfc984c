"""`conv1d`: convolution of sequences."""

from __future__ import annotations

from collections.abc import Mapping

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.convolutions import check_same, kernel_axis, require_groups, weight_and_bias
from specc.ops.rules import given, product, require_sequence, warn_padded
from specc.ops.site import Site
from specc.ops.windows import Axes, Axis, slide
from specc.signature import BOOLEAN, POSITIVE, Argument, either, whole, word
from specc.terms import Term
from specc.types import TensorType
from specc.values import Value

_KEYWORDS = ("stride", "pad", "dilation", "groups", "bias")


class Conv1d(ModuleOp):
    """Convolution over time: a kernel slides over the steps, y = Σ w ⊙ window + b for each channel.

    The kernel is not mirrored (cross-correlation). Length of the result:
    floor((length + 2·pad − dilation·(kernel − 1) − 1) / stride) + 1.
    `pad="same"` keeps the length, at stride 1 only; where the padding is odd, the larger part is
    at the end, as in PyTorch.
    """

    name = "conv1d"
    family = "convolution"
    sources = "Waibel et al. 1989; Kim 2014"
    keeps_input = True
    arguments = (
        Argument("channels", POSITIVE, doc="how many features come out at each step"),
        Argument("kernel", POSITIVE, doc="how many steps the kernel reads"),
        Argument("stride", POSITIVE, 1, "how far the kernel moves at a time"),
        Argument("pad", either(whole(0), word("same")), 0, "zeros at each end of the sequence"),
        Argument("dilation", POSITIVE, 1, "the distance between the steps that the kernel reads"),
        Argument("groups", POSITIVE, 1, "parts of the features that are convolved separately"),
        Argument("bias", BOOLEAN, True, "whether a learned number is added", structural=True),
    )
    samples = (
        Sample("conv1d(4, 3)", (8, 3)),
        Sample("conv1d(4, 1)", (5, 3)),
        Sample("conv1d(2, 3, pad=1, bias=false)", (6, 3)),
        Sample("conv1d(4, 5, stride=2, pad=2)", (8, 3)),
        Sample("conv1d(4, 2, stride=3)", (9, 2)),
        Sample("conv1d(4, 1, stride=2)", (5, 3)),
        Sample("conv1d(3, 2, pad=3)", (1, 2)),
        Sample("conv1d(4, 3, dilation=2)", (7, 2)),
        Sample("conv1d(4, 3, stride=2, dilation=3, pad=2)", (9, 2)),
        Sample("conv1d(6, 3, pad=1, groups=3)", (5, 3)),
        Sample("conv1d(4, 2, stride=2, groups=2)", (7, 6)),
        Sample('conv1d(3, 5, pad="same")', (6, 2)),
        Sample('conv1d(3, 4, pad="same", dilation=3)', (7, 2)),
    )

    def infer(self, site: Site) -> TensorType:
        """[T, in] → [(T + 2·pad − extent) // stride + 1, channels]."""
        require_sequence(site)
        check_same(site)
        require_groups(site)
        (length,) = slide(site, _measure)
        is_same = length == site.input.shape[0]
        if not (is_same and site["kernel"].plain == site["stride"].plain == 1):
            warn_padded(site)
        padded = site.input.padded if is_same else ""
        return TensorType((length, site["channels"]), padded=padded)

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [channels, in / groups, kernel] and bias [channels]."""
        depth = layer.input.features // layer["groups"]
        return weight_and_bias(layer, (layer["channels"], depth, layer["kernel"]))

    def multiply_adds(self, layer: Layer) -> Value:
        """One for each number of a kernel at each step of the result."""
        depth = layer.input.features // layer["groups"]
        return product(layer.output.shape) * depth * layer["kernel"]

    def construct(self, layer: Layer) -> Construction:
        """`Conv1d(in_features, channels, kernel, pad=…)`."""
        positional = (layer.input.features.term, layer["channels"].term, layer["kernel"].term)
        keywords = given(layer, *_KEYWORDS)
        if layer["pad"].plain == "same":
            keywords["pad"] = _same(layer)
        return Construction("Conv1d", positional, keywords)

    def torch_module(self, layer: Layer) -> Construction:
        """A variant of `nn.Conv1d`, whose last axis is time."""
        positional = (layer.input.features.term, layer["channels"].term, layer["kernel"].term)
        keywords = given(layer, *_KEYWORDS)
        renamed = {"padding" if k == "pad" else k: term for k, term in keywords.items()}
        return Construction("SequenceConv1d", positional, renamed)

    def torch_layer(self, layer: Layer) -> Construction:
        """Another one where the padding is worked out."""
        made = self.torch_module(layer)
        if layer["pad"].plain != "same":
            return made
        keywords = {name: term for name, term in made.keywords.items() if name != "padding"}
        return Construction("SameSequenceConv1d", made.positional, keywords)

    def pytorch(self, layer: Layer) -> str:
        """`F.conv1d`, whose last axis is time; the padding is put on first."""
        axis = _axis(layer.arguments, layer.input)
        x = f"F.pad(x.transpose(1, 2), ({axis.before}, {axis.after}))"
        bias = "bias" if layer["bias"].plain else "None"
        rest = f"stride={axis.stride}, dilation={axis.dilation}, groups={layer['groups']}"
        return f"F.conv1d({x}, weight, {bias}, {rest}).transpose(1, 2)"


def _measure(site: Site) -> Axes:
    """How the kernel slides over the sequence."""
    return (_axis(site.arguments, site.input),)


def _axis(arguments: Mapping[str, Value], sequence: TensorType) -> Axis:
    return kernel_axis("length", 0, arguments, sequence.shape[0])


def _same(layer: Layer) -> Term:
    """The padding that `"same"` means, with both ends where they differ."""
    axis = _axis(layer.arguments, layer.input)
    if axis.before != axis.after:
        return axis.before.term, axis.after.term
    return (axis.extent // 2).term
