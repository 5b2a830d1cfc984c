"""Makes a syntax node of every tree that Lark reads: one method a rule, named after it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lark import Token, Tree
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from specc import syntax
from specc.parsing.reporter import Reporter
from specc.source import Source, Span

_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_WORDS = {"true": True, "false": False, "none": None}

Arguments = tuple[syntax.Argument, ...]


def build(tree: Tree[Token], reporter: Reporter) -> Any:
    """The syntax node of a tree; what only the node shows to be wrong is reported."""
    return _Nodes(reporter).transform(tree)


class _Nodes(Transformer_NonRecursive[Token, Any]):
    """Gives the parts of every tree to the builder, the innermost first."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(visit_tokens=False)
        self._source = reporter.source
        self._builder = Builder(reporter)

    def __default__(self, data: str, children: list[Any], meta: Meta) -> Any:
        if data.startswith("_"):
            return children  # a part of what was given up
        # A Python keyword has an underscore behind it.
        method = getattr(self._builder, data, None) or getattr(self._builder, f"{data}_")
        span = Span(self._source, 0, 0) if meta.empty else _span(self._source, meta)
        return method(span, *children)


def _span(source: Source, place: Token | Meta) -> Span:
    assert place.start_pos is not None and place.end_pos is not None
    return Span(source, place.start_pos, place.end_pos)


