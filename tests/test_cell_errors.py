"""What cells may not say, and how they may not be called."""

from __future__ import annotations

from typing import Any

import pytest
from cell_nets import STEP
from diagnosed import diagnosed


def codes(text: str) -> list[str]:
    """The codes of all errors and warnings."""
    return [found.code for found in diagnosed(text)]


REFUSED: list[tuple[str, Any]] = [
    ("state h: [2]\n tanh as state h\n from x, h -> concat -> dense(2) as state h", ["E0324"]),
    ("state h: [3]\n from x, h -> add as state h\n tanh as state h", ["E0412"]),
    ("state h: [3]\n from x, h -> add", ["E0412"]),
    ("state h: [3]\n from x, h -> add as state g", ["E0101"]),
    ("state h: [3]\n from x -> tanh as state h", ["W0102"]),
    ("state h: [3]\n from x, h -> add as state h\n repeat 2 { tanh as state h }", ["E0117"]),
    ("state h: [3, 1]\n from x, h -> add as state h", ["E0212"]),
    ("state h: [0]\n from x, h -> add as state h", ["E0205"]),
    ("state h: [3.0]\n from x, h -> add as state h", ["E0205"]),
    ("state x: [3]\n tanh as state x", ["E0102"]),
    ("tanh", ["E0123"]),
    ("state h: [3]\n from x, h -> add as state h\n reshape([1, 3])", ["E0304"]),
    ("state h: [3]\n from x, h -> add as state h\n loss mse", ["E0117"]),
]


@pytest.mark.parametrize(("body", "wanted"), REFUSED)
def test_what_a_cell_may_not_say(body: str, wanted: list[str]) -> None:
    net = "net N {\n input x: real[T, 3]\n scan bad\n}"
    assert codes(f"cell bad {{\n input x\n {body}\n}}\n{net}") == wanted


@pytest.mark.parametrize("layer", ["last", "gru(3)", "conv(2, 3)"])
def test_a_step_has_no_time(layer: str) -> None:
    """To reshape features into a sequence would be no help."""
    text = f"{STEP}net N {{ input x: real[T, 3]; scan step(3) }}"
    (found,) = diagnosed(text.replace("dense(units)", f"{layer} -> dense(units)"))
    assert (found.code, found.help) == ("E0307", "")
    assert found.note == "a tensor in one step of a cell has features, no time"


@pytest.mark.parametrize(
    ("flow", "wanted"),
    [
        ("from x -> step(3)", ["E0122"]),
        ("from x -> scan dense(3)", ["E0122"]),
        ("from x -> scan part", ["E0122"]),
        ("from x -> scan stepp(3)", ["E0101"]),
        ("shared s = scan step(3); from x -> scan s", ["E0122"]),
        ("shared s = scan step(3, h=k); from x -> s", ["E0121"]),
        ("from k -> scan step(3)", ["E0307"]),
        ("from k -> dense(2) as h0; from x -> scan step(3, h=h0)", ["E0322"]),
        ("from x -> scan step(3, h=1)", ["E0207"]),
        ("repeat 1 { tanh as t[0] }; from x -> scan step(3, h=t[0][1])", ["E0207"]),
        ("repeat 1 { tanh as t[0] }; from x -> scan step(3, h=t)", ["E0109"]),
        ("repeat 1 { tanh as t[0] }; from x -> scan step(3, h=t[1])", ["E0210"]),
        ("from x -> scan step(3, h=k[0])", ["E0109"]),
        ("target y: real[3]; from x -> scan step(3, h=y); loss mse", ["E0109"]),
        ("from x -> scan step(3, g=k)", ["E0201"]),
        ("from x, x -> scan step(3)", ["E0303"]),
        ("from x, z -> scan two", ["E0309"]),
        ("from x -> scan two", ["E0303"]),
        ("from x -> scan step(3) as (a, b, c)", ["E0304"]),
    ],
)
def test_how_a_cell_may_not_be_called(flow: str, wanted: list[str]) -> None:
    """Nothing but that is wrong with the net; what it leaves unused is no matter here."""
    two = "cell two { input a, b; state s: [3]; from a, b, s -> add as state s }"
    inputs = "input x: real[T, 3], k: real[3], z: real[S, 3]"
    text = f"{STEP}{two}\nblock part {{ tanh }}\nnet N {{\n {inputs}\n {flow}\n}}"
    found = codes(text)
    assert [code for code in found if code not in ("E0405", "W0101", "W0102")] == wanted
