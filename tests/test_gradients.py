"""Every op through the whole compiler: against PyTorch, and against finite differences.

The tests run over the registry, so a new op is covered by its samples.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from compiled import (
    Compiled,
    arrays_of,
    check_differences,
    compile_text,
    freeze_masks,
    network_class,
)
from op_samples import (
    SAMPLES,
    away_from_kinks,
    batch_of,
    check_against_pytorch,
    draws_masks,
    settle,
    show,
    spec_of,
)

from specc.ops.base import Op
from specc.ops.registry import ops

# ---------------------------------------------------------------- nets of one op


@pytest.fixture(scope="module", params=SAMPLES, ids=show)
def sampled(request: pytest.FixtureRequest) -> tuple[Op, Compiled]:
    """An op and the network of one of its samples, with gradients of the inputs."""
    op, sample = request.param
    return op, settle(compile_text(spec_of(op, sample), input_gradients=True))


# ---------------------------------------------------------------- every op


def test_every_op_has_samples_here() -> None:
    assert {op.name for op, _ in SAMPLES} == set(ops())


def test_sample_is_as_in_pytorch(sampled: tuple[Op, Compiled]) -> None:
    op, compiled = sampled
    check_against_pytorch(compiled, op)


def test_sample_is_as_finite_differences(sampled: tuple[Op, Compiled]) -> None:
    """Every number of every gradient."""
    _, compiled = sampled
    batch = batch_of(compiled)
    assert away_from_kinks(batch)
    check_differences(compiled, batch)


def test_sample_in_float32(sampled: tuple[Op, Compiled]) -> None:
    """The same numbers but for rounding, and nothing kept or returned in float64."""
    op, compiled = sampled
    single = in_float32(compiled)
    batch = batch_of(compiled)
    few = {n: a.astype(np.float32) if a.dtype.kind == "f" else a for n, a in batch.items()}
    assert single.loss(few) == pytest.approx(compiled.loss(batch), rel=1e-4, abs=1e-5)
    wanted, found = compiled.gradients(batch), single.gradients(few)
    for name, array in found.items():
        scale = max(
            np.abs(wanted[name]).max(), 1e-3 * max(np.abs(w).max() for w in wanted.values())
        )
        assert np.abs(array - wanted[name]).max() <= 1e-3 * scale, name
        assert array.dtype == np.float32, name
    inputs = [few[t.name] for t in single.shaped.inputs.values()]
    assert single.net.forward(*inputs).dtype == np.float32
    assert not [path for path, array in arrays_of(single.net) if array.dtype == np.float64], op.name


def in_float32(compiled: Compiled) -> Compiled:
    """Another instance of the same network, with the same numbers in float32."""
    single = replace(compiled, net=network_class(compiled.module)())
    numbers = compiled.net.parameters() | compiled.net.buffers()
    for name, array in (single.net.parameters() | single.net.buffers()).items():
        array[...] = numbers[name]
    return single


def test_inputs_in_float64_do_not_widen_a_float32_network() -> None:
    """Nor do inputs of whole numbers: images are given as they come."""
    compiled = compile_text(
        "net N {\n input x: real[2, 4, 4]\n target t: real[3]\n"
        " conv(2, 3) -> relu -> flatten -> dense(3) -> dropout(0.5)\n loss mse\n}",
        dtype=np.float32,
    )
    for kind in (np.float64, np.int64, np.uint8):
        compiled.loss({"x": np.ones((2, 2, 4, 4), kind), "t": np.ones((2, 3), kind)})
        compiled.net.backward()
        assert compiled.net.forward(np.ones((2, 2, 4, 4), kind)).dtype == np.float32
        assert not [path for path, array in arrays_of(compiled.net) if array.dtype == np.float64]


# ---------------------------------------------------------------- steps in turn


def test_a_batch_smaller_than_the_last(sampled: tuple[Op, Compiled]) -> None:
    """Arrays are used again; what lies in them from a larger batch must not count."""
    op, compiled = sampled
    if draws_masks(compiled):
        freeze_masks(compiled.net)
    for size in (5, 1, 3):
        check_against_pytorch(compiled, op, n=size, seed=size)


def test_evaluation_between_loss_and_backward(sampled: tuple[Op, Compiled]) -> None:
    op, compiled = sampled
    batch, other = batch_of(compiled, 3), batch_of(compiled, 5, seed=4)
    wanted = compiled.gradients(batch)
    compiled.loss(batch)
    compiled.net.loss(**other, training=False)
    compiled.net.forward(*(other[t.name] for t in compiled.shaped.inputs.values()))
    for name, array in compiled.net.backward().items():
        assert np.array_equal(array, wanted[name]), f"{op.name}: {name}"


def test_nothing_given_is_written_to(sampled: tuple[Op, Compiled]) -> None:
    op, compiled = sampled
    batch = batch_of(compiled)
    before = {name: array.copy() for name, array in batch.items()}
    compiled.gradients(batch)
    output = compiled.net.forward(*(batch[t.name] for t in compiled.shaped.inputs.values()))
    output += 1  # it belongs to the caller
    assert all(np.array_equal(batch[name], before[name]) for name in batch), op.name


# ---------------------------------------------------------------- dropout


def dropout_net(rate: float) -> Compiled:
    """A network whose only layer is dropout."""
    text = f"net N {{\n input x: real[50]\n target t: real[50]\n dropout({rate})\n loss mse\n}}"
    return compile_text(text, input_gradients=True)


@pytest.mark.parametrize("rate", [0, 0.2, 0.5, 0.9])
def test_dropout_scales_what_it_leaves(rate: float) -> None:
    """While training each number is 0 or x / (1 − rate); so is its gradient."""
    compiled = dropout_net(rate)
    batch = compiled.batch(40)
    freeze_masks(compiled.net)
    output = compiled.net.run(batch["x"], training=True).copy()
    kept = output != 0
    assert np.allclose(output[kept], batch["x"][kept] / (1 - rate), rtol=1e-12)
    assert kept.mean() == pytest.approx(1 - rate, abs=0.05)
    gradient = compiled.gradients(batch)["x"]
    wanted = np.where(kept, 2 * (output - batch["t"]) / output.size / (1 - rate), 0)
    assert np.allclose(gradient, wanted, rtol=1e-9, atol=1e-15)


def test_dropout_draws_new_masks_for_every_step_and_call() -> None:
    compiled = compile_text(
        "net N {\n input x: real[64]\n target t: real[64]\n shared d = dropout(0.5)\n"
        " d as a\n from x -> d as b\n from a, b -> concat -> dense(64)\n loss mse\n}",
        input_gradients=True,
    )
    x = np.ones((2, 64))
    seen = []
    for _ in range(2):
        compiled.net.loss(x, np.zeros((2, 64)))
        seen += compiled.net.d.calls
        compiled.net.backward()
    masks = [np.asarray(mask).tobytes() for mask in seen]
    assert len(masks) == len(set(masks)) == 4


def test_dropout_is_the_identity_in_evaluation() -> None:
    compiled = dropout_net(0.5)
    batch = compiled.batch(3)
    assert np.array_equal(compiled.net.forward(batch["x"]), batch["x"])
    state = compiled.net.dropout1.rng.bit_generator.state
    compiled.net.loss(**batch, training=False)
    assert compiled.net.dropout1.rng.bit_generator.state == state
