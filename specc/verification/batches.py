"""Random examples for a network: inputs and targets of the right shapes and kinds."""

from __future__ import annotations

from typing import Any

import numpy as np

from specc.check import ShapedModel
from specc.checking.lengths import steps_of
from specc.graph import Layer, Tensor
from specc.ops.base import LossOp
from specc.types import Content
from specc.verification.sizes import Sizes, put

Batch = dict[str, Any]
"""Arrays by the names that the generated code has for inputs and targets."""


def draw_batch(shaped: ShapedModel, sizes: Sizes, count: int, rng: np.random.Generator) -> Batch:
    """`count` examples.

    Real numbers are drawn from N(0, 1), labels and tokens uniformly; masks and the targets of
    losses of yes or no are zeros and ones.
    """
    binary = {id(tensor) for loss in shaped.losses for tensor in _binary(loss)}
    batch: Batch = {}
    for tensor in (*shaped.inputs.values(), *shaped.targets.values()):
        if tensor.type.content is Content.LENGTHS:
            steps = put(steps_of(tensor, shaped.inputs.values()), sizes)
            batch[tensor.name] = draw_lengths(steps, count, rng)
        else:
            batch[tensor.name] = _draw(tensor, id(tensor) in binary, sizes, count, rng)
    return batch


def _binary(loss: Layer) -> tuple[Tensor, ...]:
    """The tensors of a loss that hold zeros and ones: its mask, and a target of yes or no."""
    assert isinstance(loss.op, LossOp)
    is_decision = loss.op.is_decided_by_sign and loss.inputs[1].type.content is Content.REAL
    return loss.inputs[1:] if is_decision else loss.inputs[2:]


def _draw(
    tensor: Tensor, is_binary: bool, sizes: Sizes, count: int, rng: np.random.Generator
) -> Any:
    shape = (count, *(put(size, sizes) for size in tensor.type.shape))
    if is_binary:
        values = (rng.random(shape) < 0.7).astype(np.float64)
        values.reshape(-1)[0] = 1  # a mask leaves something
        return values
    if tensor.type.content is Content.REAL:
        return rng.normal(size=shape)
    assert tensor.type.classes is not None
    return rng.integers(0, put(tensor.type.classes, sizes), shape)


def draw_lengths(steps: int, count: int, rng: np.random.Generator) -> Any:
    """Lengths of `count` sequences, padded to `steps`: one has them all, and one has fewer."""
    lengths = rng.integers(1, steps + 1, count)
    lengths[0] = rng.integers(1, max(steps, 2))
    lengths[1:][:1] = steps
    return lengths


def cast(batch: Batch, dtype: Any) -> Batch:
    """The batch with its real numbers in another precision."""
    return {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in batch.items()}