class Builder:
    """Takes the span of what was read and its parts, gives the node.

    A `Token` among statements, steps or the like is an ERROR: reported already, and left out.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._source = reporter.source

    def _span(self, token: Token) -> Span:
        return _span(self._source, token)

    # ------------------------------------------------------------ items

    def program(self, _: Span, *items: syntax.Item | Token) -> syntax.Program:
        """The whole file."""
        return syntax.Program(self._source, tuple(i for i in items if not isinstance(i, Token)))

    def import_(self, span: Span, path: Token) -> syntax.Import:
        """`import "path"`."""
        return syntax.Import(_unquote(path.value), span)

    def let(self, span: Span, name: Token, value: syntax.Expression) -> syntax.Let:
        """`let name = value`."""
        return syntax.Let(name.value, value, span, self._span(name))

    def block(
        self,
        span: Span,
        name: Token,
        parameters: tuple[syntax.Parameter, ...] | None,
        body: syntax.Body,
    ) -> syntax.Block:
        """`block name(parameters) { … }`."""
        return syntax.Block(name.value, parameters or (), body, span, self._span(name))

    def cell(
        self,
        span: Span,
        name: Token,
        parameters: tuple[syntax.Parameter, ...] | None,
        body: syntax.Body,
    ) -> syntax.Cell:
        """`cell name(parameters) { … }`."""
        return syntax.Cell(name.value, parameters or (), body, span, self._span(name))

    def net(
        self,
        span: Span,
        name: Token,
        parameters: tuple[syntax.Parameter, ...] | None,
        body: syntax.Body,
    ) -> syntax.Net:
        """`net name(parameters) { … }`."""
        return syntax.Net(name.value, parameters or (), body, span, self._span(name))

    def parameters(
        self, _: Span, *parameters: syntax.Parameter | Token
    ) -> tuple[syntax.Parameter, ...]:
        """`(parameter, …)`."""
        return tuple(p for p in parameters if not isinstance(p, Token))

    def parameter(
        self, span: Span, name: Token, default: syntax.Expression | None = None
    ) -> syntax.Parameter | Token:
        """`name` or `name = default`."""
        if name.type == "ERROR":
            return name
        return syntax.Parameter(name.value, default, span, self._span(name))

    def train(
        self,
        span: Span,
        name: Token | None,
        net: Token | None,
        settings: tuple[syntax.Setting, ...],
    ) -> syntax.Train:
        """`train name for net { … }`; without a name, its span is that of the word `train`."""
        word = Span(self._source, span.start, span.start + len("train"))
        return syntax.Train(
            name.value if name else None,
            net.value if net else None,
            settings,
            span,
            self._span(name) if name else word,
            self._span(net) if net else None,
        )

    def settings(self, _: Span, *lines: syntax.Setting | Token) -> tuple[syntax.Setting, ...]:
        """The braces of a `train` section."""
        return tuple(line for line in lines if not isinstance(line, Token))

    def setting(self, span: Span, name: Token, *arguments: syntax.Argument) -> syntax.Setting:
        """`name argument, …`."""
        return syntax.Setting(name.value, arguments, span, self._span(name))

    # ------------------------------------------------------------ statements

    def body(self, span: Span, *statements: syntax.Statement) -> syntax.Body:
        """`{ … }`; a flow of which nothing could be read is left out."""
        kept = (s for s in statements if not isinstance(s, syntax.Flow) or s.steps)
        return syntax.Body(tuple(kept), span)

    def input(self, span: Span, *names: syntax.Declared) -> syntax.Input:
        """`input name: type, …`."""
        return syntax.Input(names, span)

    def target(self, span: Span, *names: syntax.Declared) -> syntax.Target:
        """`target name: type, …`."""
        return syntax.Target(names, span)

    def declared(self, span: Span, name: Token, kind: syntax.Type | None) -> syntax.Declared:
        """`name` or `name: type`."""
        return syntax.Declared(name.value, kind, span, self._span(name))

    def state(self, span: Span, *names: syntax.Stated) -> syntax.State:
        """`state name: [size], …`."""
        return syntax.State(names, span)

    def stated(
        self, span: Span, name: Token, sizes: tuple[syntax.Expression, ...]
    ) -> syntax.Stated:
        """`name: [size]`."""
        return syntax.Stated(name.value, sizes, span, self._span(name))

    def type(
        self,
        span: Span,
        kind: Token,
        dimensions: tuple[syntax.Expression, ...] | None,
        of: syntax.Expression | None,
        padded: Token | None,
    ) -> syntax.Type:
        """`kind[dimensions] of number padded`."""
        given = dimensions or ()
        return syntax.Type(kind.value, given, of, padded is not None, span, self._span(kind))

    def dimensions(self, _: Span, *sizes: syntax.Expression) -> tuple[syntax.Expression, ...]:
        """`[size, …]`."""
        return sizes

    def shared(self, span: Span, name: Token, call: syntax.Call) -> syntax.Shared:
        """`shared name = call`."""
        return syntax.Shared(name.value, call, span, self._span(name))

    def output(self, span: Span, *references: syntax.Reference) -> syntax.Output:
        """`output reference, …`."""
        return syntax.Output(references, span)

    # ------------------------------------------------------------ steps

    def flow(self, span: Span, *steps: syntax.Step | Token) -> syntax.Flow:
        """`step -> step as name -> …`."""
        return syntax.Flow(tuple(s for s in steps if not isinstance(s, Token)), span)

    def call(
        self,
        span: Span,
        name: Token,
        arguments: Arguments | None,
        paths: tuple[syntax.Path, ...] | None,
    ) -> syntax.Call:
        """`name(arguments) { path … }`."""
        return syntax.Call(name.value, arguments or (), paths, None, span, self._span(name))

    def scan(self, span: Span, name: Token, arguments: Arguments | None) -> syntax.Scan:
        """`scan name(arguments)`."""
        return syntax.Scan(name.value, arguments or (), None, None, span, self._span(name))

    def labelled(
        self, span: Span, name: Token, step: syntax.Call | syntax.Repeat | syntax.For
    ) -> syntax.Step:
        """`label: step`; the span begins at the label."""
        return replace(step, label=syntax.Label(name.value, self._span(name)), span=span)

    def paths(self, _: Span, *paths: syntax.Path | Token) -> tuple[syntax.Path, ...]:
        """`{ path { … } … }`."""
        return tuple(p for p in paths if not isinstance(p, Token))

    def path(self, span: Span, body: syntax.Body) -> syntax.Path:
        """`path { … }`."""
        return syntax.Path(body, span)

    def from_(self, span: Span, *references: syntax.Reference) -> syntax.From:
        """`from reference, …`."""
        return syntax.From(references, span)

    def as_(self, span: Span, *references: syntax.Reference) -> syntax.As:
        """`as reference` or `as (reference, …)`."""
        return syntax.As(references, span)

    def next_state(self, span: Span, name: Token) -> syntax.NextState:
        """`as state name`."""
        return syntax.NextState(name.value, span, self._span(name))

    def reference(
        self, span: Span, name: Token, index: syntax.Expression | None
    ) -> syntax.Reference:
        """`name` or `name[index]`."""
        return syntax.Reference(name.value, index, span)

    def incoming_reference(self, span: Span, word: Token) -> syntax.Reference:
        """`in` as a tensor."""
        return syntax.Reference(word.value, None, span)

    def repeat(self, span: Span, count: syntax.Expression, body: syntax.Body) -> syntax.Repeat:
        """`repeat count { … }`."""
        return syntax.Repeat(count, body, None, span)

    def for_(
        self, span: Span, name: Token, values: syntax.Expression, body: syntax.Body
    ) -> syntax.For:
        """`for name in values { … }`."""
        return syntax.For(name.value, values, body, None, span, self._span(name))

    def if_(self, _: Span, *parts: syntax.If | syntax.Body | None) -> syntax.If:
        """`if … { … } else if … { … } else { … }`, from arms without an `otherwise`."""
        *arms, otherwise = parts
        for arm in reversed(arms):
            assert isinstance(arm, syntax.If)
            if otherwise is None:
                whole = arm
            else:
                assert isinstance(otherwise, syntax.Body)
                span = arm.span.to(otherwise.span)
                whole = syntax.If(arm.condition, arm.then, otherwise, span)
            otherwise = syntax.Body((syntax.Flow((whole,), whole.span),), whole.span)
        return whole

    def arm(self, span: Span, condition: syntax.Expression, then: syntax.Body) -> syntax.If:
        """`if condition { … }`."""
        return syntax.If(condition, then, None, span)

    def loss(self, span: Span, name: Token, arguments: Arguments | None) -> syntax.Loss:
        """`loss name(arguments)`."""
        return syntax.Loss(name.value, arguments or (), span, self._span(name))

    def arguments(self, _: Span, *arguments: syntax.Argument) -> Arguments:
        """`(argument, …)`."""
        return arguments

    def positional(self, span: Span, value: syntax.Expression) -> syntax.Argument:
        """A value."""
        return syntax.Argument(None, value, span)

    def named(self, span: Span, name: Token, value: syntax.Expression) -> syntax.Argument:
        """`name=value`."""
        return syntax.Argument(name.value, value, span, self._span(name))

    # ------------------------------------------------------------ expressions

    def binary(
        self, span: Span, left: syntax.Expression, sign: Token, right: syntax.Expression
    ) -> syntax.Binary:
        """`left + right` and the like."""
        return syntax.Binary(sign.value, left, right, span)

    def comparison(
        self,
        span: Span,
        left: syntax.Expression,
        sign: Token,
        right: syntax.Expression,
        *rest: syntax.Expression | Token,
    ) -> syntax.Binary:
        """`left < right`; a chain is an error."""
        if rest:
            chained, last = rest[:2]
            assert isinstance(chained, Token) and not isinstance(last, Token)
            place = self._span(chained)
            first = f"{left.span.text} {sign.value} {right.span.text}"
            second = f"{right.span.text} {chained.value} {last.span.text}"
            fits = len(rest) == 2 and len(first + second) < 60
            self._reporter.error(
                "E0011",
                "comparisons do not chain",
                (place.start, place.end),
                label="a second comparison",
                help=f"write `({first} and {second})`" if fits else "",
            )
        return syntax.Binary(sign.value, left, right, span)

    def unary(self, span: Span, sign: Token, operand: syntax.Expression) -> syntax.Unary:
        """`-operand`, `+operand` or `not operand`."""
        return syntax.Unary(sign.value, operand, span)

    def index(self, span: Span, base: syntax.Expression, at: syntax.Expression) -> syntax.Index:
        """`base[at]`."""
        return syntax.Index(base, at, span)

    def apply(self, span: Span, name: Token, arguments: Arguments) -> syntax.Apply:
        """`name(arguments)` as a value."""
        return syntax.Apply(name.value, arguments, span, self._span(name))

    def incoming(self, span: Span, attribute: Token) -> syntax.Incoming:
        """`in.attribute`."""
        return syntax.Incoming(attribute.value, span)

    def list(self, span: Span, *items: syntax.Expression) -> syntax.List:
        """`[item, …]`."""
        return syntax.List(items, span)

    def group(self, span: Span, inside: syntax.Expression) -> syntax.Expression:
        """`(inside)`; only the span remembers the parentheses."""
        return replace(inside, span=span)

    def name(self, span: Span, name: Token) -> syntax.Name:
        """A name as a value."""
        return syntax.Name(name.value, span)

    def soft_name(self, span: Span, name: Token) -> syntax.Name:
        """`state`, `cell` or `scan` as the whole value of a named argument."""
        return syntax.Name(name.value, span)

    def broken(self, span: Span, _: Token) -> syntax.Literal:
        """Stands for an expression that could not be read."""
        return syntax.Literal(0, span)

    def literal(self, span: Span, word: Token) -> syntax.Literal:
        """A number, a string, `true`, `false` or `none`."""
        if word.type == "INT":
            return syntax.Literal(int(word.value), span)
        if word.type == "REAL":
            return syntax.Literal(float(word.value), span)
        if word.type == "STRING":
            return syntax.Literal(_unquote(word.value), span)
        return syntax.Literal(_WORDS[word.value], span)


def _unquote(text: str) -> str:
    """The characters of a string, from how it is written."""
    return _ESCAPE.sub(lambda found: _ESCAPED[found.group(1)], text[1:-1])
