"""Every op through the whole compiler: against PyTorch, and against finite differences.

The tests run over the registry, so a new op is covered by its samples.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from compiled import (
    Batch,
    Compiled,
    arrays_of,
    compile_text,
    elementwise,
    errors,
    freeze_masks,
    network_class,
    worst,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.diagnostics import CompileError, Diagnostics
from specc.graph import Layer
from specc.ops.base import LossOp, Op, Sample
from specc.ops.registry import ops
from specc.pipeline import analyse
from specc.source import Source
from specc.types import Content

SAMPLES = [(op, sample) for op in ops().values() for sample in op.samples]
SPACING = 1 / 64.25
"""Inputs are drawn half-way between multiples of this, so that neither they nor their
differences are near 0 or ±1; see `away_from_kinks`."""


# ---------------------------------------------------------------- nets of one op


def spec_of(op: Op, sample: Sample) -> str:
    """A net of one op; what is no loss gets one, against a target of the result's shape."""
    is_loss = isinstance(op, LossOp)
    names = ["x", "m"] if is_loss else [f"x{i}" for i in range(len(sample.inputs))]
    declared = zip(names, sample.inputs, strict=False)
    lines = [f"input {name}: {type_}" for name, type_ in declared]
    start = f"from {', '.join(names[: op.input_count])} -> " if len(names) > 1 else ""
    if is_loss:
        lines += [f"target t: {sample.target}", f"loss {sample.call}"]
    else:
        head = "net N {\n" + "\n".join(lines) + "\n"
        (found,) = analyse(
            Source("sample.net", f"{head}{start}{sample.call}\n}}"), Diagnostics()
        ).values()
        lines += [f"target t: real{found.outputs[0].type}", f"{start}{sample.call}", "loss mse"]
    return "net N {\n  " + "\n  ".join(lines) + "\n}\n"


def numbers(shape: tuple[int, ...], rng: np.random.Generator, offset: float) -> Any:
    """Different numbers, none of them near a kink."""
    count = int(np.prod(shape))
    places = rng.choice(np.arange(-max(150, count), max(150, count)), count, replace=False)
    return ((places + offset) * SPACING).reshape(shape)


def batch_of(compiled: Compiled, n: int = 2, seed: int = 0) -> Batch:
    """A batch with inputs and real targets on grids of their own; masks of zeros and ones."""
    rng = np.random.default_rng(seed)
    batch = compiled.batch(n, seed)
    for tensor in compiled.shaped.inputs.values():
        if tensor.type.content is Content.REAL:
            batch[tensor.name] = numbers(batch[tensor.name].shape, rng, 0.5)
    for tensor in compiled.shaped.targets.values():
        if tensor.type.classes is None:
            batch[tensor.name] = numbers(batch[tensor.name].shape, rng, 0.125)
    if "m" in batch:
        batch["m"] = 1.0 * (rng.random(batch["m"].shape) > 0.3)
    return batch


def away_from_kinks(batch: Batch) -> bool:
    """Whether inputs and their differences are at least 1e-3 from 0 and ±1, and their distances
    from targets from ±¼, too: where activations, pools, margins and losses have kinks."""
    inputs = [a for name, a in batch.items() if name not in ("t", "m") and a.dtype.kind == "f"]
    places = [(array, kink) for array in inputs for kink in (0, 1)]
    for array in inputs:
        difference = array.ravel()[:, None] - array.ravel()
        places += [(difference[~np.eye(array.size, dtype=bool)], kink) for kink in (0, 1)]
        if batch["t"].dtype.kind == "f" and batch["t"].shape == array.shape:
            places += [(array - batch["t"], kink) for kink in (0, 0.25, 1)]
    return all(np.abs(np.abs(values) - kink).min(initial=1) > 1e-3 for values, kink in places)


def the_layer(compiled: Compiled, op: Op) -> Layer:
    """The op's layer in the net."""
    return next(n for n in compiled.shaped.function.nodes if isinstance(n, Layer) and n.op is op)


def oracle(
    compiled: Compiled, op: Op, batch: Batch, training: bool = True
) -> tuple[Any, Batch, float]:
    """Output, gradients (by the net's names) and loss by the op's PyTorch expression."""
    layer = the_layer(compiled, op)
    inputs = [
        torch.tensor(batch[t.name], requires_grad=t.type.content is Content.REAL)
        for t in compiled.shaped.inputs.values()
    ]
    parameters = {
        name: torch.tensor(value, requires_grad=True) for name, value in compiled.numbers().items()
    }
    buffers = {name: torch.tensor(value) for name, value in compiled.net.buffers().items()}
    names: dict[str, object] = {"torch": torch, "F": torch.nn.functional, "x": inputs[0]}
    names["training"] = training
    named = {t.name: i for t, i in zip(compiled.shaped.inputs.values(), inputs, strict=True)}
    given = zip(reversed(layer.tensors), reversed(layer.inputs), strict=False)
    names |= named | {name: named[tensor.name] for name, tensor in given}
    arrays = (parameters | buffers).items()
    names |= {name.removeprefix(f"{layer.name}."): array for name, array in arrays}
    names |= {"target": torch.tensor(batch["t"]), "mask": inputs[-1].detach()}
    output = eval(op.pytorch(layer), names)
    is_loss = isinstance(op, LossOp)
    loss = output if is_loss else own_mse(output, torch.tensor(batch["t"]), layer, names)
    wanted = {name: i for name, i in named.items() if i.requires_grad}
    if is_loss:
        wanted.pop("m", None)
    wanted |= parameters
    found = torch.autograd.grad(loss, list(wanted.values())) if wanted else ()
    gradients = {name: g.numpy() for name, g in zip(wanted, found, strict=True)}
    return (inputs[0] if is_loss else output).detach().numpy(), gradients, float(loss.detach())


