"""What the losses have in common: `scale`, and how prediction and target must fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from specc.diagnostics import Diagnostic, Label
from specc.graph import Layer
from specc.literal import literal
from specc.ops.base import Construction, LossOp
from specc.ops.rules import given
from specc.ops.site import Site, SiteError
from specc.signature import POSITIVE_REAL, TENSOR, Argument
from specc.source import Span
from specc.types import Content, TensorType
from specc.values import Value, constant

SCALE = Argument("scale", POSITIVE_REAL, 1, "what the loss is multiplied by")
"""Every loss takes it, as its last argument; `target=` is bound by the compiler."""


MASK = Argument("mask", TENSOR, None, "a tensor that is 0 where a number does not count")
"""Losses over all numbers of the prediction take it."""


class ElementLoss(LossOp):
    """A mean over the numbers of a prediction and a target of one shape that a mask leaves.

    `kernel_name` is the name of its class in the code, `torch_function` what PyTorch has.
    """

    respects_lengths = True
    function = "step_mask"
    kernel_name: ClassVar[str]
    torch_function: ClassVar[str]
    arguments: ClassVar[tuple[Argument, ...]] = (MASK, SCALE)

    def check_target(self, site: Site, target: TensorType, declared: Span) -> None:
        """Real numbers of the prediction's shape."""
        require_real_prediction(site)
        require_real_target(site, target, declared)
        require_equal(site, target, declared)
        check_mask(site)

    def construct(self, layer: Layer) -> Construction:
        """`L1(scale=…)`, with a mask `MaskedL1(scale=…)`."""
        written = (a.name for a in self.arguments if a is not MASK)
        return Construction(f"{masked(layer)}{self.kernel_name}", (), given(layer, *written))

    def given(self, layer: Layer, inputs: Sequence[str]) -> list[str]:
        """Lengths become a mask."""
        return with_mask(layer, inputs)

    def torch_factor(self, layer: Layer) -> float:
        """What the mean is multiplied by."""
        return real(layer["scale"])

    def torch_options(self, layer: Layer) -> tuple[str, ...]:
        """Further arguments of PyTorch's function."""
        return ()

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`F.l1_loss(y, t)`, or the mean of what a mask leaves."""
        options = self.torch_options(layer)
        text = torch_mean(self.torch_function, self.given(layer, inputs), options)
        return scaled(text, self.torch_factor(layer))

    def in_pytorch(self, layer: Layer, function: str, *options: str) -> str:
        """The mean of PyTorch's `function` over what the mask leaves."""
        scale, more = layer["scale"].plain, "".join(f", {option}" for option in options)
        if not masked(layer):
            return f"{scale} * F.{function}(x, target{more})"
        each = f"F.{function}(x, target{more}, reduction='none')"
        return f"{scale} * {each}[{mask_in_pytorch(layer)}].mean()"


def with_mask(layer: Layer, inputs: Sequence[str]) -> list[str]:
    """Prediction, target and mask: the steps of padded sequences that are their own."""
    if not layer.is_padded:
        return list(inputs)
    prediction, target, *mask, lengths = inputs
    steps = f"step_mask({lengths}, {prediction})"
    return [prediction, target, " * ".join([*mask, steps])]


def mask_in_pytorch(layer: Layer) -> str:
    """The numbers that count, in the oracle of the tests."""
    mask = "mask != 0" if layer.given else ""
    steps = "(torch.arange(x.shape[1]) < lengths[:, None])[:, :, None].expand(x.shape)"
    return " & ".join(f"({part})" for part in (mask, steps if layer.is_padded else "") if part)


def torch_mean(function: str, inputs: Sequence[str], options: Sequence[str] = ()) -> str:
    """PyTorch's `function` of a prediction and a target, and of a mask if there is one."""
    prediction, target, *mask = inputs
    if not mask:
        return f"{function}({', '.join([prediction, target, *options])})"
    each = ", ".join([prediction, target, *options, 'reduction="none"'])
    return f"masked_mean({function}({each}), {mask[0]})"


def scaled(text: str, factor: float) -> str:
    """A loss times a number, which is left out where it is 1."""
    return text if factor == 1 else f"{literal(factor)} * {text}"


def real(value: Value) -> float:
    """A number that a loss is called with."""
    assert isinstance(value.plain, int | float)
    return value.plain


def masked(layer: Layer) -> str:
    """The beginning of a kernel's name: "Masked" where the layer has a mask."""
    return "Masked" if layer.tensors else ""


def misfit(
    site: Site,
    target: TensorType,
    declared: Span,
    code: str,
    message: str,
    note: str = "",
    help: str = "",
) -> SiteError:
    """The error of a prediction and a target that do not go together; points at both."""
    first = Label(site.span, f"the prediction is {site.input}")
    second = Label(declared, f"the target is {target.declaration}")
    return SiteError(Diagnostic(code, message, first, second, note, help))


