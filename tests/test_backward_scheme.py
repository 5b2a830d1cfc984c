"""The backward scheme: who keeps what, who owns what, and what is summed where.

The gradients of every case of `schemes` are held against finite differences and PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from compiled import (
    Batch,
    Compiled,
    check_differences,
    compile_text,
    directional_error,
    errors,
    worst,
)
from schemes import CASES, Affine, Case

from specc import classes, differentiate, ownership


@pytest.fixture(scope="module", params=CASES)
def compiled(request: pytest.FixtureRequest) -> tuple[Compiled, Case]:
    """A case and its network."""
    chosen = CASES[request.param]
    return compile_text(chosen.spec, input_gradients=True), chosen


def torch_gradients(compiled: Compiled, oracle: Any, batch: Batch) -> tuple[float, Batch]:
    """The loss in PyTorch, and the gradients of parameters and inputs."""
    parameters = {n: torch.tensor(v).requires_grad_() for n, v in compiled.numbers().items()}
    tensors = {name: torch.tensor(value) for name, value in batch.items()}
    inputs = {t.name: tensors[t.name].requires_grad_() for t in compiled.shaped.inputs.values()}
    loss = oracle(Affine(parameters), tensors)
    wanted = {**parameters, **inputs}
    found = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
    zeros = ((g, w) for g, w in zip(found, wanted.values(), strict=True))
    arrays = [torch.zeros_like(w).numpy() if g is None else g.numpy() for g, w in zeros]
    return float(loss.detach()), dict(zip(wanted, arrays, strict=True))


def test_loss_and_gradients_are_pytorchs(compiled: tuple[Compiled, Case]) -> None:
    network, chosen = compiled
    batch = network.batch(4)
    loss, wanted = torch_gradients(network, chosen.oracle, batch)
    assert network.loss(batch) == pytest.approx(loss, rel=1e-12)
    found = network.gradients(batch)
    assert worst(found, wanted) < 1e-9, errors(found, wanted)


def test_gradients_are_finite_differences(compiled: tuple[Compiled, Case]) -> None:
    network, _ = compiled
    assert directional_error(network, network.batch(4, seed=1)) < 1e-6


def test_batches_of_all_sizes_in_turn(compiled: tuple[Compiled, Case]) -> None:
    """A batch that is smaller than the last, one that is larger, one of a single example."""
    network, chosen = compiled
    for size in (5, 2, 7, 1, 5):
        batch = network.batch(size, seed=size)
        _, wanted = torch_gradients(network, chosen.oracle, batch)
        assert worst(network.gradients(batch), wanted) < 1e-9, size


def test_evaluation_between_loss_and_backward_is_harmless(compiled: tuple[Compiled, Case]) -> None:
    network, _ = compiled
    batch, other = network.batch(4), network.batch(6, seed=5)
    wanted = network.gradients(batch)
    network.loss(batch)
    network.net.loss(**other, training=False)
    network.net.forward(*(other[t.name] for t in network.shaped.inputs.values()))
    found = {name: array.copy() for name, array in network.net.backward().items()}
    assert all(np.array_equal(found[name], wanted[name]) for name in found)


def test_an_unfinished_step_leaves_no_trace(compiled: tuple[Compiled, Case]) -> None:
    """`loss` without `backward` before it, also of another size: the next step is as ever."""
    network, _ = compiled
    batch = network.batch(4)
    wanted = network.gradients(batch)
    network.loss(network.batch(6, seed=9))
    network.loss(network.batch(3, seed=8))
    found = network.gradients(batch)
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_evaluation_gives_what_training_gives(compiled: tuple[Compiled, Case]) -> None:
    """There is no dropout here; so a value that is overwritten in one mode only shows."""
    network, _ = compiled
    batch = network.batch(3)
    assert network.net.loss(**batch, training=False) == network.loss(batch)


def test_results_belong_to_the_caller(compiled: tuple[Compiled, Case]) -> None:
    """What `forward` returned stays as it is, and inputs and targets are never written to."""
    network, _ = compiled
    batch = network.batch(3)
    given = {name: array.copy() for name, array in batch.items()}
    inputs = [batch[t.name] for t in network.shaped.inputs.values()]
    first = network.net.forward(*inputs)
    results = first if isinstance(first, tuple) else (first,)
    before = [result.copy() for result in results]
    network.gradients(network.batch(3, seed=4))
    network.net.forward(*(np.ones_like(x) for x in inputs))
    assert all(np.array_equal(a, b) for a, b in zip(results, before, strict=True))
    network.gradients(batch)
    assert all(np.array_equal(batch[name], given[name]) for name in given)


def test_a_step_reuses_the_memory_of_gradients(compiled: tuple[Compiled, Case]) -> None:
    """`backward` returns views of one vector, valid until the next step."""
    network, _ = compiled
    network.loss(network.batch(3))
    first = network.net.backward()
    network.loss(network.batch(3, seed=2))
    second = network.net.backward()
    assert first.keys() == network.net.parameters().keys()
    for name, array in first.items():
        assert np.shares_memory(array, network.net.gradients)
        assert np.array_equal(array, second[name])


def test_an_element_of_every_gradient() -> None:
    """One case number by number, away from kinks: it has none."""
    network = compile_text(CASES["one_tensor_twice_in_one_join"].spec, input_gradients=True)
    batch = network.batch(2)
    check_differences(network, batch)


# ---------------------------------------------------------------- the tests can fail


def failures() -> list[str]:
    """The cases whose gradients are not PyTorch's."""
    failed = []
    for name, chosen in CASES.items():
        network = compile_text(chosen.spec, input_gradients=True)
        batch = network.batch(4)
        _, wanted = torch_gradients(network, chosen.oracle, batch)
        try:
            is_right = worst(network.gradients(batch), wanted) < 1e-9
        except Exception:  # whatever the broken code does
            is_right = False
        if not is_right:
            failed.append(name)
    return failed


def test_everything_in_place_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every use marked as the last, the gradient of two paths is overwritten by one."""
    monkeypatch.setattr(ownership._Pass, "_is_last_use", lambda *_: True)
    found = failures()
    assert "identity_path_before_an_in_place_gradient" in found
    assert len(found) > 3


def test_a_forward_pass_in_place_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no use after the present one known, values that are read later are overwritten."""
    monkeypatch.setattr(ownership, "_last_uses", lambda plan: {})
    found = failures()
    assert {"views_of_one_array", "prediction_used_after_its_loss"} <= set(found)


def test_a_forgotten_sum_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensor that is used twice gets the gradient of its last use only."""
    total = differentiate._Differentiator.total

    def first(self: Any, tensor: Any) -> Any:
        del self.contributions.get(tensor, [])[1:]
        return total(self, tensor)

    monkeypatch.setattr(differentiate._Differentiator, "total", first)
    found = failures()
    assert {"outputs_used_twice_with_two_losses", "variants_of_a_block"} <= set(found)


def test_a_shared_block_that_overwrites_what_it_kept_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the stack, the second call's values stand where the first call's should."""
    monkeypatch.setattr(classes.Classes, "_mark_stacked", lambda self: None)
    assert "shared_block_with_kept_values_called_twice" in failures()


def test_aliases_that_a_call_returns_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two gradients in one array, taken for two arrays."""
    monkeypatch.setattr(ownership._Memory, "share", lambda self, tensor, other: self.own(tensor))
    found = failures()
    assert "block_that_returns_one_gradient_for_two_inputs" in found
    assert "views_of_one_array" in found
