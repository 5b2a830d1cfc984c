"""The parser: trees, spans, messages, recovery, limits, and the shipped table."""

from __future__ import annotations

import time
from typing import Any

import pytest
from syntax_examples import EXAMPLES, LENET, nodes, parsed

from specc import syntax


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
