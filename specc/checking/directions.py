"""A bidirectional layer's last step: backwards it is the first, and has seen nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.diagnostics import Diagnostic, Label
from specc.graph import Layer, Node

if TYPE_CHECKING:
    from specc.checking.body import Body

_BY_ITSELF = ("activation", "regularisation")
"""Families of layers that leave each step where it is."""

_NAMES = ("states", "hidden", "final", "last_states")
_LONG = 60
"""A longer text is not shown once more as a help."""


def warn_of_first_step(body: Body, last: Layer) -> None:
    """Warn (W0303) where a `last` takes what has run backwards for one step only."""
    path: list[Layer] = []
    maker = _maker(body, last)
    while maker is not None and maker.op.family in _BY_ITSELF:
        path.insert(0, maker)
        maker = _maker(body, maker)
    if maker is None or not maker.op.carries_state or not maker["bidirectional"].plain:
        return
    body.elaborator.report(
        Diagnostic(
            "W0303",
            f"`last` has one step of the backward direction of `{maker.op.name}`",
            Label(last.span, "where the backward direction begins"),
            Label(maker.span, "runs in both directions"),
            note="only the states behind the sequence have seen all of it in both directions",
            help=_with_states(body, maker, path),
        )
    )


def _maker(body: Body, layer: Layer) -> Layer | None:
    """The layer whose first result is all that a layer takes."""
    found: Node | None = next((n for n in body.nodes if layer.inputs[0] is n.outputs[0]), None)
    return found if isinstance(found, Layer) else None


def _with_states(body: Body, maker: Layer, path: list[Layer]) -> str:
    """How to go on with the states, which have a name already or are given one."""
    behind = " -> ".join(["flatten", *(layer.span.text for layer in path)])
    known = {id(tensor): name for name, tensor in body.names.items()}
    if len(maker.outputs) > 1 and id(maker.outputs[1]) in known:
        return f"go on with `from {known[id(maker.outputs[1])]} -> {behind}`"
    free = next((name for name in _NAMES if name not in body.names), "")
    is_short = len(maker.span.text) < _LONG and "\n" not in maker.span.text
    call = maker.span.text if is_short else f"{maker.op.name}(…)"
    others = ", _" * (len(maker.op.optional_results) - 1)
    named = f"`{call} as (_, {free}{others})`"
    return f"name the states, {named}, and go on with `from {free} -> {behind}`" if free else ""
