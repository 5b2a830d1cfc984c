"""Networks for tests: from the text of a spec to its generated module, a net and random batches."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from specc.check import ShapedModel
from specc.checking.lengths import steps_of
from specc.diagnostics import CompileError, Diagnostics
from specc.differentiate import differentiate
from specc.emit import emit
from specc.graph import Tensor
from specc.invariants import verify
from specc.options import Options
from specc.pipeline import load, shape_one
from specc.source import Source
from specc.types import Content
from specc.values import Value
from specc.verification.batches import draw_lengths

Batch = dict[str, Any]
STEPS = (1e-5, 1e-6, 1e-7)
FLOOR = 1e-6
"""Gradients smaller than this part of the largest are noise (in float64)."""


@dataclass(eq=False)
class Compiled:
    """A network that went through the whole compiler.

    `net` is an instance of the generated class; `sizes` are numbers for its free dimensions.
    """

    shaped: ShapedModel
    text: str
    module: ModuleType
    net: Any
    sizes: Mapping[str, int] = field(default_factory=dict)

    def batch(self, n: int = 4, seed: int = 0) -> Batch:
        """Random inputs and targets by name; masks and real targets are just numbers."""
        rng = np.random.default_rng(seed)
        tensors = {**self.shaped.inputs, **self.shaped.targets}
        return {t.name: self._sample(t, n, rng) for t in tensors.values()}

    def _number(self, size: Value) -> int:
        return self.sizes.get(str(size)) or size.number

    def _sample(self, tensor: Tensor, n: int, rng: np.random.Generator) -> Any:
        type_ = tensor.type
        shape = (n, *map(self._number, type_.shape))
        if type_.content is Content.REAL:
            return rng.normal(size=shape).astype(self.net.values.dtype)
        if type_.content is Content.LENGTHS:
            steps = self._number(steps_of(tensor, self.shaped.inputs.values()))
            return draw_lengths(steps, n, rng)
        assert type_.classes is not None
        return rng.integers(0, type_.classes.number, shape)

    def loss(self, batch: Batch) -> float:
        """The loss in training mode, with the same dropout masks every time."""
        freeze_masks(self.net)
        return float(self.net.loss(**batch))

    def gradients(self, batch: Batch) -> dict[str, Any]:
        """The gradients of a fresh step, by parameter, and of inputs if asked for; copies."""
        self.loss(batch)
        found = {name: g.copy() for name, g in self.net.backward().items()}
        inputs = getattr(self.net, "input_gradients", {})
        return found | {
            tensor.name: inputs[name].copy()
            for name, tensor in self.shaped.inputs.items()
            if name in inputs
        }

    def numbers(self) -> dict[str, Any]:
        """Copies of the parameters."""
        return {name: value.copy() for name, value in self.net.parameters().items()}


def compile_text(
    text: str,
    *,
    settings: Sequence[str] = (),
    input_gradients: bool = False,
    net: str | None = None,
    sizes: Mapping[str, int] | None = None,
    dtype: Any = np.float64,
    path: Path | None = None,
) -> Compiled:
    """Compile a spec and construct its network, its numbers of type `dtype`.

    Raises:
        AssertionError: with the diagnostics, if the spec has errors.
    """
    source = Source("test.net", text, path) if path else Source("test.net", text)
    return compile_source(source, settings, input_gradients, net, sizes, dtype)


def compile_file(path: Path, settings: Sequence[str] = (), **more: Any) -> Compiled:
    """The same for a file."""
    return compile_source(load(path), settings, **more)


def compile_source(
    source: Source,
    settings: Sequence[str] = (),
    input_gradients: bool = False,
    net: str | None = None,
    sizes: Mapping[str, int] | None = None,
    dtype: Any = np.float64,
) -> Compiled:
    """The same for a source."""
    options = Options(net=net, settings=tuple(settings), input_gradients=input_gradients)
    diagnostics = Diagnostics()
    try:
        shaped = shape_one(source, options, diagnostics)
        for value in (shaped.model, shaped, differentiate(shaped)):
            verify(value)
        text = emit(shaped, options, Path("test.py"), diagnostics)
    except CompileError as error:
        lines = [f"{d.code} {d.primary.span.place}: {d.message}" for d in error.diagnostics]
        raise AssertionError("\n".join([*lines, source.text])) from None
    module = execute(text)
    return Compiled(shaped, text, module, network_class(module)(seed=1).astype(dtype), sizes or {})


def execute(text: str) -> ModuleType:
    """Generated code as a module."""
    module = ModuleType("generated")
    exec(compile(text, "generated.py", "exec"), module.__dict__)
    return module


def network_class(module: ModuleType) -> Any:
    """The class of the network, the last one that is a `Network`."""
    base = module.Network
    found = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, base)]
    return found[-1]


def freeze_masks(net: Any) -> None:
    """Let dropout draw the same masks as last time."""
    if hasattr(net, "draw_masks_from"):
        net.draw_masks_from(np.random.default_rng(7))


# ---------------------------------------------------------------- measuring


def errors(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, float]:
    """max|a − b| / max(max|b|, FLOOR · the largest gradient of all), by name."""
    assert found.keys() == wanted.keys()
    scale = max((np.abs(b).max() for b in wanted.values()), default=0.0)
    result = {}
    for name, b in wanted.items():
        a = found[name]
        assert a.shape == b.shape, f"{name}: {a.shape}, needs {b.shape}"
        off = np.abs(a - b).max()
        result[name] = float(off / max(np.abs(b).max(), FLOOR * scale)) if off else 0.0
    return result


def worst(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> float:
    """The largest of `errors`."""
    return max(errors(found, wanted).values(), default=0.0)


def check_differences(compiled: Compiled, batch: Batch) -> None:
    """The gradients of all parameters, and of real inputs if asked for, are finite differences;
    a mask `m` has none."""
    found, wanted = compiled.gradients(batch), elementwise(compiled, batch)
    if not hasattr(compiled.net, "input_gradients"):
        wanted = {name: wanted[name] for name in compiled.net.parameters()}
    for gradients in (found, wanted):
        gradients.pop("m", None)
    assert worst(found, wanted) < 1e-6, errors(found, wanted)


def directional_error(compiled: Compiled, batch: Batch, count: int = 5, seed: int = 3) -> float:
    """The gradient against finite differences along random directions: the worst of them, each
    at the best of three steps."""
    net = compiled.net
    compiled.gradients(batch)
    gradient, start = net.gradients.copy(), net.values.copy()
    rng = np.random.default_rng(seed)
    largest = 0.0
    for _ in range(count):
        direction = rng.normal(size=start.shape)
        direction /= max(1, np.linalg.norm(direction) / 20)
        exact = gradient @ direction
        best = np.inf
        for step in STEPS:
            net.values[:] = start + step * direction
            above = compiled.loss(batch)
            net.values[:] = start - step * direction
            below = compiled.loss(batch)
            off = abs((above - below) / (2 * step) - exact)
            best = min(best, off / max(abs(exact), 1e-12))
        largest = max(largest, best)
    net.values[:] = start
    return largest


def elementwise(compiled: Compiled, batch: Batch, step: float = 1e-5) -> dict[str, Any]:
    """Central differences of the loss for every number of every parameter and real input."""
    batch = copy.deepcopy(batch)
    real = (t for t in compiled.shaped.inputs.values() if t.type.content is Content.REAL)
    inputs = {t.name: batch[t.name] for t in real}
    found = {}
    for name, array in {**compiled.net.parameters(), **inputs}.items():
        found[name] = np.zeros(array.shape)
        for place in np.ndindex(*array.shape):
            found[name][place] = _difference(compiled, batch, array, place, step)
    return found


def _difference(
    compiled: Compiled, batch: Batch, array: Any, place: tuple[int, ...], step: float
) -> float:
    value = array[place]
    array[place] = value + step
    above = compiled.loss(batch)
    array[place] = value - step
    below = compiled.loss(batch)
    array[place] = value
    return (above - below) / (2 * step)


def arrays_of(net: Any) -> Iterator[tuple[str, Any]]:
    """Every NumPy array that a network or its parts hold, with a path to it."""
    for path, part in [("", net), *net.parts()]:
        yield from _arrays(path, vars(part), set())


def _arrays(path: str, value: object, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _arrays(f"{path}.{key}", item, seen)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _arrays(f"{path}[{index}]", item, seen)
