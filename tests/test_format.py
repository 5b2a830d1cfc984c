"""The formatter: canonical, idempotent, and no change of meaning."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest
from hypothesis import given, settings
from syntax_examples import EVERYTHING, EXAMPLES, LENET, mutated_specs, parsed, without_spans, words

from specc.diagnostics import CompileError
from specc.format import WIDTH, format_text
from specc.resources import resource
from specc.source import Source

SPECS = sorted(resource("specs").glob("*.net"))


def formatted(text: str) -> str:
    return format_text(Source("x.net", text))


def comments(text: str) -> list[str]:
    return [word.text.rstrip() for word in words(text) if word.type == "COMMENT"]


def assert_faithful(text: str) -> None:
    result = formatted(text)
    assert without_spans(parsed(result)[0]) == without_spans(parsed(text)[0])
    assert comments(result) == comments(text)
    assert formatted(result) == result


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_keep_meaning_and_comments(text: str) -> None:
    assert_faithful(text)


@settings(max_examples=30, deadline=None)
@given(mutated_specs())
def test_whatever_can_be_formatted_keeps_meaning_and_comments(text: str) -> None:
    try:
        formatted(text)
    except CompileError as error:
        assert error.diagnostics
    else:
        assert_faithful(text)


def test_flows_are_not_aligned() -> None:
    squeezed = re.sub(r"(?<=\))  +->", " ->", LENET)
    assert squeezed != LENET
    assert formatted(LENET) == squeezed


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_shipped_specs_are_canonical(path: Path) -> None:
    text = path.read_text("utf-8")
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("epochs   5\nclip -3\nlr [1]", "epochs 5\nclip   -3\nlr     [1]"),
        ("a 1; bcd 2, 3\ne x=1", "a   1\nbcd 2, 3\ne   x=1"),
        ("data 1 # c\n\n# own\nlr 2\nseed 3 #d", "data 1  # c\n\n# own\nlr   2\nseed 3  #d"),
        ("lr 1\nno_value_follows # c\nseed 3", "lr   1\nno_value_follows  # c\nseed 3"),
        ("data csv(\n'a',\n)\nlr 1", "data csv(\n  'a',\n)\nlr   1"),
        ("x csv(1,\n2)\nlonger 1", "x      csv(1,\n  2)\nlonger 1"),
    ],
)
def test_values_of_settings_begin_in_one_column(lines: str, expected: str) -> None:
    assert_body("train {", lines.replace("'", '"'), expected.replace("'", '"'))


def test_each_train_section_has_its_own_column() -> None:
    text = "train a {\n  lr 1\n}\ntrain b {\n  lr   1\n  seed 2\n}\ntrain c { lr 1; seed 2 }\n"
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            "input chars:token[T] of vocab\ntarget next:label[T] of vocab",
            "input  chars: token[T] of vocab\ntarget next:  label[T] of vocab",
        ),
        ("input   x:  real[2]\ninput yz: real", "input x:  real[2]\ninput yz: real"),
        (
            "input x: a # c\ntarget yz: b[1, n(2, 3)]; input w: c",
            "input  x:  a  # c\ntarget yz: b[1, n(2, 3)]\ninput  w:  c",
        ),
        ("input  x: a\n\ntarget yz: b", "input x: a\n\ntarget yz: b"),
        ("input  x: a\n# own\ntarget yz: b", "input x: a\n# own\ntarget yz: b"),
        ("input  x: a\nrelu\ntarget yz: b", "input x: a\nrelu\ntarget yz: b"),
        (
            "input  u: a, v: b\ntarget y: c\ninput xyz: d\ninput  p, q",
            "input u: a, v: b\ntarget y:   c\ninput  xyz: d\ninput p, q",
        ),
        (
            "input untyped\ntarget y: c\ninput ab: d",
            "input  untyped\ntarget y:  c\ninput  ab: d",
        ),
        (
            "input x: real[3,\n4]\ntarget ab: d",
            "input  x:  real[3,\n  4]\ntarget ab: d",
        ),
    ],
)
def test_declarations_in_a_run_begin_in_one_column(lines: str, expected: str) -> None:
    assert_body("net A {", lines, expected)


def assert_body(opening: str, lines: str, expected: str) -> None:
    """That lines of a body become the expected ones."""
    text = f"{opening}\n{lines}\n}}\n"
    assert formatted(text) == f"{opening}\n{indent(expected, '  ')}\n}}\n"
    assert_faithful(text)


def test_a_body_on_one_line_is_not_aligned() -> None:
    text = "net A { input x: real; target yz: real; relu }\ntrain { lr 1; seed 2 }\n"
    assert formatted(text) == text


def test_a_body_that_had_to_break_is_aligned() -> None:
    name = "x" * WIDTH
    text = f"net A {{ input x: a; target yz: b; {name} }}\ntrain {{ lr 1; seed {name} }}\n"
    assert formatted(text) == (
        f"net A {{\n  input  x:  a\n  target yz: b\n  {name}\n}}\n"
        f"train {{\n  lr   1\n  seed {name}\n}}\n"
    )
    assert_faithful(text)


def test_everything() -> None:
    assert (
        formatted(EVERYTHING)
        == """\
