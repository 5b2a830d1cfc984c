"""A generated file as verification drives it, whatever it is written for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from specc.check import ShapedModel
from specc.graph import Layer, Scan, Tensor
from specc.places import Place
from specc.training import Training
from specc.types import Content
from specc.verification.batches import Batch
from specc.verification.comparison import Arrays, Precision
from specc.verification.masks import Masks
from specc.verification.tracing import Recorder, Trace, load
from specc.verification.watching import BackwardWatch, StepWatch, results_of

RATE = 0.01
"""The learning rate of the plain gradient descent where the spec has no `train` section."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one training step computes, in the public layout.

    `inputs` are the gradients of the inputs, where the code has them.
    """

    loss: float
    outputs: Arrays
    gradients: Arrays
    inputs: Arrays
    buffers: Arrays


@dataclass(frozen=True, slots=True)
class Subject:
    """The network that is verified: its shapes, its places in the spec, its `train` section."""

    shaped: ShapedModel
    places: Mapping[str, Place]
    training: Training | None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that `forward` takes."""
        return tuple(self.shaped.inputs.values())

    @property
    def differentiable_inputs(self) -> tuple[Tensor, ...]:
        """The inputs that the loss has a derivative by: real ones, but for masks."""
        masks = {id(tensor) for loss in self.shaped.losses for tensor in loss.inputs[2:]}
        real = (t for t in self.inputs if t.type.content is Content.REAL)
        return tuple(t for t in real if id(t) not in masks)

    @property
    def compares_computed(self) -> bool:
        """Whether a loss compares with what the net computes: its gradient leaves that alone."""
        given = {*self.inputs, *self.shaped.targets.values()}
        return any(t not in given for loss in self.shaped.losses for t in loss.inputs[1:])

    def variable(self, name: str) -> str:
        """An input's name in the code; the spec may use one that Python does not allow."""
        return self.shaped.inputs[name].name

    @property
    def layers(self) -> dict[str, Layer]:
        """Its layers by path, in the order of the forward pass."""
        nodes = ((path, place.node) for path, place in self.places.items())
        return {path: node for path, node in nodes if isinstance(node, Layer)}

    @property
    def scans(self) -> list[str]:
        """The paths of its cells."""
        return [path for path, place in self.places.items() if isinstance(place.node, Scan)]

    @property
    def random_layers(self) -> list[str]:
        """The paths of those that draw random numbers."""
        return [path for path, layer in self.layers.items() if layer.op.draws_random(layer)]

    def positional(self, batch: Batch) -> list[Any]:
        """The inputs of a batch in the order of `forward`."""
        return [batch[tensor.name] for tensor in self.inputs]

    def returned(self, results: Any) -> dict[str, Any]:
        """What `forward` returned, by name; an output that is there again has a number."""
        listed = results if isinstance(results, tuple) else (results,)
        names = [tensor.name for tensor in self.shaped.outputs]
        numbered = (f"{n} ({i + 1})" if n in names[:i] else n for i, n in enumerate(names))
        return dict(zip(numbered, listed, strict=False))

    def made(self, results: tuple[Any, ...]) -> dict[str, Any]:
        """What the pass itself returned, by name: each output once, then what losses look at."""
        names = dict.fromkeys(tensor.name for tensor in self.shaped.outputs)
        return dict(zip(names, results, strict=False))


