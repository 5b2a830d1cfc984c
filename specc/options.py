"""What decides the code of a network beside its spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """All of it is recorded in the file, but for where imports may lead.

    Attributes:
        net: which net is meant; `None` for all, or the only one.
        settings: `name=value` texts for the net's parameters.
        allow_imports: whether imports may leave the folder of the spec.
        target: the library that the code is written for.
        train: the name of the training section; `None` for the default one.
        input_gradients: whether the backward pass goes on to the inputs.
        backward: the form of the backward pass, if it is not the target's usual one.
    """

    net: str | None = None
    settings: Sequence[str] = ()
    allow_imports: bool = False
    target: str = "numpy"
    train: str | None = None
    input_gradients: bool = False
    backward: str | None = None
