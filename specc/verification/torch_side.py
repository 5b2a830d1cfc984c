"""A generated PyTorch file, as verification drives it, on the CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from specc.verification.batches import Batch
from specc.verification.comparison import Arrays
from specc.verification.masks import Masks
from specc.verification.side import RATE, Side, Step
from specc.verification.tracing import Recorder, Trace


class TorchSide(Side):
    """The network of a PyTorch file."""

    title = "PyTorch"

    def make_recorder(self) -> Recorder:
        """Copies tensors, and watches their gradients."""
        return _Recorder(self.array)

    def construct(self, network: Any, seed: int) -> Any:
        """In float32 and then converted."""
        return network(seed).to(self.dtype)

    @property
    def dtype(self) -> torch.dtype:
        """The precision, as PyTorch has it."""
        found: torch.dtype = getattr(torch, self.precision.value)
        return found

    def named_parts(self) -> Mapping[str, Any]:
        """All modules."""
        return dict(self.net.named_modules())

    def share_masks(self, path: str) -> None:
        """Replace the function that draws, while the layer's `forward` runs."""
        module = self.parts[path]
        forward, dropout = module.forward, partial(_dropout, self.masks, path)

        def masked(*inputs: Any, **named: Any) -> Any:
            with patch.object(nn.functional, "dropout", dropout):
                return forward(*inputs, **named)

        module.forward = masked

    def make_optimizer(self) -> Any:
        """The function of the file."""
        assert self.subject.training is not None
        return self.module.make_optimizer(self.net, self.subject.training.rates[0][1])

    def numbers(self) -> dict[str, Any]:
        """Without the counters that NumPy does not have."""
        return {name: self.array(tensor) for name, tensor in self._tensors().items()}

    def set_numbers(self, numbers: Arrays) -> None:
        """In place."""
        with torch.no_grad():
            for name, tensor in self._tensors().items():
                if name in numbers:
                    tensor.copy_(torch.tensor(numbers[name]))

    def evaluate(self, batch: Batch) -> Arrays:
        """A call in evaluation mode."""
        self.net.eval()
        with torch.no_grad():
            found = self.net(*self.subject.positional(self._on(batch)))
        results = found if isinstance(found, tuple) else (found,)
        return self.subject.returned(tuple(map(self.array, results)))

    def loss(self, batch: Batch) -> float:
        """The loss in evaluation mode."""
        with torch.no_grad():
            return self._loss(batch, training=False)

    def step(self, batch: Batch, step: int = 0) -> Step:
        """`loss` and `backward`."""
        self.masks.begin(step)
        loss = self._loss(batch)
        outputs = self.made()
        gradients = {name: self.array(g) for name, g in self.net.backward().items()}
        inputs = getattr(self.net, "input_gradients", {})
        d_inputs = {self.subject.variable(n): self.array(g) for n, g in inputs.items()}
        return Step(loss, outputs, gradients, d_inputs, self._buffers())

    def _loss(self, batch: Batch, training: bool = True) -> float:
        loss: float = self.net.loss(**self._on(batch), training=training).item()
        return loss

    def run(self, batch: Batch) -> Arrays:
        """A call in training mode."""
        self.masks.begin(0)
        self.net.train()
        with torch.no_grad():
            self.net(*self.subject.positional(self._on(batch)))
        return self.made()

    def silence(self, names: Iterable[str]) -> None:
        """In place."""
        for name in names:
            self.net.get_parameter(name).grad.zero_()

    def update(self) -> None:
        """Clip and update, in the order of the file's own loop; the penalty is in one of them."""
        training = self.subject.training
        if training is None:
            torch.optim.SGD(self.net.parameters(), RATE).step()
            return
        if training.clip is not None:
            if training.penalty is not None:
                self.module.add_penalty(self.net)
            self.module.clip([parameter.grad for parameter in self.net.parameters()])
        self.optimizer.step()

    def array(self, value: Any) -> Any:
        """A copy."""
        return value.detach().clone().numpy() if isinstance(value, torch.Tensor) else None

    def _tensors(self) -> dict[str, torch.Tensor]:
        named = self.net.state_dict(keep_vars=True).items()
        return {name: tensor for name, tensor in named if tensor.is_floating_point()}

    def _buffers(self) -> Arrays:
        learned = dict(self.net.named_parameters())
        return {n: self.array(t) for n, t in self._tensors().items() if n not in learned}

    def _on(self, batch: Batch) -> dict[str, torch.Tensor]:
        """A batch as tensors, its real numbers in the precision of the network."""
        tensors = {name: torch.tensor(array) for name, array in batch.items()}
        return {n: t.to(self.dtype) if t.is_floating_point() else t for n, t in tensors.items()}

    def tapped(self, value: Any, notes: dict[Any, Any], key: Any) -> Any:
        """A view, which gets the gradients of one use and no others."""
        return _tapped(value, notes, key)

    @contextmanager
    def watched_forward(self, trace: Trace) -> Iterator[None]:
        """Hook into PyTorch's own layers: what comes out, and the gradients of what goes in."""
        handles = []
        for path, layer in self.subject.layers.items():
            module = self.parts.get(path)
            if module is not None:
                taps = _Taps(trace, path, layer.positions)
                handles.append(module.register_forward_pre_hook(taps.enter, with_kwargs=True))
                handles.append(module.register_forward_hook(partial(self._leave, trace, path)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _leave(self, trace: Trace, path: str, module: nn.Module, given: Any, result: Any) -> None:
        if type(module).__module__ != self.module.__name__:
            self.recorder.keep(trace, path, result)  # its code is not in the file


class _Taps:
    """Watches the gradients that one layer hands to its inputs."""

    def __init__(self, trace: Trace, path: str, positions: Mapping[str, int]) -> None:
        self.trace = trace
        self.path = path
        self.positions = positions
        self.calls = -1

    def enter(
        self, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the layer views of its inputs: they get its own gradients and no others."""
        self.calls += 1
        inputs = tuple(self._tapped(index, tensor) for index, tensor in enumerate(given))
        return inputs, {n: self._tapped(self.positions[n], t) for n, t in named.items()}

    def _tapped(self, index: int, tensor: Any) -> Any:
        return _tapped(tensor, self.trace.passed, (self.path, self.calls, index))


def _tapped(tensor: Any, notes: dict[Any, Any], key: Any) -> Any:
    if not isinstance(tensor, torch.Tensor) or not tensor.requires_grad:
        return tensor
    view = tensor.view_as(tensor)
    _watch(view, notes, key)
    return view


class _Recorder(Recorder):
    def keep_one(self, trace: Trace, name: str, value: Any) -> None:
        """A tensor, and its gradient once it is known."""
        call = trace.calls[name]
        super().keep_one(trace, name, value)
        if isinstance(value, torch.Tensor) and value.requires_grad:
            _watch(value, trace.gradients, (name, call))


def _watch(tensor: torch.Tensor, notes: dict[Any, Any], key: Any) -> None:
    """Note the gradient of a tensor during the backward pass."""

    def note(gradient: torch.Tensor) -> None:
        notes[key] = gradient.detach().clone().numpy()

    tensor.register_hook(note)  # type: ignore[no-untyped-call]


def _dropout(
    masks: Masks, path: str, x: torch.Tensor, p: float, training: bool, inplace: bool = False
) -> torch.Tensor:
    """Inverted dropout with the masks that every side gets, in place of `F.dropout`."""
    if not training:
        return x
    kept = torch.tensor(masks.uniform(path, tuple(x.shape)) >= p)
    return x * kept.to(x.dtype) / (1 - p)
