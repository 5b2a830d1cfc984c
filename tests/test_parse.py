"""The parser: trees, spans, messages, recovery, limits, and the shipped table."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark.lexer import Lexer
from syntax_examples import EXAMPLES, LENET, mutated_specs, nodes, parsed, words

from specc import syntax
from specc.diagnostics import CompileError, Diagnostic, Diagnostics
from specc.parse import parse, read
from specc.parsing.nesting import nest
from specc.parsing.reporter import Reporter
from specc.parsing.table import build_table
from specc.parsing.tokens import scan
from specc.resources import resource
from specc.source import Source


def tree(text: str) -> syntax.Program:
    program, found = parsed(text)
    assert not found, found
    return program


def statements(body: str) -> tuple[syntax.Statement, ...]:
    (net,) = tree(f"net A {{\n{body}\n}}").items
    assert isinstance(net, syntax.Net)
    return net.body.statements


def steps(flow: str) -> tuple[syntax.Step, ...]:
    (statement,) = statements(flow)
    assert isinstance(statement, syntax.Flow)
    return statement.steps


# ---------------------------------------------------------------- trees


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text: str) -> None:
    tree(text)


def test_a_whole_file() -> None:
    net, train = tree(LENET).items
    assert isinstance(net, syntax.Net) and isinstance(train, syntax.Train)
    assert net.name == "LeNet"
    assert [(p.name, p.default.value) for p in net.parameters] == [("classes", 10)]  # type: ignore[union-attr]
    kinds = [type(s).__name__ for s in net.body.statements]
    assert kinds == ["Input", "Target", *["Flow"] * 7]
    assert (train.name, train.net) == (None, None)
    assert [s.name for s in train.settings] == [
        "data", "epochs", "batch", "optimizer", "metric", "seed",
    ]  # fmt: skip
    assert train.settings[3].arguments[0].value == syntax.Apply(
        "adam",
        train.settings[3].arguments[0].value.arguments,  # type: ignore[union-attr]
        train.settings[3].arguments[0].span,
        train.settings[3].arguments[0].value.name_span,  # type: ignore[union-attr]
    )


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("conv(64, 3) as a -> relu", "Call As Call"),
        ("lstm(3) as (sequence, state)", "Call As"),
        ("relu as tap[i]", "Call As"),
        ("from a, b -> concat", "From Call"),
        ("from in -> relu", "From Call"),
        ("from in, skip -> add", "From Call"),
        ("from tap[i + 1]", "From"),
        ("from state -> last", "From Call"),
        ("from p -> loss mse", "From Loss"),
        ("loss cross_entropy(target=digit, scale=0.5)", "Loss"),
        ("repeat 2 { relu } -> relu", "Repeat Call"),
        ("relu -> for i in range(4) { relu } as x -> tanh", "Call For As Call"),
        ("if a { relu } -> tanh", "If Call"),
        ("a: conv(3) -> b: repeat 2 {} -> c: for x in [1] {}", "Call Repeat For"),
        ("concat(axis=1) { path { relu } path {}; path {} } -> relu", "Call Call"),
        ("concat {\n path {}\n\n path {}\n}", "Call"),
        ("conv(\n 64,\n 3,\n)", "Call"),
        ("relu ->\n\n # comment\n tanh", "Call Call"),
        ("relu # comment\n # comment\n\n -> tanh", "Call Call"),
        ("if a { relu }\nelse if b\n{ tanh }\nelse { abs }", "If"),
        ("conv(3,) -> f([1, 2,],)", "Call Call"),
        ("scan lstm(3, h=state) as (y, scan) -> relu", "Scan As Call"),
        ("a: scan gru -> as_ as state h -> relu as state", "Scan Call NextState Call As"),
    ],
)
def test_flows(text: str, kinds: str) -> None:
    assert " ".join(type(step).__name__ for step in steps(text)) == kinds


def test_several_names_a_line() -> None:
    inputs, names = statements("input a: real[3], b: token[T] of n padded\ninput x, skip")
    assert isinstance(inputs, syntax.Input) and isinstance(names, syntax.Input)
    first, second = (declared.type for declared in inputs.names)
    assert first is not None and second is not None
    assert (first.kind, len(first.dimensions), first.of, first.padded) == ("real", 1, None, False)
    assert (second.kind, len(second.dimensions), second.padded) == ("token", 1, True)
    assert [(d.name, d.type) for d in names.names] == [("x", None), ("skip", None)]


def test_cells() -> None:
    first, second = tree("cell a(units = 2) { state h: [units], c: [1, 2] }\nblock b {}").items
    assert isinstance(first, syntax.Cell) and not isinstance(second, syntax.Cell)
    (states,) = first.body.statements
    assert isinstance(states, syntax.State)
    assert [(s.name, len(s.sizes)) for s in states.names] == [("h", 1), ("c", 2)]
    (shared,) = statements("shared enc = scan a(3)")
    assert isinstance(shared, syntax.Shared) and isinstance(shared.call, syntax.Scan)


def test_train_headers() -> None:
    trains = tree("train {}\ntrain quick { epochs 1 }\ntrain quick for LeNet {}").items
    assert [(t.name, t.net) for t in trains if isinstance(t, syntax.Train)] == [
        (None, None), ("quick", None), ("quick", "LeNet"),
    ]  # fmt: skip


def test_paths() -> None:
    with_paths, empty, without = steps("concat { path {} path { relu } } -> add {} -> relu")
    assert isinstance(with_paths, syntax.Call) and with_paths.paths is not None
    assert [len(path.body.statements) for path in with_paths.paths] == [0, 1]
    assert isinstance(empty, syntax.Call) and empty.paths == ()
    assert isinstance(without, syntax.Call) and without.paths is None


def test_else_if_is_an_if_in_the_body_otherwise() -> None:
    (first,) = steps("if a { x } else if b { y } else { z }")
    assert isinstance(first, syntax.If) and first.otherwise is not None
    assert first.otherwise.span.text == "if b { y } else { z }"
    (flow,) = first.otherwise.statements
    assert isinstance(flow, syntax.Flow)
    (second,) = flow.steps
    assert isinstance(second, syntax.If) and second.otherwise is not None
    assert second.otherwise.span.text == "{ z }"


def test_statements_end_at_newlines_semicolons_and_braces() -> None:
    assert len(statements("relu; tanh\nabs;\n;\n sigmoid;")) == 4
    assert len(tree("let a = 1; let b = 2\n;\nnet A { relu }; train {}").items) == 4


def bracketed(value: syntax.Expression) -> str:
    match value:
        case syntax.Binary():
            return f"({bracketed(value.left)} {value.operator} {bracketed(value.right)})"
        case syntax.Unary():
            return f"({value.operator} {bracketed(value.operand)})"
        case syntax.Index():
            return f"{bracketed(value.base)}[{bracketed(value.index)}]"
        case syntax.List():
            return f"[{', '.join(map(bracketed, value.items))}]"
        case syntax.Apply():
            return f"{value.name}({', '.join(bracketed(a.value) for a in value.arguments)})"
        case syntax.Incoming():
            return f"in.{value.attribute}"
        case syntax.Name():
            return value.id
        case syntax.Literal():
            return repr(value.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("1 - 2 - 3", "((1 - 2) - 3)"),
        ("a // 2 % 3", "((a // 2) % 3)"),
        ("2 ** 3 ** 4", "(2 ** (3 ** 4))"),
        ("-2 ** -x", "(- (2 ** (- x)))"),
        ("- - 1", "(- (- 1))"),
        ("not a == b and c or d", "(((not (a == b)) and c) or d)"),
        ("not not a", "(not (not a))"),
        ("a + 1 <= b * 2", "((a + 1) <= (b * 2))"),
        ("(1 + 2) * 3", "((1 + 2) * 3)"),
        ("c[1][i + 1]", "c[1][(i + 1)]"),
        ("range(4, step=2)[0]", "range(4, 2)[0]"),
        ("in.shape[0] + in.channels", "(in.shape[0] + in.channels)"),
        ("[1, [], [2,],]", "[1, [], [2]]"),
        ("[true, false, none]", "[True, False, None]"),
        ("1e-4", "0.0001"),
        ("1.5E3", "1500.0"),
        ("999999999999999999", "999999999999999999"),
        (r'"a\"\\\n\té #"', repr('a"\\\n\té #')),
        ("real + token + label", "((real + token) + label)"),
    ],
)
def test_expressions(text: str, expected: str) -> None:
    (let,) = tree(f"let x = {text}").items
    assert isinstance(let, syntax.Let)
    assert bracketed(let.value) == expected
    assert let.value.span.text == text


# ---------------------------------------------------------------- spans


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ('import "a.net"', syntax.Import, ['import "a.net"']),
        ("let x = (1 + 2)", syntax.Let, ["let x = (1 + 2)"]),
        ("let x = (1 + 2)", syntax.Binary, ["(1 + 2)"]),
        ("let x = 1 + 2 * y", syntax.Binary, ["1 + 2 * y", "2 * y"]),
        ("let x = f(1, a = 2)[3]", syntax.Index, ["f(1, a = 2)[3]"]),
        ("let x = f(1, a = 2)[3]", syntax.Apply, ["f(1, a = 2)"]),
        ("let x = f(1, a = 2)[3]", syntax.Argument, ["1", "a = 2"]),
        ("let x = f(in . height)", syntax.Incoming, ["in . height"]),
        ("block b(x, y = 1) { relu }", syntax.Parameter, ["x", "y = 1"]),
        ("block b(x, y = 1) { relu } # c", syntax.Block, ["block b(x, y = 1) { relu }"]),
        ("net A { relu -> tanh; abs\n }", syntax.Body, ["{ relu -> tanh; abs\n }"]),
        ("net A { relu -> tanh; abs\n }", syntax.Flow, ["relu -> tanh", "abs"]),
        ("net A { relu -> tanh # c\n -> abs # c\n }", syntax.Flow, ["relu -> tanh # c\n -> abs"]),
        (
            "net A { s: conv(1) -> concat { path {} } }",
            syntax.Call,
            ["s: conv(1)", "concat { path {} }"],
        ),
        ("net A { s: conv(1) }", syntax.Label, ["s"]),
        ("net A { concat { path {} } }", syntax.Path, ["path {}"]),
        ("net A { from a, t[1] }", syntax.From, ["from a, t[1]"]),
        ("net A { from a, t[1] }", syntax.Reference, ["a", "t[1]"]),
        ("net A { relu as (a, _) -> tanh }", syntax.As, ["as (a, _)"]),
        ("net A { s: repeat 2 { } -> relu }", syntax.Repeat, ["s: repeat 2 { }"]),
        ("net A { for x in [1] { } -> relu }", syntax.For, ["for x in [1] { }"]),
        ("net A { if a { } else if b { } }", syntax.If, ["if a { } else if b { }", "if b { }"]),
        ("net A { relu -> loss mse(half=true) }", syntax.Loss, ["loss mse(half=true)"]),
        ("net A { shared e = f(1) }", syntax.Shared, ["shared e = f(1)"]),
        ("net A { output a, b }", syntax.Output, ["output a, b"]),
        (
            "net A { input a : real [3] of 2 padded, b }",
            syntax.Declared,
            ["a : real [3] of 2 padded", "b"],
        ),
        ("net A { input a : real [3] of 2 padded, b }", syntax.Type, ["real [3] of 2 padded"]),
        ("train a for B { split x=1, 2 }", syntax.Train, ["train a for B { split x=1, 2 }"]),
        ("train a for B { split x=1, 2 }", syntax.Setting, ["split x=1, 2"]),
    ],
)
def test_spans(text: str, kind: type[Any], expected: list[str]) -> None:
    found = [node.span.text for node in nodes(tree(text).items) if isinstance(node, kind)]
    assert found == expected


@pytest.mark.parametrize("text", EXAMPLES)
def test_names_stand_where_their_spans_say(text: str) -> None:
    for node in nodes(tree(text).items):
        if getattr(node, "name_span", None) is not None:
            assert node.name_span.text == (node.name or "train")
            assert node.span.start <= node.name_span.start < node.name_span.end <= node.span.end
        if isinstance(node, syntax.Train) and node.net_span is not None:
            assert node.net_span.text == node.net
        if isinstance(node, syntax.For):
            assert node.variable_span.text == node.variable
        if isinstance(node, syntax.Type):
            assert node.kind_span.text == node.kind


# ---------------------------------------------------------------- messages

# A broken text with the wrong place in «», code, message, and help where there is one. A help that
# says what to write is applied, and the result must have no error.
MESSAGES = [
    ("let x = 1 «@» 2", "E0004", "unknown character `@`", ""),
    (
        "net A { conv(3) «→» relu }",
        "E0004",
        "unknown character `→` (U+2192, RIGHTWARDS ARROW)",
        "write `->`",
    ),
    (
        "let d«\u0430»ta = 1",
        "E0004",
        "`\u0430` (U+0430, CYRILLIC SMALL LETTER A) cannot be part of a name",
        "",
    ),
    (
        "n«\u0435»t A { relu }",
        "E0004",
        "`\u0435` (U+0435, CYRILLIC SMALL LETTER IE) cannot be part of a name",
        "",
    ),
    ("let x =«\u00a0»1", "E0004", "unknown character (U+00A0, NO-BREAK SPACE)", "write a space"),
    ("let x = a «&&» b", "E0004", "unknown character `&`", "write `and`"),
    ("# a«\u202e» b", "E0003", "control character U+202E, RIGHT-TO-LEFT OVERRIDE", ""),
    ('import "a«\0»"', "E0003", "control character U+0000", ""),
    ('import «"a»', "E0005", 'the string has no closing `"`', ""),
    ('net A { f(«"a») }', "E0005", 'the string has no closing `"`', ""),
    ('import "a«\\q»"', "E0005", "unknown escape `\\q` in a string", ""),
    ("import «'a'»", "E0005", "a string stands in double quotes", 'write `"a"`'),
    ("let x = «.5»", "E0006", "`.5` is not a number", "write `0.5`"),
    ("let x = «5.»", "E0006", "`5.` is not a number", "write `5.0`"),
    ("let x = «1_000»", "E0006", "`1_000` is not a number", "write `1000`"),
    ("let x = «007»", "E0006", "an integer does not begin with `0`", "write `7`"),
    ("let «2x» = 1", "E0006", "`2x` is not a number", ""),
    ("let x = «9999999999999999999»", "E0604", "a number of 19 characters, more than 18", ""),
    ("let x = «1e999»", "E0604", "`1e999` is larger than the largest real number", ""),
    ("net A { conv(64, «3» -> relu }", "E0007", "missing `)`", ""),
    ("net A { conv(64, «3»\n dense(10)\n}", "E0007", "missing `)`", ""),
    ("net A { f([1, «2») }", "E0007", "missing `]`", ""),
    ("net A { f(1«]» }", "E0007", "`]` does not close `(`", "write `)`"),
    ("net A { f 1«)» }", "E0007", "stray `)`", ""),
    ("net A { relu } «}»", "E0007", "stray `}`", ""),
    ("net A { «relu»", "E0007", "unclosed `{`", ""),
    ("net A {\n repeat 2 {\n  relu\n}\n«train» {}", "E0007", "unclosed `{`", ""),
    ("net «A»\n relu\n}", "E0007", "missing `{`", ""),
    ("net A {\n repeat «2»\n  relu\n }\n}", "E0007", "missing `{`", ""),
    ("net A { «concat» path {} } }", "E0007", "missing `{`", ""),
    ("net A { concat { path { relu -> «x» path {} } }", "E0007", "missing `}`", ""),
    ("net A { f(1«;» 2) }", "E0007", "`;` inside `(`", ""),
    (
        "net A { input «state»: real[1] }",
        "E0008",
        "`state` is a keyword and cannot be a name",
        "take another name, such as `state_1`",
    ),
    (
        "net A { conv(«path», 3) }",
        "E0008",
        "`path` is a keyword and cannot be a name",
        "take another name, such as `path_1`",
    ),
    (
        "cell a { state h: «real»[3]\n relu as state h }",
        "E0010",
        "expected the sizes of a state, such as `[8]`, after `:`, found `real`",
        "",
    ),
    ("cell a { state h «=» [3] }", "E0010", "expected `:`, found `=`", ""),
    ("net A { scan «->» relu }", "E0010", "expected a name, found `->`", ""),
    ("cell «a»\n relu as state h\n}", "E0007", "missing `{`", ""),
    ("net A { relu -> «}»", "E0010", "expected a layer after `->`, found `}`", ""),
    ("net A { «->» relu }", "E0010", "expected a layer before `->`", ""),
    ("net A { relu -> «->» relu }", "E0010", "expected a layer after `->`, found `->`", ""),
    (
        "net A { conv «64», 3 -> relu }",
        "E0010",
        "expected `(` before the arguments of `conv`",
        "write `conv(64, 3)`",
    ),
    ("net A { relu «tanh» }", "E0010", "expected `->` or a new line before `tanh`", ""),
    ("net A { relu } «net» B {}", "E0010", "expected a new line before `net`", ""),
    (
        "net A { f as a«,» b }",
        "E0010",
        "several names after `as` need parentheses",
        "write `as (a, b)`",
    ),
    ("net A { x «=» concat { path { } } }", "E0010", "a tensor is named with `as`", ""),
    ("net A { relu; x «=» relu(y) }", "E0010", "a tensor is named with `as`", ""),
    ("net A { y «=» max(2, 3) }", "E0010", "a constant is declared with `let`", ""),
    (
        "train { «loss» mse }",
        "E0010",
        "the loss stands in the net, not in `train`",
        "",
    ),
    ("«//» a comment", "E0010", "a comment begins with `#`", "write `#`"),
    ("net A {\n  «//» here\n}", "E0010", "a comment begins with `#`", "write `#`"),
    ("net A {\n  relu «//» here: 3\n  relu\n}", "E0010", "a comment begins with `#`", "write `#`"),
    ("net A { x «=» 3 }", "E0010", "a constant is declared with `let`", "write `let x = …`"),
    (
        "train { epochs «=» 3 }",
        "E0010",
        "a setting has no `=` behind its name",
        "leave out the `=`",
    ),
    ("train { epochs«:» 3 }", "E0010", "a setting has no `:` behind its name", "leave out the `:`"),
    ("net A { if a «=» b {} }", "E0010", "expected a comparison, found `=`", "write `==`"),
    (
        "net A { s: «path» {} }",
        "E0010",
        "a label stands before a layer, `repeat` or `for`, not before `path`",
        "",
    ),
    (
        "net A { s: «if» a {} }",
        "E0010",
        "a label stands before a layer, `repeat` or `for`, not before `if`",
        "",
    ),
    (
        "net A { «path» {} }",
        "E0010",
        "`path` stands only in the braces of a join, such as `concat { … }`",
        "",
    ),
    ("net A { concat { «relu» } }", "E0010", "expected `path` or `}`, found `relu`", ""),
    ("net A { relu; «else» {} }", "E0010", "`else` without an `if` before it", ""),
    (
        "net A { relu\n «as» x }",
        "E0010",
        "`as` stands on the line of the layer whose result it names",
        "",
    ),
    (
        "net A { «block» b {} }",
        "E0010",
        "`block` stands at the top of a file, not inside braces",
        "",
    ),
    (
        "net A { f(x«.»channels) }",
        "E0010",
        "only `in` has parts behind a `.`, such as `in.channels`",
        "",
    ),
    (
        "net A { input a«:»\n relu }",
        "E0010",
        "expected a type such as `real[3]` after `:`, found the end of the line",
        "",
    ),
    ("net A { f(64 «3») }", "E0010", "expected `)` or `,`, found `3`", ""),
    ("net A { f(1 +«)» }", "E0010", "expected a value, found `)`", ""),
    ("net A { repeat «{» relu } }", "E0010", "expected a value, found `{`", ""),
    ("net «{» relu }", "E0010", "expected a name, found `{`", ""),
    ("net A { for x «on» [1] {} }", "E0010", "expected `in`, found `on`", ""),
    ("let x «3»", "E0010", "expected `=`, found `3`", ""),
    ("let x «=»", "E0010", "expected a value, found the end of the file", ""),
    (
        "«foo»",
        "E0010",
        "expected `import`, `let`, `block`, `cell`, `net` or `train`, found `foo`",
        "",
    ),
    ("let x = 1 < 2 «<» 3", "E0011", "comparisons do not chain", "write `(1 < 2 and 2 < 3)`"),
    ("«nett» A { relu }", "E0012", "`nett` does not fit here", "did you mean `net`?"),
    (
        "net A { «repaet» 2 { relu } }",
        "E0012",
        "`repaet` does not fit here",
        "did you mean `repeat`?",
    ),
    ("net A { «outptu» a }", "E0012", "`outptu` does not fit here", "did you mean `output`?"),
    (
        "net A { if a {} «elif» b {} else {} }",
        "E0012",
        "`elif` does not fit here",
        "write `else if`",
    ),
]


@pytest.mark.parametrize(("marked", "code", "message", "help"), MESSAGES)
def test_messages(marked: str, code: str, message: str, help: str) -> None:
    text = marked.replace("«", "").replace("»", "")
    _, found = parsed(text)
    assert [(d.code, d.message) for d in found] == [(code, message)]
    span = found[0].primary.span
    start = marked.index("«")
    assert (span.start, span.end) == (start, marked.index("»") - 1)
    assert not help or found[0].help == help


def applied(diagnostic: Diagnostic, text: str) -> str | None:
    """The text after the help, where it says what to write in the place that is underlined."""
    span, help = diagnostic.primary.span, diagnostic.help
    if "leave out" in help:
        return text[: span.start] + text[span.end :]
    if help == "write a space":
        return text[: span.start] + " " + text[span.end :]
    if "in these letters" in help:
        word = re.compile(r"\w*").match(text, re.search(r"\w*$", text[: span.start]).start())  # type: ignore[union-attr]
        return text[: word.start()] + help.split("`")[1] + text[word.end() :]  # type: ignore[union-attr]
    quoted = re.search(r"`(.*)`", help)
    if quoted is None or "…" in help:
        return None
    new = quoted.group(1)
    for old in (new.replace("(", " ").replace(")", ""), new.replace("(", "").replace(")", "")):
        if len(new) > 2 and old != new and old in text:
            return text.replace(old, new)
    if "and" in new and "<" in new:
        return text.replace("1 < 2 < 3", new)
    return text[: span.start] + new + text[span.end :]


@pytest.mark.parametrize("marked", [m[0] for m in MESSAGES])
def test_helps_help(marked: str) -> None:
    text = marked.replace("«", "").replace("»", "")
    (found,) = parsed(text)[1]
    mended = applied(found, text) if found.help else None
    if mended is not None:
        assert parsed(mended)[1] == []


@pytest.mark.parametrize(
    ("line", "help"),
    [
        ("net A { «x = conv(8, 3)» }", "conv(8, 3) as x"),
        ("net A { «x = conv(8,3) ->  relu» }", "conv(8,3) -> relu as x"),
        ("train { data mnist(«../mnist») }", '"../mnist"'),
        ("train { data npz(«./a/b.npz», test=3) }", '"./a/b.npz"'),
        ("train { data npz(file=«/a») }", '"/a"'),
        ("import «../blocks.net»", '"../blocks.net"'),
    ],
)
def test_helps_for_a_stretch(line: str, help: str) -> None:
    """The help stands for all between « and », of which one word is underlined."""
    before, rest = line.split("«")
    written, after = rest.split("»")
    (found,) = parsed(before + written + after)[1]
    assert (found.code, found.help) == ("E0010", f"write `{help}`")
    assert parsed(before + help + after)[1] == []


def test_the_cause_is_shown() -> None:
    (found,) = parsed("net A {\n repeat 2 {\n  conv(1)\n}\ntrain {}")[1]
    assert found.secondary is not None
    assert found.secondary.span.line == 2
    assert found.secondary.text == "this `{` has no `}`"
    (found,) = parsed("net A { conv(3 -> relu }")[1]
    assert found.secondary is not None and found.secondary.span.column == 13


# ---------------------------------------------------------------- recovery


def test_eight_planted_errors() -> None:
    text = """\
