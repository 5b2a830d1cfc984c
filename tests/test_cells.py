"""Cells: a step of a recurrence in the language, run along sequences with its derived gradients.

The oracles are PyTorch's own recurrent layers, recurrences written out in PyTorch, and finite
differences; every way to call a cell is tried on all targets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cell_nets import (
    HEAD,
    PADDED,
    PAIR,
    SIZES,
    STEP,
    STILL,
    WAYS,
    WAYS_OF_BEFORE,
    batch_of,
    compiled_way,
)
from compiled import check_differences, compile_text, worst
from pytorch_files import FORMS, check_same, pytorch_code
from style import check_style

# ---------------------------------------------------------------- all ways to call a cell


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("n", "steps"), [(3, 4), (1, 1), (2, 2)])
def test_gradients_are_those_of_finite_differences(way: str, n: int, steps: int) -> None:
    compiled = compiled_way(WAYS[way], {"T": steps, "S": 3})
    batch = compiled.batch(n)
    check_differences(compiled, batch)


@pytest.mark.parametrize("way", PADDED)
def test_gradients_of_padded_sequences(way: str) -> None:
    """Those of finite differences, and exactly zero where there is only padding."""
    compiled = compiled_way(PADDED[way])
    batch = batch_of(compiled)
    check_differences(compiled, batch)
    found = compiled.gradients(batch)
    for row, length in enumerate(batch["x_lengths"]):
        assert not found["x"][row, length:].any()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [*WAYS.values(), *PADDED.values()], ids=[*WAYS, *PADDED])
def test_targets_agree(text: str, form: str, tmp_path: Path) -> None:
    compiled = compiled_way(text)
    code = pytorch_code(text, backward=form, input_gradients=True)
    check_same(compiled, code, batch_of(compiled), tmp_path)


@pytest.mark.parametrize("way", STILL)
def test_what_needs_no_gradient(way: str, tmp_path: Path) -> None:
    """Has no backward pass, and the code runs, on all targets."""
    compiled = compile_text(STILL[way], sizes=SIZES)
    batch = batch_of(compiled)
    check_differences(compiled, batch)
    for form in FORMS:
        check_same(compiled, pytorch_code(STILL[way], backward=form), batch, tmp_path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(
    "way", ["a state without effect", "an effect on the next step", *WAYS_OF_BEFORE]
)
def test_gradients_are_zero_where_there_is_no_effect(
    way: str, steps: int, form: str, tmp_path: Path
) -> None:
    compiled = compiled_way(WAYS[way], {"T": steps})
    batch = compiled.batch(2)
    idle = [name for name, gradient in compiled.gradients(batch).items() if not gradient.any()]
    assert bool(idle) == (way == "a state without effect" or steps == 1)
    check_same(
        compiled, pytorch_code(WAYS[way], backward=form, input_gradients=True), batch, tmp_path
    )


def test_padding_does_not_count() -> None:
    """A padded sequence alone, cut to its own length, has the same states and outputs."""
    text = f"{PAIR}{HEAD}  scan pair(units) as (s, h, c)\n  loss mse\n  output s, h, c\n}}"
    whole = compile_text(text, sizes=SIZES)
    padded = compile_text(text.replace("[T, 3]", "[T, 3] padded"), sizes=SIZES)
    batch = batch_of(padded)
    sequence, hidden, cell = padded.net.forward(batch["x"], batch["x_lengths"])
    for row, length in enumerate(batch["x_lengths"]):
        wanted = whole.net.forward(batch["x"][row : row + 1, :length])
        np.testing.assert_allclose(sequence[row : row + 1, :length], wanted[0], atol=1e-12)
        np.testing.assert_allclose(hidden[row], wanted[1][0], atol=1e-12)
        np.testing.assert_allclose(cell[row], wanted[2][0], atol=1e-12)
        assert not sequence[row, length:].any()


def test_dropout_draws_a_mask_a_step() -> None:
    """And the backward pass uses the same masks."""
    text = f"{STEP}{HEAD}  scan step(units)\n  loss mse\n}}".replace("-> tanh", "-> dropout(0.5)")
    compiled = compiled_way(text, {"T": 6})
    batch = compiled.batch(2)
    check_differences(compiled, batch)
    compiled.loss(batch)
    scan = compiled.net.run(batch["x"], training=True)
    zeros = [frozenset(zip(*np.nonzero(scan[:, t] == 0), strict=True)) for t in range(6)]
    assert len(set(zeros)) > 1


def test_a_step_keeps_nothing_in_evaluation() -> None:
    compiled = compiled_way(PADDED["states"])
    batch = batch_of(compiled)
    compiled.loss(batch)
    assert keepers(compiled.net)
    compiled.net.backward()
    compiled.net.forward(*(batch[t.name] for t in compiled.shaped.inputs.values()))
    assert not keepers(compiled.net)


def keepers(net: Any) -> list[str]:
    """The parts that hold what a step of a cell kept."""
    return [name for name, part in net.parts() if getattr(part, "calls", None)]


def test_steps_may_be_more_or_fewer_from_batch_to_batch() -> None:
    compiled = compiled_way(WAYS["both"])
    for steps, n in ((5, 2), (1, 4), (7, 1)):
        sized = compiled_way(WAYS["both"], {"T": steps})
        batch = sized.batch(n)
        assert worst(compiled.gradients(batch), sized.gradients(batch)) < 1e-12


def test_code_is_clean(tmp_path: Path) -> None:
    """All files of all ways, as ruff sees them."""
    for number, text in enumerate([*WAYS.values(), *PADDED.values(), *STILL.values()]):
        (tmp_path / f"way{number}_numpy.py").write_text(compile_text(text).text)
        for form in FORMS:
            code = pytorch_code(text, backward=form)
            (tmp_path / f"way{number}_{form}.py").write_text(code)
    check_style(tmp_path)


def test_parameters_are_named_by_scan_or_label() -> None:
    names = set(compiled_way(WAYS["encoder and decoder"]).net.parameters())
    assert {"encoder.dense1.weight", "decoder.dense2.bias"} < names
    names = set(compiled_way(WAYS["two layers"]).net.parameters())
    assert names == {f"scan{i}.dense1.{p}" for i in (1, 2) for p in ("weight", "bias")}
