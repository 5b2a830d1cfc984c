"""PyTorch files of specs: their code, their nets, and whether they compute what NumPy files do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from compiled import Batch, Compiled, errors, execute, network_class, worst

from specc.diagnostics import Diagnostics
from specc.emit import emit
from specc.options import Options
from specc.pipeline import shape_one
from specc.source import Source
from specc.targets.registry import targets

BOUND = 1e-9
FORMS = targets()["pytorch"].backward


def pytorch_code(text: str, path: Path | None = None, **options: Any) -> str:
    """The PyTorch file of a spec."""
    chosen = Options(target="pytorch", **options)
    diagnostics = Diagnostics()
    shaped = shape_one(Source("test.net", text, path), chosen, diagnostics)
    return emit(shaped, chosen, Path("test.py"), diagnostics)


def pytorch_net(code: str) -> Any:
    """The network of a PyTorch file, in float64."""
    return network_class(execute(code))().double()


def hand_over(compiled: Compiled, net: Any, folder: Path) -> None:
    """Give a PyTorch net the weights of a NumPy net, through a file."""
    compiled.net.save(folder / "weights.safetensors")
    net.load(folder / "weights.safetensors")


def as_tensors(batch: Batch) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(array) for name, array in batch.items()}


def numbers(value: Any) -> Any:
    return value.detach().numpy()


def check_same(compiled: Compiled, code: str, batch: Batch, folder: Path) -> None:
    """Names, output in evaluation mode, loss, running statistics, and all gradients."""
    net = pytorch_net(code)
    named = {name: tuple(p.shape) for name, p in net.named_parameters()}
    assert named == {name: p.shape for name, p in compiled.net.parameters().items()}
    hand_over(compiled, net, folder)
    tensors = as_tensors(batch)
    inputs = [t.name for t in compiled.shaped.inputs.values()]
    outputs = net.eval()(*(tensors[name] for name in inputs))
    wanted = compiled.net.forward(*(batch[name] for name in inputs))
    many = isinstance(wanted, tuple)
    pairs = zip(outputs if many else [outputs], wanted if many else [wanted], strict=True)
    assert max(worst({"": numbers(a)}, {"": b}) for a, b in pairs) < BOUND
    expected = compiled.gradients(batch)
    loss = net.loss(**tensors)
    stored = {n: numbers(x) for n, x in net.state_dict().items() if not n.endswith("_tracked")}
    held = {n: array for n, array in stored.items() if n not in named}
    assert max(errors(held, compiled.net.buffers()).values(), default=0) < BOUND
    assert loss.item() == pytest.approx(compiled.loss(batch), rel=BOUND)
    found = {name: numbers(g) for name, g in net.backward().items()}
    gradients = getattr(net, "input_gradients", {})
    tensors = {t.name: gradients.get(name) for name, t in compiled.shaped.inputs.items()}
    found |= {name: numbers(g) for name, g in tensors.items() if g is not None}
    assert worst(found, expected) < BOUND
