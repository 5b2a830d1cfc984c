"""Recurrent layers in PyTorch: what the NumPy file computes, by autograd and by passes written out.

With equal weights, from one file, and equal dropout masks; the forms in turn: layers, directions,
where these are joined, states that are given, named and carried on, padded sequences.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from compiled import Compiled, compile_text
from pytorch_files import FORMS, check_same, pytorch_code, pytorch_net
from recurrent_forms import STATES, VARIANTS, Form
from style import check_style

STACKS: tuple[dict[str, Any], ...] = (
    {},
    {"layers": 2},
    {"bidirectional": True},
    {"bidirectional": True, "join": "top"},
    {"layers": 3, "bidirectional": True},
    {"layers": 2, "bidirectional": True, "join": "top"},
    {"layers": 3, "dropout": 0.4},
    {"layers": 2, "bidirectional": True, "dropout": 0.4},
    {"layers": 3, "bidirectional": True, "join": "top", "dropout": 0.4},
)
FEW = (STACKS[0], *STACKS[-2:])
CASES = [
    Form(kind, 4, units=3, variant=variant, **stack)
    for kind in STATES
    for variant in VARIANTS[kind]
    for stack in (FEW if variant else STACKS)
]
CASES += [Form(kind, 1, 1, 1, 3, bidirectional=True, join="top") for kind in STATES]


@contextmanager
def same_masks() -> Iterator[None]:
    """Let PyTorch draw what `freeze_masks` lets NumPy draw."""
    rng = np.random.default_rng(7)

    def dropout(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
        if not training or p == 0:
            return x
        kept = rng.random(tuple(x.shape), dtype=np.float32) >= p
        return x * torch.tensor(kept) / (1 - p)

    with patch.object(torch.nn.functional, "dropout", dropout):
        yield


def check(text: str, folder: Path) -> Compiled:
    """Names, outputs, loss and gradients of weights, inputs and states, in all forms."""
    compiled = compile_text(text, input_gradients=True)
    for backward in FORMS:
        code = pytorch_code(text, input_gradients=True, backward=backward)
        with same_masks():
            check_same(compiled, code, compiled.batch(3), folder)
    return compiled


@pytest.mark.parametrize("form", CASES, ids=lambda form: form.call)
def test_sequence(form: Form, tmp_path: Path) -> None:
    check(replace(form, reads="sequence").spec, tmp_path)


@pytest.mark.parametrize("form", CASES, ids=lambda form: form.call)
def test_padded_sequence_between_states_without_bias(form: Form, tmp_path: Path) -> None:
    check(replace(form, bias=False, has_initial=True, is_padded=True).spec, tmp_path)


def test_code_is_clean(tmp_path: Path) -> None:
    """The files of the longest forms, as ruff sees them."""
    for number, form in enumerate(CASES):
        text = replace(form, bias=False, has_initial=True, is_padded=True).spec
        codes = {backward: pytorch_code(text, backward=backward) for backward in FORMS}
        for name, code in {"numpy": compile_text(text).text, **codes}.items():
            (tmp_path / f"form{number}_{name}.py").write_text(code)
    check_style(tmp_path)


@pytest.mark.parametrize("op", STATES)
def test_last_state_alone(op: str, tmp_path: Path) -> None:
    """Nothing is asked of the sequence; of an LSTM's states, only of one."""
    names = "(_, h, _)" if op == "lstm" else "(_, h)"
    flow = f"{op}(3, layers=2) as {names}\nfrom h -> loss mse\noutput h"
    check(f"net N {{\ninput x: real[4, 2]\ntarget t: real[2, 3]\n{flow}\n}}", tmp_path)


@pytest.mark.parametrize("op", STATES)
def test_shared_and_in_loops(op: str, tmp_path: Path) -> None:
    """Several calls a step add up; a loop's rounds have weights of their own."""
    names = "(p, _, _)" if op == "lstm" else "(p, _)"
    text = f"""
block part(units) {{ {op}(units, layers=2) -> tanh }}
net N {{
  input x: real[T, 3], z: real[T, 3]
  target t: real[T, 3]
  shared both = {op}(3)
  from x -> both -> repeat 2 {{ {op}(3) }} as a
  from z -> both as {names}
  from p -> part(3) as b
  from a, b -> add -> repeat 2 {{ part(3) -> {op}(3, bias=false) }}
  loss mse
}}
"""
    compiled = compile_text(text, input_gradients=True, sizes={"T": 4})
    for backward in FORMS:
        code = pytorch_code(text, input_gradients=True, backward=backward)
        check_same(compiled, code, compiled.batch(3), tmp_path)


RATES = {
    "block": """
block part(rate) {{ {op}(3, layers=2, dropout=rate) }}
net N {{ input x: real[4, 2]; target t: real[4, 3]; part({0}) -> part({1}); loss mse }}
""",
    "loop": """
net N {{
  input x: real[4, 3]
  target t: real[4, 3]
  for rate in [{0}, {1}] {{ {op}(3, layers=2, dropout=rate) }}
  loss mse
}}
""",
    "loop of blocks": """
block part(rate) {{ {op}(3, layers=2, dropout=rate) as {names}; from p -> tanh }}
net N {{
  input x: real[4, 3]
  target t: real[4, 3]
  for rate in [{0}, {1}] {{ part(rate) }}
  loss mse
}}
""",
}


@pytest.mark.parametrize("rates", [(0.0, 0.5), (0.5, 0.0), (0, 0.5)])
@pytest.mark.parametrize("form", RATES)
@pytest.mark.parametrize("op", STATES)
def test_one_class_with_and_without_dropout(
    op: str, form: str, rates: tuple[float, float], tmp_path: Path
) -> None:
    """What one of the layers of a class needs, the class has."""
    names = "(p, _, _)" if op == "lstm" else "(p, _)"
    check(RATES[form].format(*rates, op=op, names=names), tmp_path)


