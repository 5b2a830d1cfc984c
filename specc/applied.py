"""Inputs by position and by name: what layers, scans and the sites of layers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

LENGTHS = "lengths"
"""What a layer calls the lengths of the padded sequences that it is handed."""

_T = TypeVar("_T")
_S = TypeVar("_S")


class Applied(Generic[_T]):
    """Something applied to `inputs`: the inputs proper, then those that it is handed by name.

    `tensors` names these: the tensor arguments that are given, in the order of the signature, and
    last, where sequences are padded, their `lengths`.
    """

    __slots__ = ()
    inputs: tuple[_T, ...]
    tensors: tuple[str, ...]

    def split(self, values: Sequence[_S]) -> tuple[list[_S], dict[str, _S]]:
        """Values, one for each input, as those of the inputs proper and the others by name."""
        count = len(values) - len(self.tensors)
        return list(values[:count]), dict(zip(self.tensors, values[count:], strict=True))

    @property
    def proper(self) -> tuple[_T, ...]:
        """The inputs that have no name."""
        return tuple(self.split(self.inputs)[0])

    @property
    def named(self) -> dict[str, _T]:
        """The other inputs, by name."""
        return self.split(self.inputs)[1]

    @property
    def positions(self) -> dict[str, int]:
        """Where those stand among the inputs."""
        return self.split(range(len(self.inputs)))[1]

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the tensor arguments that are given."""
        return tuple(name for name in self.tensors if name != LENGTHS)

    @property
    def is_padded(self) -> bool:
        """Whether it is handed the lengths of padded sequences."""
        return LENGTHS in self.tensors