import blocks
net A(classes 10) {
  input image real[3, 8, 8]
  conv(64, 3 -> relu
  conv(64,, 3) -> relu
  relu -> -> dense(10)
  repeat { dense(10) }
  shared = conv(3)
}
let x = 3 +
"""
    _, found = parsed(text)
    assert [d.primary.span.line for d in found] == [1, 2, 3, 4, 5, 6, 7, 8, 10]


def test_errors_in_one_line_and_in_nested_bodies_are_all_found() -> None:
    text = "net A { f(1 2) -> g(3 4); repeat 2 { if a { f(,) } -> h(5 6) } }\nlet = 1"
    assert [d.primary.span.text for d in parsed(text)[1]] == ["2", "4", ",", "6", "="]


def test_what_could_be_read_is_in_the_tree() -> None:
    program, found = parsed("let a = 1\nlet b 2\nnet A { relu; f(1 2) -> tanh }\nfoo\ntrain {}")
    assert len(found) == 3
    assert [type(item).__name__ for item in program.items] == ["Let", "Let", "Net", "Train"]


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_word_left_out_gives_few_errors(text: str) -> None:
    counts = [
        len(parsed(text[: word.start] + text[word.end :])[1])
        for word in words(text)[::7]
        if word.type not in ("COMMENT", "_SEP")
    ]
    assert sum(count > 1 for count in counts) <= 0.05 * len(counts)


@settings(max_examples=40, deadline=None)
@given(mutated_specs())
def test_mutated_specs_end_with_diagnostics(text: str) -> None:
    for found in parsed(text)[1]:
        span = found.primary.span
        assert 0 <= span.start <= span.end <= len(text)
        assert found.code.startswith("E0")
        assert "Token" not in found.message


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200) | st.text('{}()[]\n;->=,:."#ab1 ', max_size=200))
def test_any_text_ends(text: str) -> None:
    parsed(text)


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let x = " + "(" * 65 + "1" + ")" * 65, "E0602"),
        ("let x = " + "[" * 30_000, "E0602"),
        ("net A " + "{ repeat 2 " * 65, "E0602"),
        ("net A { " + "if a {} else " * 100 + "{} }", "E0602"),
        ("let x = 1" + "+1" * 30_000, "E0603"),
        ("let x = " + "-" * 30_000 + "1", "E0603"),
        ("let x = " + "not " * 101 + "1", "E0603"),
        ("let x = a" + "[0]" * 101, "E0603"),
        ("let x = " + "(1+1+1)+" * 50 + "1", "E0603"),
        ("x " * 151_000, "E0601"),
        ("x" * 10_000_000, "E0601"),
        ("\0" * 100, "E0605"),
        ("let 1\n" * 100, "E0605"),
    ],
)
def test_limits(text: str, code: str) -> None:
    start = time.process_time()
    assert code in {d.code for d in parsed(text)[1]}
    assert time.process_time() - start < 4


def test_within_the_limits() -> None:
    tree("let x = " + "(" * 64 + "1" + ")" * 64)
    tree("let x = 1" + "+1" * 100)
    tree("let x = [" + "1+1, " * 1000 + "]")
    tree("net A { " + "if a {} else " * 60 + "{} }")
    tree("net A { " + "relu -> " * 10_000 + "relu }")


def test_parsing_is_linear() -> None:
    def seconds_a_line(lines: int) -> float:
        text = "net A {\n" + "  conv(64, 3, pad=1) -> relu\n" * lines + "}\n"
        start = time.process_time()
        tree(text)
        return (time.process_time() - start) / lines

    small = min(seconds_a_line(200) for _ in range(3))
    large = min(seconds_a_line(1600) for _ in range(2))
    assert large < 2 * small


# ---------------------------------------------------------------- files


def code_of_reading(path: Path) -> str:
    with pytest.raises(CompileError) as caught:
        read(path)
    (found,) = caught.value.diagnostics
    assert "\n" not in found.message
    return found.code


def test_reading(tmp_path: Path) -> None:
    file = tmp_path / "a.net"
    file.write_bytes(b"\xef\xbb\xbf# \xc3\xa9\r\nlet x = 1\r\n")
    source = read(file, "a.net")
    assert (source.name, source.text, source.path) == ("a.net", "# é\nlet x = 1\n", file)
    assert parse(source, Diagnostics()).items


def test_names_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    file = tmp_path / "specs" / "a.net"
    file.write_text("")
    monkeypatch.chdir(tmp_path)
    assert read(file).name == "specs/a.net"
    monkeypatch.chdir(tmp_path / "specs")
    assert read(file).name == "a.net"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.net"
    assert code_of_reading(file) == "E0001"
    assert code_of_reading(tmp_path) == "E0001"
    assert code_of_reading(Path("/dev/null")) == "E0001"
    assert code_of_reading(Path("a\0b")) == "E0001"
    file.write_bytes(b"let x = \xff")
    assert code_of_reading(file) == "E0002"
    file.write_bytes(b"x" * 1_000_001)
    assert code_of_reading(file) == "E0601"


def test_a_file_is_named_with_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "house.net").write_text("let x = 1")
    for name, help in (("house", "house.net`?"), ("hous", ""), ("house.net/x", "")):
        with pytest.raises(CompileError) as caught:
            read(tmp_path / name)
        assert caught.value.diagnostics[0].help.endswith(help)
        assert bool(caught.value.diagnostics[0].help) is bool(help)


def test_an_import_is_blamed(tmp_path: Path) -> None:
    program = tree('import "b.net"')
    with pytest.raises(CompileError) as caught:
        read(tmp_path / "b.net", "b.net", program.items[0].span)
    assert caught.value.diagnostics[0].primary.span.text == 'import "b.net"'


# ---------------------------------------------------------------- table


def test_the_shipped_table_is_that_of_the_grammar() -> None:
    shipped = resource("grammar", "specc.table.json").read_text(encoding="utf-8")
    assert shipped == build_table(), "run: python -m specc.parsing.table"


def test_the_version_needs_no_lark() -> None:
    code = "import sys, specc.cli; sys.modules['lark'] = None; specc.cli.main(['--version'])"
    subprocess.run([sys.executable, "-c", code], check=True)


class NestedWords(Lexer):
    """Gives Lark the words that the parser sees."""

    def __init__(self, _: Any) -> None:
        pass

    def lex(self, data: str) -> Iterator[lark.Token]:  # type: ignore[override]
        reporter = Reporter(Source("x.net", data), Diagnostics())
        for word in nest(scan(reporter), reporter)[:-1]:
            yield lark.Token(word.type, word.text)


@pytest.fixture(scope="module")
def lark_parser() -> lark.Lark:
    grammar = resource("grammar", "specc.lark").read_text(encoding="utf-8")
    return lark.Lark(grammar, start="program", parser="lalr", lexer=NestedWords)


@pytest.mark.parametrize("text", EXAMPLES)
def test_lark_agrees(text: str, lark_parser: lark.Lark) -> None:
    for word in words(text)[::15]:
        broken = text[: word.start] + text[word.end :]
        codes = {d.code for d in parsed(broken)[1]}
        if codes <= {"E0008", "E0009", "E0010", "E0012"}:
            try:
                lark_parser.parse(broken)
            except lark.UnexpectedInput:
                assert codes
            else:
                assert not codes