@pytest.mark.parametrize("stack", ["", "bidirectional=true", "bidirectional=true, join=top"])
@pytest.mark.parametrize("rate", ["", "dropout=0.3"])
@pytest.mark.parametrize("op", STATES)
def test_a_shared_layer_beside_one_with_dropout(
    op: str, rate: str, stack: str, tmp_path: Path
) -> None:
    """Its two calls, of other lengths, each have what they need on the way back."""
    stacked = ", ".join(["1", "layers=2", *filter(None, [stack])])
    shared = ", ".join(filter(None, [stacked, rate]))
    text = f"""
net N {{
  input x: real[3, 2], z: real[4, 2]
  target y: real[{6 if stack else 3}]
  shared f = {op}({shared})
  from x -> f -> last as a
  from z -> f -> last as b
  from x -> {op}({stacked}, dropout=0.3) -> last as c
  from a, b, c -> concat
  loss mse
}}
"""
    check(text, tmp_path)


@pytest.mark.parametrize("op", STATES)
def test_no_dropout_where_no_rate_asks_for_it(op: str) -> None:
    text = RATES["block"].format(0, 0, op=op)
    assert f"nn.{op.upper()}(in_features, 3, num_layers=2, batch_first=True)" in pytorch_code(text)
    for rate, is_there in ((0, False), (0.5, True)):
        code = compile_text(RATES["block"].format(0, rate, op=op)).text
        assert ("class Dropout" in code, "dropout=" in code) == (is_there, is_there)


SEQUENCES = {
    "a view of the last step does not share memory with what is kept": """
  input x: real[4, 3] PADDED
  target t: real[3]
  dense(3) -> tanh as h -> last -> relu as a
  from h -> reverse -> tanh -> last as b
  from a, b -> add -> sigmoid
""",
    "one table of vectors, read twice": """
  input x: token[4] of 6 PADDED, z: token[4] of 6 PADDED
  target t: real[3]
  shared table = embedding(6, 3)
  shared plain = one_hot(6)
  from x -> table as a
  from z -> table -> relu as b
  from x -> plain -> dense(3) as c
  from z -> plain -> dense(3) -> reverse as d
  from a, c -> add -> global_avgpool as e
  from b, d -> add -> last as f
  from e, f -> add
""",
    "vectors that are not learned": """
  input x: token[4] of 6 PADDED
  target t: real[2]
  shared table = embedding(6, 3, frozen=true)
  table -> global_maxpool -> dense(2) as a
  from x -> table -> tanh -> global_avgpool -> dense(2) as b
  from a, b -> add
""",
    "pools over time, called several times": """
  input x: real[4, 3] PADDED, z: real[4, 3] PADDED
  target t: real[3]
  shared most = global_maxpool
  shared mean = global_avgpool
  shared final = last
  shared back = reverse
  dense(3) -> relu -> back -> most as a
  from z -> dense(3) -> most as b
  from x -> dense(3) -> mean as c
  from z -> dense(3) -> mean as d
  from x -> dense(3) -> back -> final as e
  from z -> dense(3) -> final as f
  from a, b, c, d, e, f -> add
""",
}


@pytest.mark.parametrize("padded", ["", "padded"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_layers_of_sequences(name: str, padded: str, tmp_path: Path) -> None:
    check(f"net N {{{SEQUENCES[name].replace('PADDED', padded)}  loss mse\n}}", tmp_path)


@pytest.mark.parametrize("op", STATES)
def test_usual_layers_are_pytorchs_own(op: str) -> None:
    """A file has classes of its own only for what PyTorch lacks."""
    form = Form(op, layers=3, bidirectional=True, reads="sequence")
    code = pytorch_code(form.spec)
    name = op.upper()
    assert f"nn.{name}(2, 2, num_layers=3, bidirectional=True, batch_first=True)" in code
    assert f"sequence, _ = self.{op}1(x)" in code
    assert f"class {name}" not in code
    assert f"class {name}(nn.{name})" in pytorch_code(replace(form, reads="both").spec)


# ---------------------------------------------------------------- what is given


WORDS = """
net N {
  input words: token[T] of 5 padded
  target mood: label of 2
  embedding(5, 3) -> last -> dense(2)
  loss cross_entropy
}
"""


@pytest.mark.parametrize("target", ["numpy", *FORMS])
@pytest.mark.parametrize(
    ("words", "lengths", "said"),
    [
        ([[0, 5]], [1], "`words` (test.net:3) needs whole numbers from 0 to 4, gets 0 to 5"),
        ([[0, -1]], [1], "`words` (test.net:3) needs whole numbers from 0 to 4, gets -1 to 0"),
        (
            [[0, 4]],
            [3],
            "`words_lengths` (test.net:3) needs whole numbers from 1 to 2, gets 3 to 3",
        ),
        (
            [[0, 4]],
            [0],
            "`words_lengths` (test.net:3) needs whole numbers from 1 to 2, gets 0 to 0",
        ),
        ([[0, 4]], [1, 2], "`words_lengths` (test.net:3) needs [1], gets [2]"),
    ],
)
def test_tokens_and_lengths_out_of_range(
    target: str, words: list[list[int]], lengths: list[int], said: str
) -> None:
    given: list[Any] = [np.array(words), np.array(lengths)]
    if target == "numpy":
        net = compile_text(WORDS).net
    else:
        net = pytorch_net(pytorch_code(WORDS, backward=target))
        given = [torch.tensor(array) for array in given]
    with pytest.raises(ValueError) as error:
        net.forward(*given)
    assert str(error.value) == said