# head

# two
import "a.net"  # c
let x = 1
let y = -2 ** -3 + (4) // 1 % 5 * "é\\n\\""

cell step(units = 4) {
  input x, skip
  state h: [units], c: [2 * units]
  state cell_: [1]
  from x, h -> concat -> dense(units) -> tanh as state h
  sigmoid as state c
}

net A(a = 1, b = [1, 2]) {  # open
  input image: real[3, 16 * H], words: token[T] of vocab padded  # tr
  # own

  conv(64, 3, pad=1) -> relu  # first
    # between
    -> maxpool(2)
  flatten  # after semicolon
  conv(  # a
    64,
    3,  # b
    pad=[1,
      2],
  ) -> relu
  if a == 1 and not (b) { relu }
  # before else
  else if in.height <= 3 { tanh } else { sigmoid }
  stem: repeat 2 { conv(1) -> relu; tanh } -> relu as (a, b)
  concat(axis=1) { path { conv(1); relu } path {} path { relu } }
  concat {
    path { conv(1000000, 3, pad=1) -> relu -> relu }
    path { conv(100000, 3, pad=1) }
  }
  from tap[i], state, in -> add ->
    # why
    repeat 3 {
      relu
    } as q
    -> lstm(1, initial=state) as tap[i + 1]
  shared enc = stack(64)
  shared run = scan step(8)
  run: scan step(8, h=state) as (sequence, state, _)
  let z = range(1, step=2)[0]
  output a, tap[1]
  loss mse(target=x, mask=m)
  # last
}
train a for A {
  optimizer adam(lr=0.1)
  clip      -3
  betas     [1]
  epochs    5  # five
  split     validation=0.1, b=none
}
train {}
# end
"""
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n\n", ""),
        ("# only", "# only\n"),
        ("# a\n\n\n\n# b   \n\n", "# a\n\n# b\n"),
        ("let a=1\n\n\nlet b=2\nlet c=3\n\n", "let a = 1\n\nlet b = 2\nlet c = 3\n"),
        ("let a = [ 1 , 2 , ]", "let a = [1, 2]\n"),
        ("let a = [\n1,\n2,\n]", "let a = [\n  1,\n  2,\n]\n"),
        ("let a=- 1 - -1*+2**-2", "let a = -1 - -1 * +2 ** -2\n"),
        ("let a = not(x)==(y)", "let a = not (x) == (y)\n"),
        ("let a = in . shape [0]", "let a = in.shape[0]\n"),
        ("net A{}", "net A {}\n"),
        (
            "cell a{\ninput x\nstate hidden:[1]\nstate c:[2]\nrelu}",
            "cell a {\n  input x\n  state hidden: [1]\n  state c:      [2]\n  relu\n}\n",
        ),
        ("net A{\n\n}", "net A {}\n"),
        ("net A{# c\n}", "net A {  # c\n}\n"),
        ("net A # c\n{ relu }", "net A  # c\n{ relu }\n"),
        ("net A\n{ relu;tanh; }", "net A { relu; tanh }\n"),
        ("net A { relu\n tanh }", "net A {\n  relu\n  tanh\n}\n"),
        ("net A { relu->\n\n tanh\n}", "net A {\n  relu ->\n    tanh\n}\n"),
        ("net A {\nrelu\n\n->tanh\n}", "net A {\n  relu\n    -> tanh\n}\n"),
        ("net A {\nif a{relu}\nelse{tanh}\n}", "net A {\n  if a { relu } else { tanh }\n}\n"),
        (
            "net A {\nconcat{path{a\nb}path{}}->c\n}",
            "net A {\n  concat {\n    path {\n      a\n      b\n    }\n    path {}\n  } -> c\n}\n",
        ),
    ],
)
def test_canonical_form(text: str, expected: str) -> None:
    assert formatted(text) == expected
    assert formatted(expected) == expected


@pytest.mark.parametrize("extra", [0, 1])
def test_a_body_stays_on_its_line_while_it_fits(extra: int) -> None:
    start = "block b { relu -> "
    name = "x" * (WIDTH - len(start) - len(" }") + extra)
    text = f"{start}{name} }}\n"
    broken = f"block b {{\n  relu -> {name}\n}}\n"
    assert formatted(text) == (broken if extra else text)


def test_a_comment_does_not_break_a_body() -> None:
    text = f"block b {{ relu }}  # {'x' * WIDTH}\n"
    assert formatted(text) == text


def test_deep_and_long_texts() -> None:
    deep = "block b { " + "repeat 2 { " * 50 + "relu" + " }" * 51
    assert_faithful(deep)
    mixed = "block b {" + "if a { x } else {\n" * 40 + "relu" + "}" * 41
    assert_faithful(mixed)


def test_syntax_errors_are_raised() -> None:
    with pytest.raises(CompileError) as caught:
        formatted("net A { conv(3 }\nlet x 2\n")
    assert [d.code for d in caught.value.diagnostics] == ["E0007", "E0010"]


def test_windows_line_ends() -> None:
    assert formatted("let a = 1 # c\r\nlet b = 2\r\n") == "let a = 1  # c\nlet b = 2\n"
