"""The lengths of padded sequences: a tensor that goes with them, into blocks and loops.

A body knows it by a name that no spec can write, which the type of every padded tensor carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from specc.graph import Tensor
from specc.ops.padding import input_of, lengths_of
from specc.source import Span
from specc.types import Content, TensorType
from specc.values import Value
from specc.words import variables


def variable_of(key: str) -> str:
    """The variable of lengths in the code: `words_lengths`."""
    return f"{input_of(key)}_lengths"


def declared_lengths(inputs: Mapping[str, Tensor], others: Iterable[str]) -> dict[str, Tensor]:
    """A net's inputs, behind each padded one the lengths of its sequences; `others` have names."""
    taken = {*inputs, *others}
    found: dict[str, Tensor] = {}
    for name, tensor in inputs.items():
        found[name] = tensor
        if tensor.type.padded:
            (word,) = variables([variable_of(tensor.type.padded)], taken).values()
            found[word] = lengths_tensor(tensor.type.padded, word, tensor.span)
    return found


def lengths_tensor(key: str, name: str, span: Span) -> Tensor:
    """A tensor of lengths."""
    return Tensor(name, TensorType((), Content.LENGTHS, padded=key), span)


def known_lengths(tensors: Iterable[Tensor]) -> dict[str, Tensor]:
    """The tensors of lengths among these, as a body calls them."""
    return {t.type.padded: t for t in tensors if t.type.content is Content.LENGTHS}


def types_inside(names: Sequence[str], inputs: Sequence[Tensor]) -> tuple[TensorType, ...]:
    """The types of a block's inputs, with lengths named after the first input that has them."""
    named: dict[str, str] = {}
    for name, tensor in zip(names, inputs, strict=True):
        if tensor.type.padded:
            named.setdefault(tensor.type.padded, lengths_of(name))
    return tuple(replace(t.type, padded=named.get(t.type.padded, "")) for t in inputs)


def tensors_inside(
    types: Sequence[TensorType], inputs: Sequence[Tensor], taken: Iterable[str]
) -> tuple[Tensor, ...]:
    """The lengths that a block may be handed with its inputs of these types."""
    at = {type_.padded: tensor.span for type_, tensor in zip(types, inputs, strict=True)}
    keys = {key: variable_of(key) for key in at if key}
    words = variables(keys.values(), taken)
    return tuple(lengths_tensor(key, words[word], at[key]) for key, word in keys.items())


def steps_of(lengths: Tensor, tensors: Iterable[Tensor]) -> Value:
    """The size of the sequences among these that this is the tensor of the lengths of."""
    keys = (t for t in tensors if t.type.padded == lengths.type.padded)
    return next(t.type.shape[0] for t in keys if t.type.shape)
