"""Gradients against finite differences of the loss, along random directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from specc.verification.batches import Batch
from specc.verification.numpy_side import NumpySide

STEPS = (1e-6, 1e-7, 1e-5)
"""Of these the best counts: a long step meets kinks, a short one drowns in rounding."""

BOUND = 1e-6
LENGTH = 4
"""Of a direction, so that the steps suit networks of some thousand to some million parameters."""

_MOST_POINTS = 4


def directional_errors(
    side: NumpySide, batches: Sequence[Batch], count: int, seed: int
) -> dict[str, float]:
    """The error of the derivative along `count` random directions, by the direction's name.

    It is relative to the derivative, or to a typical one where that is larger. Parameters and
    inputs move together, dropout masks stay. Where the loss has a kink nearby, as with a ReLU at
    0, differences are no measure; so another batch is tried, a few times: a wrong gradient fails
    on each. `side` computes in float64 and has gradients of its inputs.
    """
    points: list[_Point] = []
    found = {}
    rng = np.random.default_rng(seed)
    for number in range(1, count + 1):
        direction = None
        for index, batch in enumerate(batches[:_MOST_POINTS]):
            if index == len(points):
                points.append(_Point(side, batch))
            direction = direction or points[index].direction(rng)
            slope = _Slope(points[index], *direction)
            found[f"direction {number}"] = slope.error()
            if slope.error() <= BOUND:
                break
    return found


class _Point:
    """Parameters and inputs of a network, to be moved together."""

    def __init__(self, side: NumpySide, batch: Batch) -> None:
        self.side = side
        self.batch = batch
        step = side.step(batch)
        names = [tensor.name for tensor in side.subject.differentiable_inputs]
        self.inputs = {name: batch[name] for name in names}
        self.gradients = {name: step.inputs[name] for name in names}
        self.slope = side.net.gradients.copy()
        self.start = side.net.values.copy()

    def direction(self, rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        """A random direction of length `LENGTH`: for the parameters, and for each input."""
        values = rng.normal(size=self.start.shape)
        inputs = {name: rng.normal(size=array.shape) for name, array in self.inputs.items()}
        length = np.sqrt(sum(np.sum(part**2) for part in (values, *inputs.values())))
        scale = LENGTH / length
        return values * scale, {name: array * scale for name, array in inputs.items()}

    def loss(self, step: float, values: Any, inputs: dict[str, Any]) -> float:
        """The loss, so far along a direction."""
        self.side.net.values[:] = self.start + step * values
        moved = {name: self.inputs[name] + step * array for name, array in inputs.items()}
        try:
            return self.side.training_loss(self.batch | moved)
        finally:
            self.side.net.values[:] = self.start


class _Slope:
    """The derivative of the loss at a point along a direction."""

    def __init__(self, point: _Point, values: Any, inputs: dict[str, Any]) -> None:
        self.point, self.values, self.inputs = point, values, inputs
        parts = [(point.gradients[name], array) for name, array in inputs.items()]
        if values.size:  # it is not, where nothing is learned
            parts.append((point.slope, values))
        self.exact = float(sum(np.sum(slope * part) for slope, part in parts))
        typical = np.sqrt(sum(np.sum(slope**2) * np.mean(part**2) for slope, part in parts))
        self.scale = max(abs(self.exact), float(typical))
        self.best = np.inf

    def error(self) -> float:
        """How far the backward pass is from the best central difference."""
        for step in STEPS:
            if self.best > BOUND / 10:
                rise = self._loss(step) - self._loss(-step)
                self.best = min(self.best, self._relative(rise / (2 * step) - self.exact))
        return self.best

    def _loss(self, step: float) -> float:
        return self.point.loss(step, self.values, self.inputs)

    def _relative(self, off: float) -> float:
        return abs(off) / self.scale if off else 0.0
