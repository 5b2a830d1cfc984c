"""Recurrent layers in NumPy: every form against loops in PyTorch, and against finite differences.

The reference goes through one sequence at a time, by its own steps alone: it knows no padding.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from compiled import check_differences, compile_text, directional_error, freeze_masks, worst
from hypothesis import given, settings
from hypothesis import strategies as st
from recurrent_forms import RESULTS, STATES, VARIANTS, Form, expected, run

# ---------------------------------------------------------------- every form


few = st.integers(1, 3)


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """All of them, small."""
    kind = draw(st.sampled_from(sorted(STATES)))
    bidirectional = draw(st.booleans())
    return Form(
        kind,
        steps=draw(st.integers(1, 5)),
        features=draw(few),
        units=draw(few),
        layers=draw(few),
        bidirectional=bidirectional,
        join=draw(st.sampled_from(["each", "top"])) if bidirectional else "each",
        bias=draw(st.booleans()),
        variant=draw(st.sampled_from(VARIANTS[kind])),
        has_initial=draw(st.booleans()),
        is_padded=draw(st.booleans()),
        reads=draw(st.sampled_from(["both", "sequence", "states"])),
    )


@settings(max_examples=80, deadline=None, derandomize=True)
@given(forms(), few)
def test_gradients_are_those_of_loops_in_pytorch(form: Form, n: int) -> None:
    """Of weights, inputs and initial states; losses of the sequence and of the last states."""
    compiled = compile_text(form.spec, input_gradients=True)
    for size in (n, n + 1, 1):  # arrays are used again
        batch = compiled.batch(size, seed=size)
        loss, wanted = expected(form, compiled, batch)
        assert compiled.loss(batch) == pytest.approx(loss, rel=1e-9)
        found = compiled.gradients(batch)
        assert worst(found, wanted) < 1e-9


EVERYTHING = [
    Form(kind, layers=2, bidirectional=True, join=join, variant=v, has_initial=True, is_padded=True)
    for kind in STATES
    for v in VARIANTS[kind]
    for join in ("each", "top")
]
SMALLEST = [
    Form(kind, 1, 1, 1, 3, bidirectional=True, join=join, has_initial=True, is_padded=True)
    for kind in STATES
    for join in ("each", "top")
]


@pytest.mark.parametrize("form", EVERYTHING + SMALLEST, ids=lambda form: form.call)
def test_gradients_are_finite_differences(form: Form) -> None:
    """Of sequences of all lengths up to that of the batch, or of one, in a batch of one."""
    compiled = compile_text(form.spec, input_gradients=True)
    batch = compiled.batch(form.steps)
    if form.is_padded:
        batch["x_lengths"][:] = range(1, form.steps + 1)
    check_differences(compiled, batch)


@pytest.mark.parametrize("form", [Form(k, layers=2, bidirectional=True) for k in STATES])
def test_reference_is_pytorchs_module(form: Form) -> None:
    """The loops above are right."""
    module = getattr(torch.nn, form.kind.upper())(2, 2, 2, bidirectional=True, batch_first=True)
    module.double()
    x = torch.randn(1, 3, 2, dtype=torch.float64)
    y, ends = module(x)
    begin = torch.zeros(len(STATES[form.kind]), form.rows, 2, dtype=torch.float64)
    found, last = run(form, dict(module.named_parameters()), x[0], begin)
    states = torch.stack(ends if isinstance(ends, tuple) else (ends,))
    assert torch.allclose(found, y[0], rtol=1e-12, atol=1e-14)
    assert torch.allclose(last, states[:, :, 0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", STATES)
def test_padding_has_no_effect(kind: str) -> None:
    """Whatever stands there: outputs are 0, and so are gradients, even of huge numbers."""
    form = Form(kind, steps=5, layers=2, bidirectional=True, is_padded=True)
    compiled = compile_text(form.spec, input_gradients=True)
    batch = compiled.batch(4)
    padding = np.arange(5) >= batch["x_lengths"][:, None]
    assert padding.any()
    wanted = compiled.gradients(batch)
    batch["x"][padding], batch["t"][padding] = 1e30, -7
    found = compiled.gradients(batch)
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    assert not found["x"][padding].any()
    sequence, *_ = compiled.net.forward(batch["x"], batch["x_lengths"])
    assert not sequence[padding].any()


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("reads_states", [False, True])
def test_gradients_of_padded_steps_are_dropped(kind: str, reads_states: bool) -> None:
    """A convolution reads the zeros behind a sequence, and hands back gradients there."""
    states = [RESULTS[state] for state in STATES[kind]] if reads_states else []
    more = [f"from {s} -> reshape([3]) as {s}_features\n" for s in states]
    summands = ", ".join(["u", *(f"{s}_features" for s in states)])
    text = f"""
    net N {{
      input x: real[4, 2] padded
      target t: real[3]
      from x -> {kind}(3) as {f"(y, {', '.join(states)})" if states else "y"}
      from y -> conv1d(3, 3) -> tanh -> global_avgpool as u
      {"".join(more)}
      {f"from {summands} -> add" if states else ""}
      loss mse
    }}
    """
    compiled = compile_text(text, input_gradients=True)
    batch = compiled.batch(3)
    check_differences(compiled, batch)


def test_long_padding_cannot_overflow() -> None:
    """A linear layer that doubles its state would do so in 2000 steps of padding."""
    form = Form("rnn", steps=2000, units=1, variant="activation=identity", is_padded=True)
    compiled = compile_text(form.spec, input_gradients=True)
    for array in compiled.net.parameters().values():
        array[...] = 2
    batch = compiled.batch(2)
    batch["x_lengths"][:] = 3
    with np.errstate(all="raise"):
        assert all(np.isfinite(g).all() for g in compiled.gradients(batch).values())


# ---------------------------------------------------------------- instances, sizes, modes


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("padded", ["", " padded"])
def test_shared_layers_add_up_their_gradients(kind: str, padded: str) -> None:
    """Called three times a step, on sequences of two lengths, and on its own result."""
    text = f"""
    net N {{
      input a: real[3, 2]{padded}, b: real[3, 2]
      target t: real[3, 4]
      shared g = {kind}(1, layers=2, bidirectional=true)
      from a -> g -> g -> dense(4) as u
      from b -> g -> dense(4) as v
      from u, v -> add
      loss mse
    }}
    """
    compiled = compile_text(text, input_gradients=True)
    batch = compiled.batch(3)
    check_differences(compiled, batch)


@pytest.mark.parametrize("kind", STATES)
def test_sequences_of_any_length_in_turn(kind: str) -> None:
    form = Form(kind, layers=2, bidirectional=True, has_initial=True)
    text = form.spec.replace("real[3,", "real[T,")
    compiled = compile_text(text, input_gradients=True, sizes={"T": 3})
    for steps, n in [(3, 4), (5, 2), (1, 3), (5, 4), (2, 1)]:
        changed = Form(kind, steps, layers=2, bidirectional=True, has_initial=True)
        drawn = compile_text(changed.spec).batch(n, seed=steps)
        loss, wanted = expected(changed, compiled, drawn)
        assert compiled.loss(drawn) == pytest.approx(loss, rel=1e-9)
        assert worst(compiled.gradients(drawn), wanted) < 1e-9


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("join", ["each", "top"])
def test_dropout_between_layers(kind: str, join: str) -> None:
    """Its masks act on what goes from layer to layer; evaluation has none."""
    call = f"{kind}(2, layers=3, bidirectional=true, join={join}, dropout=DROP)"
    text = f"net N {{\n input x: real[3, 2]\n target t: real[3, 4]\n {call}\n loss mse\n}}\n"
    compiled = compile_text(text.replace("DROP", "0.5"), input_gradients=True)
    plain = compile_text(text.replace("DROP", "0"), input_gradients=True)
    for name, array in compiled.net.parameters().items():
        plain.net.parameters()[name][...] = array
    batch = compiled.batch(2)
    assert np.array_equal(compiled.net.forward(batch["x"]), plain.net.forward(batch["x"]))
    assert compiled.loss(batch) != plain.loss(batch)
    check_differences(compiled, batch)
    freeze_masks(compiled.net)
    first = compiled.net.loss(**batch)
    assert compiled.net.loss(**batch) != first


# ---------------------------------------------------------------- closed forms


def test_gradient_through_time_vanishes_or_explodes() -> None:
    """Of a linear layer of one unit, dh_T/dx_1 = w u^(T-1) (RNN notes)."""
    form = Form("rnn", 50, 1, 1, variant="activation=identity", reads="states")
    compiled = compile_text(form.spec, input_gradients=True)
    for u in (0.5, 1.0, 1.5):
        p = compiled.net.parameters()
        p["rnn1.weight_ih_l0"][...], p["rnn1.weight_hh_l0"][...] = 3, u
        batch = compiled.batch(1)
        h = compiled.loss(batch) ** 0.5
        sequence, _ = compiled.net.forward(batch["x"])
        slope = 2 * h * np.sign(sequence[0, -1, 0] - batch["t_hidden"][0, 0, 0])
        found = compiled.gradients(batch)["x"][0, :, 0]
        assert np.allclose(found, slope * 3 * u ** np.arange(49.0, -1, -1), rtol=1e-9)


def test_parameters_begin_as_in_pytorch() -> None:
    """U(±1/√units), for all of them."""
    text = "net N { input x: real[4, 300]\n target t: real[4, 100]\n gru(100)\n loss mse }\n"
    for name, array in compile_text(text).net.parameters().items():
        assert 0.095 < np.abs(array).max() <= 0.1, name
        assert array.std() == pytest.approx(0.1 / 3**0.5, rel=0.1), name


@pytest.mark.parametrize("kind", STATES)
def test_how_many_layers_there_may_be(kind: str) -> None:
    """More are refused before they are counted."""
    text = "net N {{ input x: real[4, 2]; {kind}(2, layers={count}) -> last }}"
    compile_text(text.format(kind=kind, count=1))
    with pytest.raises(AssertionError, match=r"E0205.*from 1 to 1000, gets `1000000000`"):
        compile_text(text.format(kind=kind, count=10**9))


def test_taps_as_first_states() -> None:
    """As if they had names; a scan takes them, too."""
    spec = """
    cell step(units) {{ input x; state h: [units]
      from x, h -> concat -> dense(units) -> tanh as state h }}
    net N {{ input x: real[4, 3]
      target y: real[3]
      for i in range(2) {{
        gru(3) as (seq, h)
        from h as states[i]
        from seq -> last as ends[i]
        from seq -> tanh
      }}
      {names}
      from x -> repeat 2 {{ gru(3, initial={state}) }}
      scan step(3, h={end}) -> last
      loss mse }}"""
    names = "from states[1] as state\n from ends[0] as end"
    taps = compile_text(spec.format(names="", state="states[1]", end="ends[0]"))
    named = compile_text(spec.format(names=names, state="state", end="end"))
    batch = taps.batch()
    assert worst(taps.gradients(batch), named.gradients(batch)) == 0
    assert directional_error(taps, batch) < 1e-6


@pytest.mark.parametrize("kind", STATES)
def test_vanished_gradients_are_zero(kind: str) -> None:
    """Through many steps they would become numbers below the normal ones, and slow."""
    text = f"net N {{ input x: real[T, 2]\n target y: real[3]\n {kind}(3) -> last\n loss mse }}\n"
    compiled = compile_text(text, input_gradients=True, sizes={"T": 2000}, dtype=np.float32)
    for name, array in compiled.net.parameters().items():
        array[...] *= 0.1 if name.endswith("hh_l0") else 1
    d_x = compiled.gradients(compiled.batch(2))["x"]
    assert np.any(d_x[:, -1]) and not np.any(d_x[:, 0])
    assert np.all((d_x == 0) | (np.abs(d_x) >= np.finfo(np.float32).tiny))