class Side(ABC):
    """One generated file, loaded; every method copies what it returns."""

    title: ClassVar[str]

    def __init__(
        self, subject: Subject, file: str, text: str, precision: Precision, seed: int
    ) -> None:
        self.subject = subject
        self.precision = precision
        form = file.partition("_")[2]
        self.name = f"{self.title}, {form}" if form else self.title
        self.masks = Masks(seed)
        self.recorder = self.make_recorder()
        self.module = load(f"specc_verify_{file}", text, self.recorder)
        self.net: Any = self.construct(_network_class(self.module), seed)
        self.parts: Mapping[str, Any] = {"": self.net, **self.named_parts()}
        self.recorder.paths = {
            id(part): path
            for path, part in self.parts.items()
            if path in subject.places or not path
        }
        self.recorder.results = {path: results_of(n) for path, n in subject.layers.items()}
        for place in subject.random_layers:
            self.share_masks(place)
        self.optimizer: Any = self.make_optimizer() if subject.training else None

    @abstractmethod
    def make_recorder(self) -> Recorder:
        """What notes tensors of this kind."""

    @abstractmethod
    def construct(self, network: Any, seed: int) -> Any:
        """The network of a class, in this side's precision."""

    @abstractmethod
    def named_parts(self) -> Mapping[str, Any]:
        """The modules of the network by path."""

    @abstractmethod
    def share_masks(self, path: str) -> None:
        """Let a dropout layer take its masks from `self.masks`."""

    @abstractmethod
    def make_optimizer(self) -> Any:
        """The optimizer of the `train` section."""

    @abstractmethod
    def numbers(self) -> dict[str, Any]:
        """Parameters and buffers by name."""

    @abstractmethod
    def set_numbers(self, numbers: Arrays) -> None:
        """Take them over from another side; names that are not here are passed over."""

    @abstractmethod
    def evaluate(self, batch: Batch) -> Arrays:
        """The outputs in evaluation mode."""

    @abstractmethod
    def loss(self, batch: Batch) -> float:
        """The loss in evaluation mode."""

    @abstractmethod
    def step(self, batch: Batch, step: int = 0) -> Step:
        """Loss and gradients in training mode, with the masks of a step."""

    @abstractmethod
    def run(self, batch: Batch) -> Arrays:
        """The outputs in training mode, without a loss."""

    @abstractmethod
    def silence(self, names: Iterable[str]) -> None:
        """Set the gradients of these parameters to zero."""

    @abstractmethod
    def update(self) -> None:
        """One step of the optimizer, from the gradients of the last `step`."""

    @abstractmethod
    def array(self, value: Any) -> Any:
        """A tensor as an array of its own in the public layout; `None` if it is none."""

    def made(self) -> Arrays:
        """What the network's own pass returned last."""
        return self.subject.made(tuple(map(self.array, self.recorder.outputs)))

    def carry_state(self, is_on: bool) -> None:
        """Let recurrent layers begin where they ended, from now on or no more, if they can."""
        if hasattr(self.net, "carry_state"):
            self.net.carry_state(is_on)

    def traced(self, batch: Batch, training: bool) -> Trace:
        """All tensors of a pass; in training mode those of the backward pass, too."""
        trace = self.recorder.trace = Trace()
        try:
            with self.watched_forward(trace), self._watched(trace):
                if not training:
                    trace.outputs = self.evaluate(batch)
                elif self.subject.shaped.losses:
                    step = self.step(batch)
                    trace.outputs, trace.learned = step.outputs, step.gradients
                else:
                    trace.outputs = self.run(batch)
        finally:
            self.recorder.trace = None
        return trace

    @contextmanager
    def watched_forward(self, trace: Trace) -> Iterator[None]:
        """Let layers whose code is not in the file report to a trace."""
        yield

    def tapped(self, value: Any, notes: dict[Any, Any], key: Any) -> Any:
        """What takes the place of a tensor, and notes its gradient where autograd computes it."""
        return value

    @contextmanager
    def _watched(self, trace: Trace) -> Iterator[None]:
        """Let layers that have a backward pass of their own, and cells, report to a trace."""
        layers = {p: n for p, n in self.subject.layers.items() if self._has_backward(p)}
        for path, layer in layers.items():
            part = self.parts[path]
            part.backward = BackwardWatch(path, layer, part.backward, trace, self.array)
        cells = {path: self.parts[path] for path in self.subject.scans}
        steps = [StepWatch(p, c, trace, self.array, self.tapped) for p, c in cells.items()]
        try:
            yield
        finally:
            for step in steps:
                step.restore()
            for path in layers:
                del self.parts[path].backward

    def _has_backward(self, path: str) -> bool:
        return hasattr(self.parts.get(path), "backward")


def _network_class(module: Any) -> Any:
    """The class of the network: the last one that is a `Network`."""
    base = module.Network
    return [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, base)][-1]
