"""The stages, in order; every command runs a beginning of this list.

    text ─parse→ Program ─resolve→ Model ─check→ ShapedModel ─differentiate→ TrainingModel ─emit→ files
                                              └─draw→ diagram      └─summarize→ table
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from specc import syntax
from specc.check import ShapedModel, check, check_constants
from specc.diagnostics import CompileError, Diagnostic, Diagnostics, Label
from specc.evaluate import Environment, EvaluationError, evaluate, fail
from specc.model import Model
from specc.parse import parse, read
from specc.resolve import resolve
from specc.source import Source, Span
from specc.suggest import closest
from specc.values import Value


def load(path: Path, name: str | None = None) -> Source:
    """The text of a spec; raises `CompileError` if it cannot be read."""
    return read(path, name=name)


def analyse(
    source: Source,
    diagnostics: Diagnostics,
    *,
    net: str | None = None,
    settings: Iterable[str] = (),
    allow_imports: bool = False,
) -> dict[str, ShapedModel]:
    """Parse, resolve and check: the shaped networks of a file, by name.

    `net` chooses one of them; `settings` are `name=value` texts for the net's parameters. Every
    problem found goes to `diagnostics`.

    Raises:
        CompileError: as soon as a stage ends with an error.
    """
    program = parse(source, diagnostics)
    diagnostics.raise_errors()
    model = resolve(program, diagnostics, allow_imports)
    diagnostics.raise_errors()
    check_constants(model, diagnostics)
    chosen = _chosen(model, net)
    shaped = {}
    for item in chosen:
        result = check(model, item, _settings(settings, item), diagnostics)
        if result is not None:
            shaped[item.name] = result
    diagnostics.raise_errors()
    return shaped


def _chosen(model: Model, name: str | None) -> tuple[syntax.Net, ...]:
    if name is None:
        return model.nets
    found = tuple(net for net in model.nets if net.name == name)
    if not found:
        names = [net.name for net in model.nets]
        guess = closest(name, names)
        start = Span(model.program.source, 0, 0)
        raise CompileError(
            [
                Diagnostic(
                    "E0114",
                    f"there is no net `{name}` in this file",
                    Label(start, ""),
                    note="its nets: " + (", ".join(f"`{n}`" for n in names) or "none"),
                    help=f"did you mean `--net {guess}`?" if guess else "",
                )
            ]
        )
    return found


def _settings(texts: Iterable[str], net: syntax.Net) -> Mapping[str, Value]:
    try:
        return dict(_setting(text, net) for text in texts)
    except EvaluationError as error:
        raise CompileError([error.diagnostic]) from None


def _setting(text: str, net: syntax.Net) -> tuple[str, Value]:
    """A `--set name=value`: a parameter of the net and an expression of numbers and lists."""
    name, _, given = (part.strip() for part in text.partition("="))
    names = [parameter.name for parameter in net.parameters]
    if name not in names:
        guess = closest(name, names)
        raise fail(
            "E0201",
            f"`{net.name}` has no parameter `{name}` to set",
            net.name_span,
            "its parameters: " + (", ".join(f"`{n}`" for n in names) or "none"),
            help=f"did you mean `--set {guess}={given}`?" if guess else "",
        )
    source = Source(f"--set {name}", f"let value = {given}\n")
    problems = Diagnostics()
    program = parse(source, problems)
    problems.raise_errors()
    item = program.items[0]
    assert isinstance(item, syntax.Let)
    return name, evaluate(item.value, Environment(_unknown, _unknown))


def _unknown(node: syntax.Name | syntax.Incoming) -> Value:
    raise fail("E0101", f"`{node.span.text}` is no value here", node.span, "not a literal")