def own_mse(output: Any, target: Any, layer: Layer, names: dict[str, Any]) -> Any:
    """The mean over all numbers; where the result is padded, over the sequences' own steps."""
    if layer.output.padded:
        own = torch.arange(output.shape[1]) < names["lengths"][:, None]
        output, target = output[own], target[own]
    return torch.nn.functional.mse_loss(output, target)


def settle(compiled: Compiled) -> Compiled:
    """Give parameters numbers that are far from what an op starts with; widths stay positive."""
    rng = np.random.default_rng(2)
    for array in compiled.net.parameters().values():
        array[...] = rng.uniform(0.5, 1.5, array.shape) * rng.choice([-1, 1], array.shape)
    return compiled


def check_against_pytorch(compiled: Compiled, op: Op, n: int = 2, seed: int = 0) -> None:
    """Output, loss and gradients of one op."""
    batch = batch_of(compiled, n, seed)
    output, _, loss = oracle(compiled, op, batch, training=False)
    found_output = compiled.net.forward(*(batch[t.name] for t in compiled.shaped.inputs.values()))
    assert found_output.shape == output.shape
    np.testing.assert_allclose(found_output, output, rtol=1e-9, atol=1e-12)
    found_loss = compiled.net.loss(**batch, training=False)
    if np.isnan(loss):  # no label counts: PyTorch divides zero by zero
        assert found_loss == 0
        return
    assert found_loss == pytest.approx(loss, rel=1e-9, abs=1e-12)
    if draws_masks(compiled):
        return
    try:
        _, wanted, _ = oracle(compiled, op, batch)
    except ValueError:  # a batch that is too small to train on
        with pytest.raises(ValueError):
            compiled.loss(batch)
    else:
        found = compiled.gradients(batch)
        found = {name: found[name] for name in wanted}
        assert worst(found, wanted) < 1e-9, errors(found, wanted)


def draws_masks(compiled: Compiled) -> bool:
    """Whether training is random, so that PyTorch draws other numbers."""
    return any(getattr(part, "rate", 0) for _, part in compiled.net.parts())


def show(pair: tuple[Op, Sample]) -> str:
    """How a test of a sample is called."""
    shapes = ", ".join(pair[1].inputs)
    return f"{pair[1].call} on {shapes}{' to ' + pair[1].target if pair[1].target else ''}"


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
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    wanted.pop("m", None)
    found.pop("m", None)
    assert worst(found, wanted) < 1e-6, errors(found, wanted)


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


# ---------------------------------------------------------------- shapes and attributes


def check_drawn(
    call: str, *shapes: tuple[int, ...], n: int = 2, op: str = "", target: str = ""
) -> None:
    """A call on drawn shapes, if the language allows it: as PyTorch has it."""
    found = ops()[op or call.partition("(")[0]]
    try:
        text = spec_of(found, Sample(call, *shapes, target=target))
    except CompileError:
        return  # refused with a diagnostic, which other tests are about
    compiled = settle(compile_text(text, input_gradients=True))
    check_against_pytorch(compiled, found, n, seed=zlib.crc32(text.encode()))


DRAWN: Callable[[Any], Any] = settings(max_examples=20, deadline=None, derandomize=True)

one = st.integers(1, 3)
pair = st.one_of(one.map(str), st.tuples(one, one).map(lambda p: str(list(p))))
padding = st.one_of(
    st.integers(0, 2).map(str),
    st.tuples(st.integers(0, 2), st.integers(0, 2)).map(lambda p: str(list(p))),
)
image = st.tuples(st.integers(1, 4), st.integers(1, 8), st.integers(1, 8))


@DRAWN
@given(
    image,
    pair,
    pair,
    padding,
    pair,
    st.integers(1, 2),
    st.booleans(),
    st.integers(1, 2),
    st.integers(1, 3),
)
def test_conv(
    shape: tuple[int, int, int],
    kernel: str,
    stride: str,
    pad: str,
    dilation: str,
    groups: int,
    bias: bool,
    multiple: int,
    n: int,
) -> None:
    """Stride remainders, padding wider than the kernel, dilation, groups, 1x1 images."""
    channels = shape[0] * groups
    options = f"stride={stride}, pad={pad}, dilation={dilation}, groups={groups}"
    call = f"conv({groups * multiple}, {kernel}, {options}, bias={str(bias).lower()})"
    check_drawn(call, (channels, *shape[1:]), n=n)


