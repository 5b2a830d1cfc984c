"""Nets of a single op, from the samples of the registry, and what the op is in PyTorch."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from compiled import (
    Batch,
    Compiled,
    compile_text,
    errors,
    worst,
)
from hypothesis import reject, settings
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


def show(pair: tuple[Op, Sample]) -> str:
    """How a test of a sample is called."""
    shapes = ", ".join(pair[1].inputs)
    return f"{pair[1].call} on {shapes}{' to ' + pair[1].target if pair[1].target else ''}"


# ---------------------------------------------------------------- the op in PyTorch


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
    names |= named | {name: named[tensor.name] for name, tensor in layer.named.items()}
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


# ---------------------------------------------------------------- drawn shapes


def check_drawn(
    call: str, *shapes: tuple[int, ...], n: int = 2, op: str = "", target: str = ""
) -> None:
    """A call on drawn shapes, if the language allows it: as PyTorch has it."""
    found = ops()[op or call.partition("(")[0]]
    try:
        text = spec_of(found, Sample(call, *shapes, target=target))
    except CompileError:
        reject()  # refused with a diagnostic, which other tests are about
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
