"""How two results are compared: the error of a tensor, and the bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]
"""Arrays by name."""


class Precision(Enum):
    """The type of all numbers, with how closely two programs agree in it."""

    DOUBLE = "float64"
    SINGLE = "float32"

    def floor(self, arrays: Mapping[Any, Any]) -> float:
        """The size below which a tensor is noise, beside these of its kind."""
        return (1e-6 if self is Precision.DOUBLE else 1e-3) * largest(arrays)

    @property
    def bound(self) -> float:
        """The largest error of results and gradients."""
        return 1e-9 if self is Precision.DOUBLE else 1e-3

    @property
    def step_bound(self) -> float:
        """The largest error of weights after several steps."""
        return 1e-9 if self is Precision.DOUBLE else 1e-4


@dataclass(frozen=True, slots=True)
class Check:
    """One quantity, compared.

    Attributes:
        quantity: what was compared: "gradients of parameters".
        precision: in which type.
        side: what was held against the reference: "numpy", "pytorch explicit".
        bound: the largest error allowed.
        errors: the error of each tensor; not a number where a result is none.
    """

    quantity: str
    precision: Precision
    side: str
    bound: float
    errors: Mapping[str, float]

    @property
    def worst(self) -> str:
        """The tensor with the largest error; one that has none, not being a number, goes first."""
        return max(self.errors, key=lambda name: _rank(self.errors[name]))

    @property
    def largest(self) -> float:
        """Its error."""
        return self.errors[self.worst]

    @property
    def failed(self) -> tuple[str, ...]:
        """The tensors whose error exceeds the bound, in their order."""
        return tuple(name for name, error in self.errors.items() if not error <= self.bound)


def _rank(error: float) -> float:
    return np.inf if np.isnan(error) else error


def largest(arrays: Mapping[Any, Any]) -> float:
    """The largest absolute value of all."""
    return max((float(np.abs(a).max()) for a in arrays.values() if a.size), default=0.0)


def errors(found: Arrays, wanted: Arrays, floor: float) -> dict[str, float]:
    """max|a − b| / max(max|b|, floor), by name; infinite where one is missing or shapes differ."""
    names = dict.fromkeys((*wanted, *found))
    return {name: error(found.get(name), wanted.get(name), floor) for name in names}


def error(found: Any, wanted: Any, floor: float) -> float:
    """The same for one array."""
    if found is None or wanted is None:
        return np.inf
    a, b = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if a.shape != b.shape:
        return np.inf
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(a - b).max(initial=0)
        return float(off / max(np.abs(b).max(initial=0), floor)) if off else 0.0