@DRAWN
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), image, st.integers(7, 9))
def test_conv_that_keeps_the_size(
    height: int, width: int, dilation: int, shape: tuple[int, int, int], wide: int
) -> None:
    """`pad="same"`, few channels and many: they have kernels of their own."""
    call = f'conv(3, [{height}, {width}], pad="same", dilation={dilation})'
    check_drawn(call, shape)
    check_drawn(call, (wide, *shape[1:]))


@DRAWN
@given(st.integers(8, 10), one, one, st.integers(0, 2), st.integers(1, 7), st.integers(1, 7))
def test_conv_with_many_channels(
    channels: int, height: int, width: int, pad: int, rows: int, columns: int
) -> None:
    """The kernel for a stride of 1, and the one for 1x1 windows."""
    check_drawn(f"conv(4, [{height}, {width}], pad={pad})", (channels, rows, columns))


@DRAWN
@given(st.sampled_from(["maxpool", "avgpool"]), image, pair, pair, padding, st.integers(1, 3))
def test_pools(
    name: str, shape: tuple[int, int, int], kernel: str, stride: str, pad: str, n: int
) -> None:
    """Overlapping windows, gaps between windows, remainders, padding."""
    check_drawn(f"{name}({kernel}, stride={stride}, pad={pad})", shape, n=n)


@DRAWN
@given(st.sampled_from(["maxpool", "avgpool"]), image, pair)
def test_pools_that_tile_the_image(name: str, shape: tuple[int, int, int], kernel: str) -> None:
    """Rows and columns that are left over get no gradient."""
    check_drawn(f"{name}({kernel})", shape)


@DRAWN
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=2),
    st.integers(1, 4),
    st.booleans(),
    st.integers(1, 4),
)
def test_dense(shape: list[int], units: int, bias: bool, n: int) -> None:
    check_drawn(f"dense({units}, bias={str(bias).lower()})", tuple(shape), n=n)


@DRAWN
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_concat(shape: list[int], data: st.DataObject) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    shapes = [tuple(shape)]
    for size in sizes:
        other = list(shape)
        other[axis] = size
        shapes.append(tuple(other))
    check_drawn(f"concat(axis={axis})", *shapes)


@DRAWN
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
def test_reshape_and_flatten(shape: list[int], data: st.DataObject) -> None:
    """Any shape to any other of as many numbers, images included."""
    count = int(np.prod(shape))
    first = data.draw(st.sampled_from([d for d in range(1, count + 1) if count % d == 0]))
    rest = count // first
    second = data.draw(st.sampled_from([d for d in range(1, rest + 1) if rest % d == 0]))
    sizes = [[count], [first, rest], [first, second, rest // second]]
    check_drawn(f"reshape({data.draw(st.sampled_from(sizes))})", tuple(shape))
    check_drawn("flatten", tuple(shape))


@DRAWN
@given(
    st.sampled_from(["add", "multiply"]), st.integers(2, 4), st.lists(one, min_size=1, max_size=3)
)
def test_joins(name: str, count: int, shape: list[int]) -> None:
    check_drawn(name, *[tuple(shape)] * count)


ELEMENTWISE = sorted(
    op.name for op in ops().values() if op.family == "activation" and not op.arguments
)


@DRAWN
@given(st.sampled_from(ELEMENTWISE), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_activations(name: str, shape: list[int]) -> None:
    """Of vectors, sequences and images."""
    check_drawn(name, tuple(shape))


@DRAWN
@given(st.integers(1, 3), st.integers(1, 3), st.lists(st.integers(1, 4), max_size=2))
def test_maxout(units: int, pieces: int, rest: list[int]) -> None:
    features = units * pieces
    shape = (*rest, features) if len(rest) < 2 else (features, *rest)
    check_drawn(f"maxout({pieces})", shape)


@DRAWN
@given(st.sampled_from(["global_avgpool", "global_maxpool"]), image, st.integers(1, 3))
def test_global_pools(name: str, shape: tuple[int, int, int], n: int) -> None:
    check_drawn(name, shape, n=n)


@DRAWN
@given(
    st.sampled_from(["cross_entropy", "hinge"]),
    st.integers(2, 4),
    st.lists(st.integers(1, 3), max_size=2),
    st.sampled_from([0.5, 1, 3]),
)
def test_losses_of_labels(name: str, classes: int, rest: list[int], scale: float) -> None:
    """Of vectors, of a label a step, of a label a pixel."""
    shape = (classes, *rest) if len(rest) == 2 else (*rest, classes)
    places = str(rest) if rest else ""
    check_drawn(f"{name}(scale={scale})", shape, target=f"label{places} of {classes}")


@DRAWN
@given(
    st.sampled_from(["mse", "l1", "smooth_l1", "binary_cross_entropy"]),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.booleans(),
)
def test_losses_of_numbers(name: str, shape: list[int], masked: bool) -> None:
    """The mean runs over what the mask leaves."""
    masked = masked and np.prod(shape) > 2  # or the mask may leave nothing
    call = f"{name}(mask=m)" if masked else name
    check_drawn(call, *[tuple(shape)] * (1 + masked), target=f"real{shape}")
