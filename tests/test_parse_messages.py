"""Syntax errors: what is said of them, and what is read in spite of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syntax_examples import EXAMPLES, mutated_specs, parsed, words

from specc.diagnostics import Diagnostic

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
        "",
    ),
    (
        'train { data reviews("a", «padded»=true) }',
        "E0008",
        "`padded` is a keyword and cannot be a name",
        "",
    ),
    (
        "block part(«padded»=1) { relu }",
        "E0008",
        "`padded` is a keyword and cannot be a name",
        "take another name, such as `padded_1`",
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
