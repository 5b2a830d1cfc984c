"""Watching the backward passes of layers: which gradients come in, and which they hand back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specc.graph import Layer
from specc.targets.backward import handed_back
from specc.verification.tracing import Trace, numbered


class BackwardWatch:
    """A layer's `backward` that notes its gradients in a trace."""

    def __init__(
        self,
        path: str,
        layer: Layer,
        backward: Callable[..., Any],
        trace: Trace,
        array: Callable[[Any], Any],
    ) -> None:
        self.path = path
        self.backward = backward
        self.trace = trace
        self.array = array
        self.results = {f"d_{n}": i for i, n in enumerate(layer.optional_results, start=1)}
        self.inputs = handed_back(layer, range(len(layer.inputs)))  # their positions
        self.calls = 0

    def __call__(self, *d_outputs: Any, **options: Any) -> Any:
        """Go back through the layer."""
        self.calls += 1
        call = max(self.trace.calls[self.path] - self.calls, 0)  # backward runs in reverse
        self.trace.order.append((self.path, call))
        named = ((self.results[n], d) for n, d in options.items() if n in self.results)
        for index, d_output in (*enumerate(d_outputs), *named):
            self.trace.gradients[numbered(self.path, index), call] = self.array(d_output)
        results = self.backward(*d_outputs, **options)
        listed = results if isinstance(results, tuple | list) else (results,)
        for position, d_input in zip(self.inputs, listed, strict=False):
            if position is not None:
                self.trace.passed[self.path, call, position] = self.array(d_input)
        return results


class StepWatch:
    """The `step` of a cell, and its `step_backward` where there is one, that report to a trace.

    `tapped` gives what takes the place of a result, and notes its gradient under a key, where that
    is left to autograd.
    """

    def __init__(
        self,
        path: str,
        cell: Any,
        trace: Trace,
        array: Callable[[Any], Any],
        tapped: Callable[[Any, dict[Any, Any], Any], Any],
    ) -> None:
        self.path = path
        self.cell = cell
        self.trace = trace
        self.array = array
        self.tapped = tapped
        self.forward, self.backward = cell.step, getattr(cell, "step_backward", None)
        self.calls = 0
        cell.step = self.step
        if self.backward is not None:
            cell.step_backward = self.step_backward

    def restore(self) -> None:
        """Watch no more."""
        del self.cell.step
        if self.backward is not None:
            del self.cell.step_backward

    def step(self, *inputs: Any) -> Any:
        """A step."""
        results = self.forward(*inputs)
        call, self.calls = self.calls, self.calls + 1
        return tuple(
            self.tapped(result, self.trace.steps, (self.path, call, index))
            for index, result in enumerate(results)
        )

    def step_backward(self, *d_results: Any) -> Any:
        """A step back."""
        self.calls -= 1
        self.trace.order.append((self.path, self.calls))
        for index, d_result in enumerate(d_results):
            self.trace.steps[self.path, self.calls, index] = self.array(d_result)
        assert self.backward is not None  # or nobody would call this
        return self.backward(*d_results)


def results_of(layer: Layer) -> int:
    """How many results of a layer count: of a shared one, another use may name more."""
    return 1 + len(layer.optional_results) if layer.is_shared else len(layer.outputs)
