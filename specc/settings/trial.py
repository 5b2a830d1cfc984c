"""Trying a change of a net before it is proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specc import syntax
from specc.check import ShapedModel, check
from specc.diagnostics import Diagnostics
from specc.values import constant


def fits_as(
    shaped: ShapedModel, name: str, kind: str, sizes: Sequence[int], classes: int | None
) -> bool:
    """Whether the net is without errors if an input or target is declared differently.

    Sequences stay `padded`.
    """
    statements = tuple(
        replace(s, names=tuple(_redeclared(d, name, kind, sizes, classes) for d in s.names))
        if isinstance(s, syntax.Input | syntax.Target)
        else s
        for s in shaped.net.body.statements
    )
    net = replace(shaped.net, body=replace(shaped.net.body, statements=statements))
    problems = Diagnostics()
    return check(shaped.model, net, shaped.parameters, problems) is not None


def fits_with(shaped: ShapedModel, name: str, classes: int) -> str | None:
    """The net's parameter that counts the classes of `name`, if the net can have this many."""
    for declared in _declarations(shaped.net):
        counted = declared.type.of if declared.type is not None else None
        if declared.name == name and isinstance(counted, syntax.Name):
            if counted.id not in shaped.parameters:
                return None
            settings = {**shaped.parameters, counted.id: constant(classes)}
            fits = check(shaped.model, shaped.net, settings, Diagnostics()) is not None
            return counted.id if fits else None
    return None


def can_pad(kind: str, sizes: Sequence[int]) -> bool:
    """Whether what is declared like this is a sequence, and may come with its lengths."""
    return (kind, len(sizes)) in (("token", 1), ("real", 2))


def _declarations(net: syntax.Net) -> list[syntax.Declared]:
    parts = [s for s in net.body.statements if isinstance(s, syntax.Input | syntax.Target)]
    return [declared for part in parts for declared in part.names]


def _redeclared(
    declared: syntax.Declared, name: str, kind: str, sizes: Sequence[int], classes: int | None
) -> syntax.Declared:
    if declared.name != name:
        return declared
    span = declared.span
    dimensions = tuple(syntax.Literal(size, span) for size in sizes)
    of = None if classes is None else syntax.Literal(classes, span)
    was_padded = declared.type is not None and declared.type.padded
    padded = was_padded and can_pad(kind, sizes)
    return replace(declared, type=syntax.Type(kind, dimensions, of, padded, span, span))
