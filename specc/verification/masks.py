"""The random numbers of dropout layers, the same on every side.

A mask depends on the seed, the layer's path, the step and which call of the step it is; it is
drawn in the public layout.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(slots=True)
class Masks:
    """Draws for all layers of one network."""

    seed: int
    step: int = 0
    calls: Counter[str] = field(default_factory=Counter)

    def begin(self, step: int) -> None:
        """Begin a step: the same step has the same masks."""
        self.step = step
        self.calls.clear()

    def uniform(self, path: str, shape: tuple[int, ...]) -> Any:
        """Numbers from 0 to 1 for the next call of a layer."""
        key = (self.step, self.calls[path], zlib.crc32(path.encode()))
        self.calls[path] += 1
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
        return rng.random(shape, dtype=np.float32)
