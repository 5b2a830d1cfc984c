"""A generated NumPy file, as verification drives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from specc.verification.batches import Batch, cast
from specc.verification.comparison import Arrays
from specc.verification.masks import Masks
from specc.verification.side import RATE, Side, Step
from specc.verification.tracing import Recorder


class NumpySide(Side):
    """The network of a NumPy file."""

    title = "NumPy"

    def make_recorder(self) -> Recorder:
        """Copies arrays."""
        return Recorder(self.array)

    def construct(self, network: Any, seed: int) -> Any:
        """The constructor takes the type."""
        return network(seed, np.dtype(self.precision.value))

    def named_parts(self) -> Mapping[str, Any]:
        """All modules, and the parameters, too."""
        return dict(self.net.parts())

    def share_masks(self, path: str) -> None:
        """Replace the generator that the layer draws from, or the dropouts inside it."""
        for place, part in self.parts.items():
            if f"{place}.".startswith(f"{path}.") and hasattr(part, "rng"):
                part.rng = _Stream(self.masks, path)

    def make_optimizer(self) -> Any:
        """The class of the file."""
        assert self.subject.training is not None
        return vars(self.module)[self.subject.training.optimizer.kernel](self.net)

    def numbers(self) -> dict[str, Any]:
        """They are in the public layout already."""
        return {name: array.copy() for name, array in self._views().items()}

    def set_numbers(self, numbers: Arrays) -> None:
        """Written through the views."""
        for name, array in self._views().items():
            if name in numbers:
                array[...] = numbers[name]

    def evaluate(self, batch: Batch) -> Arrays:
        """`forward` takes and returns public layouts."""
        return self.subject.returned(self.net.forward(*self._inputs(batch)))

    def loss(self, batch: Batch) -> float:
        """The loss in evaluation mode."""
        return float(self.net.loss(**cast(batch, self.net.values.dtype), training=False))

    def step(self, batch: Batch, step: int = 0) -> Step:
        """`loss` and `backward`."""
        loss = self.training_loss(batch, step)
        gradients = {name: g.copy() for name, g in self.net.backward().items()}
        inputs = {self.subject.variable(n): g.copy() for n, g in self._input_gradients().items()}
        buffers = {name: a.copy() for name, a in self.net.buffers().items()}
        return Step(loss, self.made(), gradients, inputs, buffers)

    def training_loss(self, batch: Batch, step: int = 0) -> float:
        """The loss alone, in training mode."""
        self.masks.begin(step)
        return float(self.net.loss(**cast(batch, self.net.values.dtype)))

    def run(self, batch: Batch) -> Arrays:
        """`run` takes and returns the layouts inside."""
        self.masks.begin(0)
        self.net.run(*map(_inside, self._inputs(batch)), training=True)
        return self.made()

    def silence(self, names: Iterable[str]) -> None:
        """Written through the views."""
        for name in names:
            self.net.public_gradients[name][...] = 0

    def update(self) -> None:
        """Penalty, clip and update, in the order of the file's own loop."""
        training = self.subject.training
        if training is None:
            self.net.values -= RATE * self.net.gradients
            return
        if training.penalty is not None:
            self.module.add_penalty(self.net)
        if training.clip is not None:
            self.module.clip(self.net.gradients)
        self.optimizer.step(training.rates[0][1])

    def array(self, value: Any) -> Any:
        """Images are channels-last inside."""
        if not isinstance(value, np.ndarray):
            return None
        return (value.transpose(0, 3, 1, 2) if value.ndim == 4 else value).copy()

    def _input_gradients(self) -> dict[str, Any]:
        return dict(getattr(self.net, "input_gradients", {}))

    def _views(self) -> dict[str, Any]:
        return dict(self.net.parameters() | self.net.buffers())

    def _inputs(self, batch: Batch) -> list[Any]:
        return self.subject.positional(cast(batch, self.net.values.dtype))


@dataclass(frozen=True, slots=True)
class _Stream:
    """What a layer draws from: the masks of its path, in the layout inside."""

    masks: Masks
    path: str

    def random(self, shape: tuple[int, ...], dtype: Any = np.float64) -> Any:
        """Numbers from 0 to 1."""
        if len(shape) < 4:
            return self.masks.uniform(self.path, shape)
        n, height, width, channels = shape
        return _inside(self.masks.uniform(self.path, (n, channels, height, width)))


def _inside(array: Any) -> Any:
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)) if array.ndim == 4 else array
