"""Losses: a prediction compared with a target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from specc import syntax
from specc.checking import calls
from specc.checking.elaborator import Broken
from specc.checking.functions import several_tensors
from specc.checking.lengths import common_lengths
from specc.checking.mending import collapsed
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import fail
from specc.graph import Layer, Tensor
from specc.ops.base import LossOp, Site, SiteError
from specc.ops.losses import fits
from specc.ops.registry import losses
from specc.source import Span
from specc.types import Content, TensorType
from specc.values import constant

if TYPE_CHECKING:
    from specc.checking.body import Body


@dataclass(eq=False)
class Loss:
    """A loss of the net: its layer and the name of its target."""

    layer: Layer
    target: str


def loss(body: Body, step: syntax.Loss) -> None:
    """`loss cross_entropy(target=digit)`: the current tensor stays."""
    op = losses()[step.name]
    given = calls.arguments(body, step, op)
    body.need_current(step.span)
    if len(body.current) != 1:
        raise several_tensors(body.current, step.span, f"`{step.name}`")
    target = _target(body, step, given)
    prediction = body.current[0]
    extra = tuple(given[a.name][0] for a in op.arguments if a.kind.tensor and a.name in given)
    tensors = (prediction, target, *(t for t in extra if isinstance(t, Tensor)))
    _check_activation(body, op, prediction, step)
    name = body.model.instances[step.span]
    values = {n: v for n, v in given.items() if n != "target"}
    layer = _loss_layer(body, name, op, values, step.span, tensors)
    body.nodes.append(layer)
    body.losses.append(Loss(layer, target.name))


def _loss_layer(
    body: Body,
    name: str,
    op: LossOp,
    given: calls.Given,
    span: Span,
    tensors: tuple[Tensor, ...],
) -> Layer:
    """The layer of a loss, prediction and target checked against each other."""
    site = calls.site_of(body, op, given, span, tensors)
    try:
        op.check_target(site, tensors[1].type, tensors[1].span)
        type_ = op.infer(site)
    except SiteError as error:
        body.elaborator.report(_with_collapse(body, site, tensors, error.diagnostic))
        raise Broken from None
    made = Layer(name, op, site.arguments, tensors, (Tensor(name, type_, span),), span)
    sequences = ((t.type, t.span) for t in tensors)
    padded = common_lengths(op.name, sequences, span) if op.respects_lengths else ""
    if padded:
        made.inputs, made.tensors = (*tensors, body.lengths(padded)), ("lengths",)
    return made


def _with_collapse(
    body: Body, site: Site, tensors: tuple[Tensor, ...], found: Diagnostic
) -> Diagnostic:
    """A prediction that is a sequence, or states, has perhaps not become features (E0409)."""
    prediction, target = tensors[:2]

    def accepts(type_: TensorType) -> bool:
        assert isinstance(site.op, LossOp)
        return fits(site.op, replace(site, inputs=(type_,)), target.type, target.span)

    help = collapsed(prediction, body.nodes, accepts) if found.code == "E0409" else ""
    return replace(found, help=help or found.help)


def _target(body: Body, step: syntax.Loss, given: calls.Given) -> Tensor:
    if "target" in given:
        target = given["target"][0]
        assert isinstance(target, Tensor)
        return target
    if len(body.targets) == 1:
        return next(iter(body.targets.values()))
    names = ", ".join(f"`{name}`" for name in body.targets)
    raise fail(
        "E0403",
        f"`loss {step.name}` does not say which target it compares with",
        step.span,
        "no target" if not names else "which one?",
        note=f"the targets: {names}" if names else "the net declares no `target`",
        help=f"write `{step.name}(target={next(iter(body.targets))})`"
        if names
        else _declaration(body, step, given),
    )


def _declaration(body: Body, step: syntax.Loss, given: calls.Given) -> str:
    """A target that the loss would take, where the net has none."""
    (prediction,), op = body.current, losses()[step.name]
    site = calls.site_of(body, op, given, step.span, (prediction,))
    sizes, name = prediction.type.shape, next((n for n in "yt" if n not in body.names), "")
    if not name or not all(isinstance(size.plain, int) for size in sizes) or not sizes:
        return ""
    places = sizes[1:] if prediction.type.is_image else sizes[:-1]
    classes = max(prediction.type.features.number, 2)
    labels = TensorType(places, Content.LABEL, constant(classes))
    for target in (labels, TensorType(sizes)):
        if fits(op, site, target, step.span):
            return f"declare `target {name}: {target.declaration}`"
    return ""


def _check_activation(body: Body, op: LossOp, prediction: Tensor, step: syntax.Loss) -> None:
    maker = next((n for n in body.nodes if prediction in n.outputs), None)
    if isinstance(maker, Layer) and maker.op.name == op.applies:
        body.elaborator.report(
            Diagnostic(
                "W0401",
                f"`{op.name}` applies {maker.op.name} itself",
                Label(step.span, f"{maker.op.name} once more here"),
                Label(maker.span, f"{maker.op.name} is applied here"),
                help=f"remove `{maker.op.name}` before the loss; it works on the raw outputs",
            )
        )
