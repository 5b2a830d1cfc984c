"""Instance names: labels, or a layer's name and its ordinal in the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from specc import syntax
from specc.diagnostics import Diagnostic, Label
from specc.imports import rebound
from specc.model import Model
from specc.signature import Report
from specc.source import Span
from specc.words import is_usable_label, safe_name

Occurrence = syntax.Call | syntax.Repeat | syntax.For | syntax.Loss


def name_instances(
    body: syntax.Body,
    shared: Collection[str],
    lent: Mapping[str, Span],
    model: Model,
    report: Report,
) -> None:
    """Name the calls, loops and losses of a body: by their labels, or by name and ordinal.

    The ordinal counts all occurrences in the body's text, so that an `if` never renames a
    neighbour. Uses of the `shared` instances have their names already; the body, or a loop in it,
    uses those that are `lent` to it, with where they are declared, so no other has their names.
    """
    ordinals: Counter[str] = Counter()
    taken = dict(lent)
    automatic: list[Occurrence] = []
    for step in _occurrences(body):
        if isinstance(step, syntax.Shared):
            _take(step.name, step.name_span, taken, report)
            handed_on = safe_name(step.name) == step.name != "x"  # to loops, under its name
            if is_usable_label(step.name) and not handed_on:
                report(_unusable(step.name, step.name_span))
        elif isinstance(step, syntax.Call) and step.name in shared:
            _check_unlabelled(step, report)
        else:
            kind = _word(step)
            ordinals[kind] += 1
            label = None if isinstance(step, syntax.Loss) else step.label
            if label is None:
                automatic.append(step)
            else:
                _take(label.name, label.span, taken, report)
            model.instances[step.span] = label.name if label else f"{kind}{ordinals[kind]}"
    for step in automatic:
        name = model.instances[step.span]
        if name in taken:
            report(rebound(name, taken[name], step.span, "given as a name here"))


def _check_unlabelled(call: syntax.Call, report: Report) -> None:
    if call.label is not None:
        report(
            Diagnostic(
                "E0119",
                f"the shared instance `{call.name}` has its name already",
                Label(call.label.span, "a second name"),
                help="remove the label",
            )
        )


def _take(name: str, span: Span, taken: dict[str, Span], report: Report) -> None:
    if name in taken:
        report(rebound(name, span, taken[name]))
    taken[name] = span
    if not is_usable_label(name):
        report(_unusable(name, span))


def _unusable(name: str, span: Span) -> Diagnostic:
    """The diagnostic of a name that no attribute of a generated class can have."""
    why = "it begins with `_`" if name.startswith("_") else "the generated classes need that word"
    plain = name.strip("_")
    return Diagnostic(
        "E0107",
        f"`{name}` cannot name a layer: {why}",
        Label(span, "named here"),
        help=f"call it something else, such as `{plain}_layer`" if plain else "",
    )


def _word(step: Occurrence) -> str:
    if isinstance(step, syntax.Scan):
        return "scan"
    if isinstance(step, syntax.Call | syntax.Loss):
        return step.name
    return "repeat" if isinstance(step, syntax.Repeat) else "for"


def _occurrences(body: syntax.Body) -> Iterable[Occurrence | syntax.Shared]:
    """The calls, loops and shared instances of a body's text; paths and arms are seen through."""
    for statement in body.statements:
        if isinstance(statement, syntax.Shared):
            yield statement
        elif isinstance(statement, syntax.Flow):
            for step in statement.steps:
                yield from _in_step(step)


def _in_step(step: syntax.Step) -> Iterable[Occurrence | syntax.Shared]:
    match step:
        case syntax.Call():
            yield step
            for path in step.paths or ():
                yield from _occurrences(path.body)
        case syntax.Repeat() | syntax.For() | syntax.Loss():
            yield step
        case syntax.If():
            yield from _occurrences(step.then)
            if step.otherwise is not None:
                yield from _occurrences(step.otherwise)
