"""Random examples for a network: inputs and targets of the right shapes and kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from specc import terms
from specc.check import ShapedModel
from specc.graph import Layer, Tensor
from specc.ops.base import LossOp
from specc.types import Content, TensorType
from specc.values import Value

Batch = dict[str, Any]
"""Arrays by the names that the generated code has for inputs and targets."""

_SMALLEST = 5


class SizeError(ValueError):
    """A free size that is not there, or one that leaves nothing of a tensor."""


def choose_sizes(shaped: ShapedModel, given: Mapping[str, int]) -> dict[str, int]:
    """A number for each free size: what is given, else 5, 6, 7, … in the order of the spec.

    Raises:
        SizeError: if `given` names something else.
    """
    tensors = (*shaped.inputs.values(), *shaped.targets.values())
    free = list(dict.fromkeys(name for t in tensors for s in t.type.shape for name in _names(s)))
    for name in given:
        if name not in free:
            known = ", ".join(f"`{n}`" for n in free) or "none"
            raise SizeError(f"`{shaped.net.name}` has no free size `{name}`; it has {known}")
    return {name: given.get(name, _SMALLEST + i) for i, name in enumerate(free)}


def _names(size: Value) -> Iterator[str]:
    return terms.symbols(size.size)


def draw_batch(
    shaped: ShapedModel, sizes: Mapping[str, int], count: int, rng: np.random.Generator
) -> Batch:
    """`count` examples.

    Real numbers are drawn from N(0, 1), labels and tokens uniformly; masks and the targets of
    losses of yes or no are zeros and ones.

    Raises:
        SizeError: if a shape has no positive sizes.
    """
    binary = {id(tensor) for loss in shaped.losses for tensor in _binary(loss)}
    tensors = (*shaped.inputs.values(), *shaped.targets.values())
    return {t.name: _draw(t, id(t) in binary, sizes, count, rng) for t in tensors}


def _binary(loss: Layer) -> tuple[Tensor, ...]:
    """The tensors of a loss that hold zeros and ones: its mask, and a target of yes or no."""
    assert isinstance(loss.op, LossOp)
    is_decision = loss.op.is_decided_by_sign and loss.inputs[1].type.content is Content.REAL
    return loss.inputs[1:] if is_decision else loss.inputs[2:]


def _draw(
    tensor: Tensor, is_binary: bool, sizes: Mapping[str, int], count: int, rng: np.random.Generator
) -> Any:
    shape = (count, *(_number(size, tensor, sizes) for size in tensor.type.shape))
    if is_binary:
        values = (rng.random(shape) < 0.7).astype(np.float64)
        values.reshape(-1)[0] = 1  # a mask leaves something
        return values
    if tensor.type.content is Content.REAL:
        return rng.normal(size=shape)
    return rng.integers(0, _classes(tensor.type, sizes), shape)


def _classes(type_: TensorType, sizes: Mapping[str, int]) -> int:
    assert type_.classes is not None
    return _put(type_.classes, sizes)


def _number(size: Value, tensor: Tensor, sizes: Mapping[str, int]) -> int:
    number = _put(size, sizes)
    if number < 1:
        raise SizeError(f"`{tensor.name}` has the size {size}, which would be {number}")
    return number


def _put(size: Value, sizes: Mapping[str, int]) -> int:
    """A size with numbers for all free sizes."""
    number = terms.substitute(size.size, sizes)
    assert isinstance(number, int)
    return number


def cast(batch: Batch, dtype: Any) -> Batch:
    """The batch with its real numbers in another precision."""
    return {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in batch.items()}
