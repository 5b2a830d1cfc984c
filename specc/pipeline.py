"""The stages, in order; every command runs a beginning of this list.

text ─parse→ Program ─resolve→ Model ─check→ ShapedModel ─differentiate→ TrainingModel ─emit→ files
                                          └─draw→ diagram      └─summarize→ table
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from specc import syntax
from specc.check import ShapedModel, check, check_constants
from specc.diagnostics import CompileError, Diagnostic, Diagnostics, Label
from specc.evaluate import Environment, EvaluationError, evaluate, fail
from specc.model import Model
from specc.options import Options
from specc.parse import parse, read
from specc.resolve import resolve
from specc.source import Source, Span
from specc.suggest import did_you_mean
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
        start = Span(model.program.source, 0, 0)
        raise CompileError(
            [
                Diagnostic(
                    "E0114",
                    f"there is no net `{name}` in this file",
                    Label(start, ""),
                    note="its nets: " + (", ".join(f"`{n}`" for n in names) or "none"),
                    help=did_you_mean(name, names, "--net {}"),
                )
            ]
        )
    return found


def _settings(texts: Iterable[str], net: syntax.Net) -> Mapping[str, Value]:
    values: dict[str, Value] = {}
    try:
        for text in texts:
            name, value = _setting(text, net)
            if name in values:
                raise fail(
                    "E0202", f"`{name}` is set twice", net.name_span, "a parameter of this net"
                )
            values[name] = value
    except EvaluationError as error:
        raise CompileError([error.diagnostic]) from None
    return values


def _setting(text: str, net: syntax.Net) -> tuple[str, Value]:
    """A `--set name=value`: a parameter of the net and an expression of numbers and lists."""
    name, _, given = (part.strip() for part in text.partition("="))
    names = [parameter.name for parameter in net.parameters]
    if name not in names:
        raise fail(
            "E0201",
            f"`{net.name}` has no parameter `{name}` to set",
            net.name_span,
            "its parameters: " + (", ".join(f"`{n}`" for n in names) or "none"),
            help=did_you_mean(name, names, "--set {}=" + given),
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


@dataclass(frozen=True)
class Generated:
    """A file that was written: its text, and the name of the network."""

    text: str
    net: str


def generate(
    source: Source, options: Options, *, output: Path, diagnostics: Diagnostics
) -> Generated:
    """Compile one network; `output` is where the file will lie, for the way to its data.

    Raises:
        CompileError: if the spec has errors.
    """
    from specc.emit import emit  # with NetworkX and Jinja behind it: only here

    shaped = shape_one(source, options, diagnostics)
    return Generated(emit(shaped, options, output, diagnostics), shaped.net.name)


def shape_one(source: Source, options: Options, diagnostics: Diagnostics) -> ShapedModel:
    """The network that is meant, with its shapes: the only one, or the one that is named."""
    shaped = analyse(
        source,
        diagnostics,
        net=options.net,
        settings=options.settings,
        allow_imports=options.allow_imports,
    )
    if len(shaped) == 1:
        return next(iter(shaped.values()))
    names = ", ".join(f"`{name}`" for name in shaped)
    raise CompileError(
        [
            Diagnostic(
                "E0115",
                "there are several nets in this file" if shaped else "there is no net in this file",
                Label(Span(source, 0, 0)),
                note=f"its nets: {names}" if shaped else "",
                help=f"choose one: `--net {next(iter(shaped))}`" if shaped else "",
            )
        ]
    )
