"""What a case is: a small network, and the same in PyTorch, written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional as F

Parameters = Mapping[str, torch.Tensor]
Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Case:
    """A spec and the same in PyTorch: the loss, from parameters by name and a batch."""

    spec: str
    oracle: Callable[[Affine, Tensors], torch.Tensor]


class Affine:
    """The parameters of a network, to be applied by name."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def __call__(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Dense layer or convolution, by the rank of its weight; padding keeps the size."""
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
        if weight.ndim == 2:
            return F.linear(x, weight, bias)
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)


CASES: dict[str, Case] = {}


def case(spec: str) -> Callable[[Callable[[Affine, Tensors], torch.Tensor]], None]:
    """Note a case under the name of its oracle."""

    def note(oracle: Callable[[Affine, Tensors], torch.Tensor]) -> None:
        CASES[oracle.__name__] = Case(spec, oracle)

    return note
