"""Layers, applied to tensors: their arguments, their lengths, the types of their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from specc.checking.elaborator import Broken
from specc.checking.functions import several_tensors
from specc.checking.mending import mended
from specc.evaluate import fail
from specc.graph import Layer, Tensor
from specc.ops.base import Op
from specc.ops.padding import common_lengths
from specc.ops.site import Site, SiteError
from specc.signature import defaults
from specc.source import Span
from specc.types import TensorType
from specc.values import Value, show

if TYPE_CHECKING:
    from specc.checking.body import Body

LARGEST_TENSOR = 2**33
"""No tensor or parameter may have more numbers than this."""

Given = Mapping[str, tuple[Value | Tensor, Span]]
"""Arguments as given: their values, or tensors, and where they stand."""


def make_layer(
    body: Body,
    name: str,
    op: Op,
    given: Given,
    span: Span,
    inputs: tuple[Tensor, ...],
) -> Layer:
    """An op applied to tensors, its shape inferred."""
    if op.input_count is not None and len(inputs) != op.input_count:
        raise several_tensors(inputs, span, f"`{op.name}`")
    lengths = lengths_for(body, op, inputs, span)
    tensors = tensor_arguments(op, given)
    inputs += tuple(tensors.values())
    site = site_of(body, op, given, span, inputs, tuple(tensors))
    types = _inferred(body, site, inputs)
    outputs = body.results(name, types, op.optional_results, span)
    layer = layer_of(name, site, inputs, lengths, outputs)
    _check_size(layer)
    return layer


def layer_of(
    name: str,
    site: Site,
    inputs: tuple[Tensor, ...],
    lengths: Mapping[str, Tensor],
    outputs: tuple[Tensor, ...],
) -> Layer:
    """The layer of a site that was found to be right, with the lengths that it is handed."""
    return Layer(
        name,
        site.op,
        site.arguments,
        (*inputs, *lengths.values()),
        outputs,
        site.span,
        tensors=(*site.tensors, *lengths),
    )


def lengths_for(body: Body, op: Op, inputs: tuple[Tensor, ...], span: Span) -> dict[str, Tensor]:
    """The lengths that an op is handed with padded inputs, by name; E0309 where they differ."""
    if not op.respects_lengths:
        return {}
    return body.named_lengths(common_lengths(op.name, ((t.type, t.span) for t in inputs), span))


def _inferred(body: Body, site: Site, inputs: tuple[Tensor, ...]) -> tuple[TensorType, ...]:
    """The types of the results; where there are none, the error with what would mend it."""
    try:
        return site.op.infer_results(site)
    except SiteError as error:
        found = error.diagnostic
        if found.code == "E0307" and body.states:  # what is reshaped there is no sequence, either
            note = "a tensor in one step of a cell has features, no time"
            body.elaborator.report(replace(found, note=note, help=""))
            raise Broken from None
        help = mended(site, found.code, inputs, body.nodes) or found.help
        help = help or _with_another(body, site, inputs)
        body.elaborator.report(replace(found, help=help))
        raise Broken from None


def tensor_arguments(op: Op, given: Given) -> dict[str, Tensor]:
    """The tensors that are handed over by name, in the order of the signature."""
    named = ((a.name, given[a.name][0]) for a in op.arguments if a.name in given)
    return {name: tensor for name, tensor in named if isinstance(tensor, Tensor)}


def _with_another(body: Body, site: Site, inputs: tuple[Tensor, ...]) -> str:
    """What a join of a single tensor, which has a name, could be written as."""
    name = site.op.name
    if site.op.input_count is not None or len(inputs) != 1 or site.span.text[-1:] == "}":
        return ""
    named = [(n, t) for n, t in body.names.items() if isinstance(t, Tensor) and n.isidentifier()]
    first = next((n for n, t in named if t is inputs[0] and n != "in"), "")
    for other, tensor in reversed(named):
        joins = tensor is not inputs[0] and other != "in"
        if first and joins and site.try_on(inputs[0].type, tensor.type) is not None:
            return f"name both: `from {first}, {other} -> {name}`"
    return ""


def site_of(
    body: Body,
    op: Op,
    given: Given,
    span: Span,
    inputs: tuple[Tensor, ...],
    tensors: tuple[str, ...] = (),
) -> Site:
    """An op at its place: the types that come in, and its arguments with defaults filled in.

    `tensors` are the names of tensor arguments, the last of the inputs.
    """
    values = dict(defaults(op.arguments))
    values |= {n: v for n, (v, _) in given.items() if isinstance(v, Value)}
    return Site(
        op,
        tuple(t.type for t in inputs),
        tuple(t.span for t in inputs),
        values,
        span,
        {n: s for n, (_, s) in given.items()},
        body.elaborator.report,
        tensors=tensors,
    )


def _check_size(layer: Layer) -> None:
    shapes = [("result", layer.output.shape)]
    shapes += [(p.name, p.shape) for p in layer.op.parameters(layer)]
    for what, shape in shapes:
        total = 1
        for size in shape:
            total *= size.number if size.is_known else 1
        if total > LARGEST_TENSOR:
            raise fail(
                "E0614",
                f"the {what} of `{layer.op.name}` would hold {total} numbers",
                layer.span,
                f"[{', '.join(show(s) for s in shape)}]",
                note=f"{total * 4 / 2**30:.0f} GiB in float32; the limit is 32 GiB",
            )
