"""Fixes beside the layer that does not fit: one before it is missing, or is one too many."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from specc.graph import Layer, Node, Scan, Tensor
from specc.ops.registry import layers
from specc.ops.site import Site
from specc.signature import defaults
from specc.types import Content, TensorType


def mended(site: Site, code: str, inputs: Sequence[Tensor], nodes: Sequence[Node]) -> str:
    """What should stand before a layer, or should not, where it fails with `code`; else empty."""
    match code:
        case "E0307":
            return _without_last(site, inputs, nodes)
        case "E0310":
            return _as_numbers(site)
    return ""


def _without_last(site: Site, inputs: Sequence[Tensor], nodes: Sequence[Node]) -> str:
    whole = before_last(inputs[0], nodes)
    result = site.try_on(whole, *site.inputs[1:]) if whole else None
    return f"without `last` before it the result is {result}" if result else ""


def before_last(tensor: Tensor, nodes: Sequence[Node]) -> TensorType | None:
    """The sequence whose last step a tensor is; `None` if no `last` made it."""
    maker = _maker(tensor, nodes)
    return maker.input if isinstance(maker, Layer) and maker.op.name == "last" else None


def _as_numbers(site: Site) -> str:
    """Vectors in place of tokens, where these are all that comes in."""
    token = site.input
    if len(site.inputs) > 1 or token.content is not Content.TOKEN or token.classes is None:
        return ""
    result = site.try_on(TensorType((*token.shape, token.classes), padded=token.padded))
    if token.rank > 1 or result is None:
        return ""
    return (
        f"with `one_hot({token.classes})` before it the result is {result}; "
        f"`embedding({token.classes}, …)` learns vectors"
    )


def collapsed(prediction: Tensor, nodes: Sequence[Node], fits: Callable[[TensorType], bool]) -> str:
    """What is missing behind a recurrence, if what then becomes of the prediction `fits`.

    The states of all layers need `flatten`, a sequence `last`; in both directions the last step
    has seen only itself backwards (W0303), and `global_maxpool` sees all steps.
    """
    path, tensor, maker = _path(prediction, nodes)
    if not (isinstance(maker, Scan) or (isinstance(maker, Layer) and maker.op.carries_state)):
        return ""
    name = "flatten"
    if tensor is maker.outputs[0]:
        is_both = isinstance(maker, Layer) and maker["bidirectional"].plain
        name = "global_maxpool" if is_both else "last"
    type_ = _applied([name, *path], tensor)
    if type_ is None or not fits(type_):
        return ""
    place = f"`{path[0].op.name}`" if path else "the loss"
    return f"with `{name}` before {place} the prediction is {type_}"


def prolonged(prediction: Tensor, nodes: Sequence[Node], fits: Callable[[TensorType], bool]) -> str:
    """The `last` that is one too many, if what becomes of the prediction without it `fits`."""
    path, _, _ = _path(prediction, nodes)
    place = next((i for i, layer in enumerate(path) if layer.op.name == "last"), None)
    if place is None:
        return ""
    type_ = _applied(path[place + 1 :], path[place].inputs[0])
    return f"without `last` the prediction is {type_}" if type_ and fits(type_) else ""


def _path(tensor: Tensor, nodes: Sequence[Node]) -> tuple[list[Layer], Tensor, Node | None]:
    """The layers of one input that made a tensor from what a recurrence or another node made."""
    path: list[Layer] = []
    maker = _maker(tensor, nodes)
    while isinstance(maker, Layer) and not maker.op.carries_state and len(maker.proper) == 1:
        path.insert(0, maker)
        tensor, maker = maker.inputs[0], _maker(maker.inputs[0], nodes)
    return path, tensor, maker


def joins(tensors: Sequence[Tensor]) -> str:
    """The joins, of the two that are tried, that take several tensors; empty if none does."""
    first, *others = tensors
    fitting = (name for name in ("concat", "add") if _applied([name], first, *others) is not None)
    return " or ".join(f"`-> {name}`" for name in fitting)


def _maker(tensor: Tensor, nodes: Sequence[Node]) -> Node | None:
    return next((node for node in nodes if tensor in node.outputs), None)


def _applied(steps: Sequence[str | Layer], *tensors: Tensor) -> TensorType | None:
    """What layers make of tensors, one behind the other; `None` if one of them fails."""
    types = tuple(tensor.type for tensor in tensors)
    for step in steps:
        op = layers()[step] if isinstance(step, str) else step.op
        given = defaults(op.arguments) if isinstance(step, str) else step.arguments
        made_at = tuple(tensor.span for tensor in tensors)
        result = Site(op, types, made_at, given, tensors[0].span).try_on(*types)
        if result is None:
            return None
        types = (result,)
    return types[0]