def require_real_prediction(site: Site) -> None:
    """Fail (E0310) unless the prediction is real; the target has a rule of its own."""
    replace(site, inputs=site.inputs[:1]).require_real()


def check_mask(site: Site) -> None:
    """Fail (E0410) unless the mask, if there is one, is real and of the prediction's shape."""
    for name, mask in site.named.items():
        if mask.content is not Content.REAL or mask.shape != site.input.shape:
            raise site.fail(
                "E0410",
                f"`{site.op.name}` needs a mask real{site.input}, gets {mask.declaration}",
                "a number for each of the prediction",
                cause=site.positions[name],
                argument=name,
            )


def require_real_target(site: Site, target: TensorType, declared: Span) -> None:
    """Fail (E0401) on labels where the loss measures a distance."""
    if target.content is Content.REAL:
        return
    raise misfit(
        site,
        target,
        declared,
        "E0401",
        f"`{site.op.name}` needs a real target, gets {target}",
        help=fitting(site, target, declared, "cross_entropy", "binary_cross_entropy"),
    )


def require_label_target(site: Site, target: TensorType, declared: Span, *instead: str) -> None:
    """Fail (E0401) on real numbers where the loss needs labels; `instead` are losses to try."""
    if target.content is Content.LABEL:
        return
    raise misfit(
        site,
        target,
        declared,
        "E0401",
        f"`{site.op.name}` needs a target of labels, gets {target.declaration}",
        help=fitting(site, target, declared, *instead),
    )


def require_equal(site: Site, target: TensorType, declared: Span) -> None:
    """Fail (E0409) unless the target has the prediction's shape."""
    if target.shape == site.input.shape:
        return
    raise misfit(
        site,
        target,
        declared,
        "E0409",
        f"`{site.op.name}` needs a target real{site.input}, gets {target.declaration}",
        help=_declaring(site, TensorType(site.input.shape), declared),
    )


def require_classes(site: Site, target: TensorType, declared: Span) -> None:
    """Fail unless there is a label for each vector, step or pixel, as many classes as features.

    E0409: the shapes differ; E0402: the counts differ.
    """
    _require_places(site, target, declared)
    if target.classes != site.input.features:
        _fail_on_count(site, target, declared)


def require_single(site: Site, target: TensorType, declared: Span) -> None:
    """Fail (E0409) unless there is a label for each vector, step or pixel of a single feature."""
    _require_places(site, target, declared)
    if site.input.features.plain == 1:
        return
    what = "channel" if site.input.is_image else "feature"
    raise misfit(
        site,
        target,
        declared,
        "E0409",
        f"`{site.op.name}` needs a single {what} for {target}, gets {site.input.features}",
        help=fitting(site, target, declared, "cross_entropy"),
    )


def _require_places(site: Site, target: TensorType, declared: Span) -> None:
    places = site.input.shape[1:] if site.input.is_image else site.input.shape[:-1]
    if target.shape == places:
        return
    each = {1: "a single label", 2: "a label a step"}.get(site.input.rank, "a label a pixel")
    raise misfit(
        site,
        target,
        declared,
        "E0409",
        f"`{site.op.name}` needs {each}, gets {target}",
        help=_declaring(site, replace(target, shape=places), declared),
    )


def _fail_on_count(site: Site, target: TensorType, declared: Span) -> None:
    features, classes = site.input.features, target.classes
    what = "channels" if site.input.is_image else "features"
    binary = fitting(site, target, declared, "binary_cross_entropy")
    other = replace(target, classes=features).declaration
    either = f"let the prediction have {classes} {what}, or declare `{other}`"
    raise misfit(
        site,
        target,
        declared,
        "E0402",
        f"`{site.op.name}` needs as many {what} as classes, gets {features} and {classes}",
        note=f"each of the {classes} classes has a number of its own",
        help=binary or either,
    )


def fitting(site: Site, target: TensorType, declared: Span, *losses: str) -> str:
    """The first of some losses that fits prediction and target."""
    from specc.ops.registry import losses as known

    for name in losses:
        op = known().get(name)
        if op is not None and fits(op, site, target, declared):
            return f"`loss {name}` fits"
    return ""


def _declaring(site: Site, target: TensorType, declared: Span) -> str:
    """The declaration of a target, if the loss takes it."""
    assert isinstance(site.op, LossOp)
    works = fits(site.op, site, target, declared)
    return f"declare the target as `{target.declaration}`" if works else ""


def fits(op: LossOp, site: Site, target: TensorType, declared: Span) -> bool:
    """Whether another loss, with its defaults, would take the same prediction and target."""
    if site.is_trial:
        return False
    arguments = {a.name: constant(a.default) for a in op.arguments if not a.is_required}  # type: ignore[arg-type]
    other = Site(op, site.inputs[:1], site.made_at, arguments, site.span, is_trial=True)
    try:
        op.check_target(other, target, declared)
    except SiteError:
        return False
    return True
