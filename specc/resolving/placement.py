"""Where statements may stand: inputs, targets, outputs and losses have their places."""

from __future__ import annotations

from collections.abc import Iterator

from specc import syntax
from specc.diagnostics import Diagnostic, Label
from specc.signature import Report
from specc.source import Span

_PLACES = {
    "input": "at the top level of a block, cell or net",
    "state": "at the top level of a cell",
    "as state": "in a cell, outside of loops and paths",
    "target": "at the top level of a net",
    "output": "in a block, cell or net, outside of loops and paths",
    "loss": "in a net, outside of loops and paths",
}


def check_places(item: syntax.Block | syntax.Net, report: Report) -> None:
    """Report statements of a block, cell or net that would have no effect where they stand."""
    for word, span, depth, is_inside in _statements(item.body):
        place = _PLACES[word]
        is_there = depth == 0 if place.startswith("at the top") else not is_inside
        if not (is_there and item.word in place.partition(", outside")[0]):
            report(
                Diagnostic(
                    "E0117",
                    f"`{word}` has no meaning here",
                    Label(span, "not here"),
                    Label(item.name_span, f"in this {item.word}"),
                    note=f"`{word}` stands {place}",
                )
            )
    if isinstance(item, syntax.Block):
        _check_untyped(item, report)


def states_set(body: syntax.Body) -> set[str]:
    """The states that `as state` sets somewhere in a body."""
    found = (span for word, span, *_ in _statements(body) if word == "as state")
    return {span.text.split()[-1] for span in found}


def _check_untyped(item: syntax.Block, report: Report) -> None:
    for statement in item.body.statements:
        if isinstance(statement, syntax.Input):
            for declared in statement.names:
                if declared.type is not None:
                    report(
                        Diagnostic(
                            "E0118",
                            f"the input of a {item.word} has no type",
                            Label(declared.type.span, f"a {item.word} takes what it is given"),
                            help=f"write `input {declared.name}`",
                        )
                    )


def _statements(
    body: syntax.Body, depth: int = 0, is_inside: bool = False
) -> Iterator[tuple[str, Span, int, bool]]:
    """The statements that have places, with how deep they stand, and whether in a loop or path."""
    words = {
        syntax.Input: "input",
        syntax.State: "state",
        syntax.Target: "target",
        syntax.Output: "output",
    }
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
        case syntax.NextState():
            yield "as state", step.span, depth, is_inside
        case syntax.If():
            yield from _statements(step.then, depth + 1, is_inside)
            if step.otherwise is not None:
                yield from _statements(step.otherwise, depth + 1, is_inside)
        case syntax.Repeat() | syntax.For():
            yield from _statements(step.body, depth + 1, True)
        case syntax.Call():
            for path in step.paths or ():
                yield from _statements(path.body, depth + 1, True)
