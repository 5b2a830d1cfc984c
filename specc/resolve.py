"""Resolve: bind every name of a program to what it names.

Works on the text alone: no expression is evaluated and both arms of every `if` are read, so a
misspelt name is found wherever it stands.
"""

from __future__ import annotations

from specc import syntax
from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.imports import Importer, rebound
from specc.model import Model
from specc.ops.registry import layers
from specc.resolving.bodies import FileResolver
from specc.source import Span


def resolve(
    program: syntax.Program, diagnostics: Diagnostics, allow_imports: bool = False
) -> Model:
    """Bind the names of a program and of all that it imports.

    Problems go to `diagnostics`; the model is complete only if there is no error among them.
    """
    model = Model(program)
    Importer(model, diagnostics, allow_imports).load(program)
    for names in model.files.values():
        FileResolver(model, names, diagnostics).file()
    _warn_unused_blocks(model, diagnostics)
    _check_nets(model, diagnostics)
    return model


def _check_nets(model: Model, diagnostics: Diagnostics) -> None:
    seen: dict[str, Span] = {}
    for net in model.nets:
        if net.name in seen:
            diagnostics.add(rebound(net.name, net.name_span, seen[net.name]))
        seen[net.name] = net.name_span
    if not model.nets:
        for train in model.trains:
            diagnostics.add(
                Diagnostic(
                    "E0120",
                    "there is no net in this file to train",
                    Label(train.name_span, "a section without a net"),
                    help="remove it, or write it where the net is",
                )
            )


def _warn_unused_blocks(model: Model, diagnostics: Diagnostics) -> None:
    if not model.nets:
        return  # a library: others use its blocks
    called = {id(c) for c in model.callees.values() if isinstance(c, syntax.Block)}
    for item in model.program.items:
        is_layer = isinstance(item, syntax.Block) and item.name in layers()  # said already
        if isinstance(item, syntax.Block) and id(item) not in called and not is_layer:
            diagnostics.add(
                Diagnostic(
                    "W0101",
                    f"the {item.word} `{item.name}` is never used",
                    Label(item.name_span, "defined here"),
                    help="remove it, or move it to a file of its own for others to import",
                )
            )
