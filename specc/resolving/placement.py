"""Where statements may stand: inputs, targets, outputs and losses have their places."""

from __future__ import annotations

from collections.abc import Iterator

from specc import syntax
from specc.diagnostics import Diagnostic, Label
from specc.signature import Report
from specc.source import Span

_PLACES = {
    "input": "at the top level of a block or net",
    "target": "at the top level of a net",
    "output": "in a block or net, outside of loops and paths",
    "loss": "in a net, outside of loops and paths",
}


def check_places(item: syntax.Block | syntax.Net, report: Report) -> None:
    """Report statements of a block or net that would have no effect where they stand."""
    is_net = isinstance(item, syntax.Net)
    for word, span, depth, is_inside in _statements(item.body):
        in_net = is_net or word in ("input", "output")
        at_top = depth == 0 if word in ("input", "target") else not is_inside
        if not (in_net and at_top):
            report(
                Diagnostic(
                    "E0117",
                    f"`{word}` has no meaning here",
                    Label(span, "not here"),
                    Label(item.name_span, f"in this {'net' if is_net else 'block'}"),
                    note=f"`{word}` stands {_PLACES[word]}",
                )
            )
    if not is_net:
        _check_untyped(item.body, report)


def _check_untyped(body: syntax.Body, report: Report) -> None:
    for statement in body.statements:
        if isinstance(statement, syntax.Input):
            for declared in statement.names:
                if declared.type is not None:
                    report(
                        Diagnostic(
                            "E0118",
                            "the input of a block has no type",
                            Label(declared.type.span, "a block takes what it is given"),
                            help=f"write `input {declared.name}`",
                        )
                    )


def _statements(
    body: syntax.Body, depth: int = 0, is_inside: bool = False
) -> Iterator[tuple[str, Span, int, bool]]:
    """The statements that have places, with how deep they stand, and whether in a loop or path."""
    words = {syntax.Input: "input", syntax.Target: "target", syntax.Output: "output"}
    for statement in body.statements:
        word = words.get(type(statement))
        if word is not None:
            yield word, statement.span, depth, is_inside
        elif isinstance(statement, syntax.Flow):
            for step in statement.steps:
                yield from _in_step(step, depth, is_inside)


def _in_step(
    step: syntax.Step, depth: int, is_inside: bool
) -> Iterator[tuple[str, Span, int, bool]]:
    match step:
        case syntax.Loss():
            yield "loss", step.span, depth, is_inside
        case syntax.If():
            yield from _statements(step.then, depth + 1, is_inside)
            if step.otherwise is not None:
                yield from _statements(step.otherwise, depth + 1, is_inside)
        case syntax.Repeat() | syntax.For():
            yield from _statements(step.body, depth + 1, True)
        case syntax.Call():
            for path in step.paths or ():
                yield from _statements(path.body, depth + 1, True)
