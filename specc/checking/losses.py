"""Losses: a prediction compared with a target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from specc import syntax
from specc.checking import calls
from specc.checking.elaborator import Broken
from specc.checking.functions import several_tensors
from specc.checking.layers import Given, layer_of, lengths_for, site_of, tensor_arguments
from specc.checking.mending import collapsed, prolonged
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import fail
from specc.graph import Layer, Tensor
from specc.ops.base import LossOp
from specc.ops.losses import fits
from specc.ops.registry import losses
from specc.ops.site import Site, SiteError
from specc.types import Content, TensorType
from specc.values import constant

if TYPE_CHECKING:
    from specc.checking.body import Body


def loss(body: Body, step: syntax.Loss) -> None:
    """`loss cross_entropy(target=digit)`: the current tensor stays."""
    op = losses()[step.name]
    given = calls.arguments(body, step, op)
    body.need_current()
    if len(body.current) != 1:
        raise several_tensors(body.current, step.span, f"`{step.name}`")
    target = _target(body, step, given)
    prediction = body.current[0]
    tensors = tensor_arguments(op, given)
    inputs = (prediction, target, *tensors.values())
    _check_activation(body, op, prediction, step)
    values = {n: v for n, v in given.items() if n != "target"}
    site = site_of(body, op, values, step.span, inputs, tuple(tensors))
    layer = _loss_layer(body, body.model.instances[step.span], op, site, inputs)
    body.nodes.append(layer)
    body.losses.append(layer)


def _loss_layer(body: Body, name: str, op: LossOp, site: Site, inputs: tuple[Tensor, ...]) -> Layer:
    """The layer of a loss, prediction and target checked against each other."""
    try:
        op.check_target(site, inputs[1].type, inputs[1].span)
        output = Tensor(name, op.infer(site), site.span)
    except SiteError as error:
        body.elaborator.report(_with_collapse(body, site, inputs, error.diagnostic))
        raise Broken from None
    return layer_of(name, site, inputs, lengths_for(body, op, inputs, site.span), (output,))


def _with_collapse(
    body: Body, site: Site, tensors: tuple[Tensor, ...], found: Diagnostic
) -> Diagnostic:
    """A prediction that is a sequence, or states, is perhaps no features yet, or not any more."""
    prediction, target = tensors[:2]

    def accepts(type_: TensorType) -> bool:
        assert isinstance(site.op, LossOp)
        return fits(site.op, replace(site, inputs=(type_,)), target.type, target.span)

    if found.code != "E0409":
        return found
    mended = (change(prediction, body.nodes, accepts) for change in (collapsed, prolonged))
    return replace(found, help=next(filter(None, mended), found.help))


def _target(body: Body, step: syntax.Loss, given: Given) -> Tensor:
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


def _declaration(body: Body, step: syntax.Loss, given: Given) -> str:
    """A target that the loss would take, where the net has none."""
    (prediction,), op = body.current, losses()[step.name]
    site = site_of(body, op, given, step.span, (prediction,))
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
